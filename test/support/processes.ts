/** Random proxies and servers, and what is asked of name servers: parts of the plans in `arbitrary.ts`. */
import fc from "fast-check";
import { DNS_A, DNS_AAAA, DNS_MX, DNS_PORT, DNS_PTR, DNS_TXT, RESOLVER_AUTHORITATIVE } from "../../assembly/abi/dns";
import { FlowKind, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import type { DatapathProgram, SocketRecord } from "../../src/engine/program";
import { domainNameBytes } from "../../src/net/domain-name";
import type { DraftNames } from "./dns-draft";
import type { Endpoint, ProgramDraft } from "./program";

/** Where a process is, where it leads, and what it knows. Numbers choose; they wrap around. */
export interface ProcessPlan {
  readonly kind: "proxy" | "identity" | "resolver" | "server";
  readonly at: number;
  readonly isTcp: boolean;
  readonly port: number;
  readonly target: number;
  readonly targetPort: number;
  /** Flags of the socket or of the resolver. */
  readonly flags: number;
  readonly responseBytes: number;
  readonly zones: readonly number[];
  /** Which endpoint is asked, and whether from the host. */
  readonly upstreams: readonly { readonly target: number; readonly isHosts: boolean }[];
}

/** What a query flow asks. */
export interface QueryPlan {
  readonly name: number;
  readonly type: number;
  /** How long an answer may be; 0: it does not say. */
  readonly udpSize: number;
}

/** They fill more than one segment. */
const MOST = Array.from({ length: 190 }, (_, i) => `10.4.0.${i}`);
/** Names that zones have, in three zones that overlap. */
const ZONES: readonly DraftNames[] = [
  { web: ["10.1.0.1", "10.1.0.2", "10.1.0.3"], "web.a": ["10.1.0.1"], six: ["fd00::6"], "1.0.1.10.in-addr.arpa": [{ pointer: "web.a" }] },
  { most: MOST, web: ["10.2.0.1", "fd00::1"], db: ["10.2.0.9"], "1.0.1.10.in-addr.arpa": [{ pointer: "db" }, { pointer: "web" }] },
  { many: Array.from({ length: 40 }, (_, i) => `10.3.0.${i}`), "www.example.test": ["198.51.100.10", "198.51.100.11"] },
];
const NAMES = ["web", "most", "many", "www.example.test", "web.a", "six", "db", "1.0.1.10.in-addr.arpa", "nobody", "nobody.else", "."];
const PORTS = [80, 9000, 9001, DNS_PORT];

export const process: fc.Arbitrary<ProcessPlan> = fc.record({
  kind: fc.constantFrom("proxy" as const, "proxy" as const, "identity" as const, "resolver" as const, "server" as const),
  at: fc.nat(63),
  isTcp: fc.boolean(),
  port: fc.constantFrom(...PORTS),
  target: fc.nat(63),
  targetPort: fc.constantFrom(...PORTS, 81),
  flags: fc.nat(7),
  responseBytes: fc.oneof(fc.nat(200), fc.nat(3000), fc.constantFrom(65_500)),
  zones: fc.array(fc.nat(2), { maxLength: 3 }),
  upstreams: fc.array(fc.record({ target: fc.nat(63), isHosts: fc.boolean() }), { maxLength: 3 }),
});

export const query: fc.Arbitrary<QueryPlan> = fc.record({
  // The first ones are more often there.
  name: fc.oneof(fc.nat(NAMES.length - 1), fc.nat(3)),
  type: fc.constantFrom(DNS_A, DNS_A, DNS_A, DNS_AAAA, DNS_PTR, DNS_MX, DNS_TXT, 999),
  udpSize: fc.constantFrom(0, 0, 512, 700, 1232, 4096),
});

/** Adds the zones that all name servers share; returns their indices. */
export function addZones(draft: ProgramDraft): readonly number[] {
  for (const name of NAMES) draft.dns.domain(name);
  return ZONES.map((names, i) => draft.dns.zone(names, { ttl: 600 * i, flags: i % 2 }));
}

export function queriedName(index: number): string {
  return NAMES[index % NAMES.length];
}

/** Where a process may reach: an endpoint, or an address that nobody has. */
function targetIp(endpoints: readonly Endpoint[], target: number): number {
  return target % 8 === 7 ? 0xcb007109 : endpoints[target % endpoints.length].ip;
}

export function addProcess(draft: ProgramDraft, endpoints: readonly Endpoint[], roots: readonly number[], zones: readonly number[], plan: ProcessPlan): void {
  const { namespace } = endpoints[plan.at % endpoints.length];
  const { flags, port, responseBytes } = plan;
  const protocol = plan.isTcp ? PROTOCOL_TCP : PROTOCOL_UDP;
  if (plan.kind === "proxy") {
    const target = { targetIp: targetIp(endpoints, plan.target), targetPort: plan.targetPort };
    draft.socket({ namespace, protocol, port, role: SocketRole.Proxy, flags: flags % 2, ...target });
    const behind = [SocketRole.Responder, SocketRole.Identity, SocketRole.Sink, undefined][responseBytes % 4];
    if (behind === undefined) return;
    draft.socket({ namespace: endpoints[plan.target % endpoints.length].namespace, protocol, port: plan.targetPort, role: behind, responseBytes });
  } else if (plan.kind === "identity") {
    draft.socket({ namespace, protocol, port, role: SocketRole.Identity, responseBytes });
  } else {
    const root = roots[draft.namespaces[namespace].host];
    const upstreams = plan.upstreams.map(({ target, isHosts }) => ({ namespace: isHosts ? root : namespace, ip: targetIp(endpoints, target) }));
    const isServer = plan.kind === "server";
    const resolver = draft.dns.resolver(plan.zones.map((zone) => zones[zone % zones.length]), upstreams, isServer ? flags | 1 : flags & ~1);
    const server = { namespace, port, role: isServer ? SocketRole.NameServer : SocketRole.Resolver, resolver };
    draft.socket(server);
    draft.socket({ ...server, protocol: PROTOCOL_TCP });
    if (!isServer) for (const { target } of plan.upstreams) serveUpstream(draft, endpoints, zones, target);
  }
}

/** Most of the servers that resolvers ask are there; what they know is that of one of three. */
function serveUpstream(draft: ProgramDraft, endpoints: readonly Endpoint[], zones: readonly number[], target: number): void {
  if (target % 8 === 7 || target % 5 === 4) return;
  const { namespace } = endpoints[target % endpoints.length];
  if (draft.sockets.some((socket) => socket.namespace === namespace && socket.port === DNS_PORT)) return;
  const zone = zones[target % zones.length];
  const known = draft.dns.resolvers.findIndex(({ flags, searchFirst, searchCount, upstreamCount }) => flags === RESOLVER_AUTHORITATIVE && searchCount === 1 && upstreamCount === 0 && draft.dns.searches[searchFirst] === zone);
  const resolver = known >= 0 ? known : draft.dns.resolver([zone], [], RESOLVER_AUTHORITATIVE);
  for (const protocol of [PROTOCOL_UDP, PROTOCOL_TCP]) draft.socket({ namespace, protocol, port: DNS_PORT, role: SocketRole.NameServer, resolver });
}

/** What a flow has to be to be understood by a process, and where it is. */
export function askProcess(endpoints: readonly Endpoint[], { kind, at, isTcp, port }: ProcessPlan, choice: number) {
  const isDns = kind === "resolver" || kind === "server";
  const protocol = isTcp ? PROTOCOL_TCP : PROTOCOL_UDP;
  const stream = isDns && choice % 8 !== 7 ? FlowKind.Query : [FlowKind.Exchange, FlowKind.Exchange, FlowKind.Request, FlowKind.Constant][choice % 4];
  const datagram = isDns ? FlowKind.Query : [FlowKind.Request, FlowKind.Query, FlowKind.Constant][choice % 3];
  return { to: endpoints[at % endpoints.length], protocol, port, kind: protocol === PROTOCOL_TCP ? stream : datagram };
}

/** Another process in place of one that there is: it stays on its host. */
export function replaceProcess({ sockets }: DatapathProgram, endpoints: readonly Endpoint[], plan: ProcessPlan): { readonly index: number; readonly record: SocketRecord } | undefined {
  const processes = sockets.flatMap(({ role }, index) => (role > SocketRole.Client ? [index] : []));
  if (processes.length === 0) return undefined;
  const index = processes[plan.at % processes.length];
  const old = sockets[index];
  const isNamed = (old.resolver ?? NONE) !== NONE;
  const role = [SocketRole.Proxy, SocketRole.Identity, SocketRole.Sink, SocketRole.Responder, old.role][plan.flags % 5];
  const target = { targetIp: targetIp(endpoints, plan.target), targetPort: plan.targetPort };
  const port = plan.isTcp ? old.port : plan.port;
  return { index, record: { ...old, ...target, port, role: isNamed ? old.role : role, responseBytes: plan.responseBytes } };
}

/** A datagram that is a DNS message, more or less. */
export function forgeDns(pick: (shift: number, modulus: number) => number, domains: readonly string[], bytes: Uint8Array): Uint8Array {
  const counts = pick(0, 3) === 0 ? [pick(2, 3), pick(4, 3), pick(6, 3), pick(8, 4)] : [1, 0, 0, 0];
  const flags = [0x0100, 0x0100, 0x0000, 0x8180, 0x8583, 0x8182, 0x2100, 0x0105][pick(10, 8)];
  const name = (domains.length > 0 ? domainNameBytes(domains[pick(13, domains.length)]) : null) ?? new Uint8Array(1);
  const shouted = name.map((byte) => (pick(17, 2) === 0 && byte >= 97 && byte <= 122 ? byte - 32 : byte));
  const tail = [0, [1, 28, 12, 15, 16][pick(19, 5)], 0, 1];
  // RFC 6891: the client takes longer answers.
  const size = [0, 512, 700, 1232, 4096][pick(11, 5)];
  const options = pick(5, 3) === 0 ? [0, 0, 41, size >> 8, size & 255, 0, 0, 0, 0, 0, 0] : [];
  const asked = options.length > 0 && pick(9, 4) !== 0 ? [1, 0, 0, 1] : counts;
  const head = [0, pick(21, 4), flags >> 8, flags & 255, ...asked.flatMap((count) => [0, count])];
  return Uint8Array.from([...head, ...shouted, ...tail, ...options, ...(pick(23, 3) === 0 ? bytes : [])]);
}
