/** Probes as the recordings' rows ask for them. */
import { isIp, isIpv4 } from "../../../src/net/ip";
import type { Row } from "../recording";
import { lookUp, resolverSettings } from "../../../src/programs/libc";
import type { ProcessView } from "../../../src/programs/process";

const TIMEOUT_MS = 4500;
const DEFAULT_SIZE = 56;

/** One row's question, put by a process; `containerOf` gives the container that calls itself by a host name. */
export async function probeRow(process: ProcessView, row: Row, containerOf: (hostname: string) => string | undefined): Promise<Row> {
  if (row.proto === "dns" || row.proto === "dnstcp") return { ...row, ...(await askDns(process, row)) };
  const found = await lookUp(process, row.to, TIMEOUT_MS);
  if ("failure" in found) return { ...row, result: "unresolvable", detail: found.failure };
  const outcome = await ask(process, row, found.address, containerOf);
  // Which of several addresses comes first is drawn anew for each question: whatever could have been drawn is tried.
  const alternatives = await Promise.all(found.others.map((address) => ask(process, row, address, containerOf)));
  return { ...outcome, ...(alternatives.length > 0 && { alternatives }) };
}

async function ask(process: ProcessView, row: Row, address: string, containerOf: (hostname: string) => string | undefined): Promise<Row> {
  const addr = isIp(row.to) ? {} : { addr: address };
  if (row.proto === "icmp") {
    const outcome = await process.traffic.echo(process.place, address, {
      size: row.size ?? DEFAULT_SIZE, firstSequence: 1, count: 5, intervalMs: 1000, timeoutMs: TIMEOUT_MS, dontFragment: row.size !== undefined,
    });
    // The probe does not see the hop limit of IPv6.
    const { ttl, ...rest } = outcome;
    return { ...row, ...rest, ...addr, ...(ttl !== undefined && isIpv4(address) && { ttl }) };
  }
  if (row.proto !== "tcp" && row.proto !== "udp") throw new Error(`probes of the protocol ${JSON.stringify(row.proto)} are not known`);
  const { server, ...outcome } = await process.traffic.exchange(process.place, row.proto, address, row.port ?? 0, { host: row.to, timeoutMs: TIMEOUT_MS });
  return { ...row, ...outcome, ...addr, ...(server !== undefined && { server: containerOf(server) ?? server }) };
}

async function askDns(process: ProcessView, { to, proto, qtype = "A" }: Row): Promise<Partial<Row>> {
  const [server] = resolverSettings(process.resolvConf).servers;
  if (server === undefined) return { result: "no-nameserver" };
  const name = qtype === "PTR" && isIpv4(to) ? `${to.split(".").reverse().join(".")}.in-addr.arpa` : to;
  const { result, rcode, answers } = await process.traffic.query(process.place, server, name, qtype, TIMEOUT_MS, { overTcp: proto === "dnstcp" });
  return { result, ...(rcode !== undefined && { rcode }), ...(answers !== undefined && { answers: answers.map((answer) => ({ ...answer })) }) };
}

/** Whether a second try is worth its while. */
export function hasFailed({ result, proto, size }: Row): boolean {
  return result !== "ok" && !(proto === "icmp" && size !== undefined);
}
