import type { FlowErrorName } from "../observe/names";
import { formatCount } from "./format";
import type { ReportProblem, ReportTraffic } from "./report";

/** What strerror(3) calls the errors of a socket. */
const ERROR_WORDS: Readonly<Record<Exclude<FlowErrorName, "None">, string>> = {
  ConnectionRefused: "connection refused",
  HostUnreachable: "no route to host",
  NetworkUnreachable: "network is unreachable",
  TimedOut: "connection timed out",
  ConnectionReset: "connection reset by peer",
  MessageTooLong: "message too long",
  ProtocolError: "protocol error",
  Closed: "connection closed before an answer",
  AccessDenied: "permission denied",
  NotPermitted: "operation not permitted",
};

/**
 * A socket's error as the process would print it.
 *
 * @example errorWords("ConnectionRefused") // "connection refused"
 */
export function errorWords(error: FlowErrorName): string {
  return error === "None" ? "no error" : ERROR_WORDS[error];
}

/**
 * What makes a run count as failed, one entry for each sender of each traffic:
 * - `nothing-delivered`: not one message arrived (for requests and pings: not one answer), and at least one was lost, refused, given
 *   up or sent again: what had only just left when the run ended may still arrive;
 * - `errors`: its socket reported an error to the process at least once, such as "connection refused".
 *
 * Loss, retransmissions and requests that were given up are results, not problems, as long as something arrives.
 */
export function findProblems(traffic: readonly ReportTraffic[]): ReportProblem[] {
  return traffic.flatMap((item): ReportProblem[] => {
    const completed = isAnswered(item) ? item.answered : item.delivered;
    const hasFailed = item.lost + item.blocked + item.errors + item.timeouts + item.retransmits > 0;
    const times = item.errors === 1 ? "once" : `${formatCount(item.errors)} times`;
    const reported = item.lastError === null ? "" : `${errorWords(item.lastError)} (${times})`;
    if (completed === 0 && hasFailed) {
      const what = isAnswered(item) ? (item.delivered > 0 ? "no answer came back" : "nothing was answered") : "nothing was delivered";
      return [{ kind: "nothing-delivered", traffic: item.name, from: item.from, to: item.to, message: [what, reported].filter(Boolean).join(": ") }];
    }
    if (item.errors > 0) return [{ kind: "errors", traffic: item.name, from: item.from, to: item.to, message: reported || `${times} an error` }];
    return [];
  });
}

/** Whether a message is complete only when its answer is back. */
export function isAnswered({ kind }: Pick<ReportTraffic, "kind">): boolean {
  return kind === "request" || kind === "ping" || kind === "exchange" || kind === "query";
}
