import type { ComposeProject, ComposeService, Place } from "../compose";
import type { ReachResult } from "../targets/node";

export interface Question {
  readonly from: string;
  readonly to: string;
}

/** What came of a question, as plain data; docs/report.md describes it. */
export interface ReachAnswer extends Question {
  readonly reachable: boolean;
  readonly result: ReachResult["result"];
  readonly address: string | null;
  readonly server: string | null;
  /** Who the server saw, and the address at which it was asked. */
  readonly peer: string | null;
  readonly local: string | null;
  /** Who sent the ICMP error. */
  readonly by: string | null;
  readonly dropped: { readonly reason: string; readonly place: string } | null;
  readonly rule: string | null;
  /** What that means, in words. */
  readonly cause: string | null;
  /** What else is worth knowing of an answer that came. */
  readonly note: string | null;
  /** The same over IPv6, where the name has addresses of both families. */
  readonly overIpv6: { readonly reachable: boolean; readonly result: ReachResult["result"]; readonly address: string | null } | null;
  /** The same in words. */
  readonly details: readonly string[];
  /** What of the Compose file it rests on. */
  readonly file: string | null;
  readonly line: number | null;
  /** The way of each packet, a line per hop. */
  readonly packets: readonly string[];
}

export function answerOf(project: ComposeProject, question: Question, result: ReachResult): ReachAnswer {
  const { position } = placeOf(project, question, result) ?? {};
  const { reachable, address = null, server = null, peer = null, local = null, by = null, dropped = null, rule = null, cause = null, note = null, overIpv6 } = result;
  return {
    ...question,
    reachable,
    result: result.result,
    address,
    server,
    peer,
    local,
    by,
    dropped,
    rule,
    cause,
    note,
    overIpv6: overIpv6 === undefined ? null : { reachable: overIpv6.reachable, result: overIpv6.result, address: overIpv6.address ?? null },
    details: detailsOf(project, question, result),
    file: position?.file ?? null,
    line: position?.line ?? null,
    packets: result.packets.map(String),
  };
}

function detailsOf(project: ComposeProject, { to }: Question, { result, reachable, address, reason, server, peer, local, by, dropped, cause, note, rule, overIpv6 }: ReachResult): string[] {
  const seen = server === undefined ? undefined : `${server} saw ${peer}${local === undefined || local === address ? "" : ` ask ${local}`}`;
  const [published] = reachable ? publishers(project, to) : [];
  return [
    reachable || reason !== undefined ? undefined : result,
    reason,
    address === undefined || to.startsWith(address) ? undefined : address,
    seen,
    by === undefined ? undefined : `said by ${by}`,
    // The sender's own socket took what refuses it.
    dropped === undefined || result === "refused" ? undefined : `${dropped.reason} at ${dropped.place}`,
    rule,
    cause,
    note,
    published === undefined ? undefined : `published ${partsOf(to)[1]}→${published.target}`,
    reachable ? unknownPort(project, to) : undefined,
    overIpv6 === undefined ? undefined : `over IPv6 ${overIpv6.reachable ? "too" : overIpv6.result}: ${overIpv6.address}${overIpv6.rule === undefined ? "" : ` (${overIpv6.rule})`}`,
  ].filter((detail) => detail !== undefined);
}

/** Something answers at every port here; a real image may have nothing there. */
function unknownPort(project: ComposeProject, to: string): string | undefined {
  const [name, port] = partsOf(to);
  const service = project.services.find((each) => each.name === name);
  if (service === undefined || port === undefined) return undefined;
  const known = [...service.expose, ...service.ports.map(({ target }) => ({ from: target, to: target }))];
  if (known.length === 0 || known.some(({ from, to: last }) => from <= port && port <= last)) return undefined;
  const ports = [...new Set(known.map(({ from, to: last }) => (from === last ? `${from}` : `${from}-${last}`)))].join(", ");
  const isOfHost = service.ports.some(({ published }) => published !== undefined && published.from <= port && port <= published.to);
  return `but ${name} says it listens on ${ports}, not on ${port}${isOfHost ? ", which is the host's port for it" : ""}`;
}

/** The published port, the service that is asked, or the networks of the one that cannot find it. */
function placeOf(project: ComposeProject, { from, to }: Question, { result }: ReachResult): Place | undefined {
  const [published] = publishers(project, to);
  if (published) return published.place;
  const service = (name: string) => project.services.find((each) => each.name === name);
  const [sender, target] = [service(from), service(partsOf(to)[0])];
  const asked = result === "unresolvable" ? (sender ?? target) : (target ?? sender);
  if (asked === undefined) return undefined;
  return asked.networks.length > 0 && result === "unresolvable" ? project.place("services", asked.name, "networks") : asked.place;
}

function publishers(project: ComposeProject, to: string): ComposeService["ports"][number][] {
  const [, port = 0] = partsOf(to);
  const protocol = to.endsWith("/udp") ? "udp" : "tcp";
  if (!isOfHost(to)) return [];
  return project.services.flatMap(({ ports }) =>
    ports.filter(({ published, protocol: own }) => own === protocol && published !== undefined && published.from <= port && port <= published.to),
  );
}

function isOfHost(to: string): boolean {
  return /^(host|host1|localhost|127\.[\d.]+)(:|$)/.test(to);
}

function partsOf(to: string): [string, number | undefined] {
  const [, name = to, port] = /^([^:]+)(?::(\d+))?/.exec(to) ?? [];
  return [name, port === undefined ? undefined : Number(port)];
}
