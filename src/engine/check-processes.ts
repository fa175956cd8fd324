import { DNS_A, DNS_AAAA, DNS_HEADER, DNS_OPT_BYTES, DNS_PTR } from "../../assembly/abi/dns";
import { FlowKind, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import { SimulationError } from "../errors";
import { domainNameBytes } from "../net/domain-name";
import type { Capacity, DatapathProgram, DnsTables, FlowRecord, ProgramPatch, SocketRecord } from "./program";

/** In front of a message over TCP. */
const LENGTH_BYTES = 2;
const UDP_SIZE_MAX = 65535;
/** Type and class of a question. */
const QUESTION_TAIL = 4;
const TYPES: readonly number[] = [DNS_A, DNS_AAAA, DNS_PTR];

/** What a patch must know of the program that it changes. */
export interface ProcessTables {
  readonly hosts: readonly number[];
  readonly dns: DnsTables;
}

/** The host of each namespace, and the tables of name servers. */
export function processTables({ namespaces, dns }: DatapathProgram): ProcessTables {
  return { hosts: namespaces.map(({ host }) => host), dns };
}

/** Bytes of the query for a name: over TCP with its length in front, and with an OPT record where it says how long the answer may be. */
export function queryBytes(name: string, { protocol = PROTOCOL_UDP, udpSize = 0 }: { readonly protocol?: number; readonly udpSize?: number } = {}): number {
  const message = DNS_HEADER + (domainNameBytes(name)?.length ?? 0) + QUESTION_TAIL + (udpSize > 0 ? DNS_OPT_BYTES : 0);
  return protocol === PROTOCOL_TCP ? LENGTH_BYTES + message : message;
}

/** Bytes of the wire forms of names. */
export function domainBytes(domains: readonly string[]): number {
  return domains.reduce((sum, name) => sum + (domainNameBytes(name)?.length ?? 0), 0);
}

/** Refuses name servers whose indices lead nowhere, and sockets and flows that ask for what nobody can do. */
export function checkProcesses(program: DatapathProgram): void {
  const { dns, capacity, sockets, flows } = program;
  const tables = processTables(program);
  checkDomains(dns.domains, capacity);
  checkDns(tables, capacity);
  sockets.forEach((record, index) => checkSocket(record, index, tables));
  flows.forEach((record, index) => checkFlow(record, index, dns.domains));
}

/** Returns the names that there are afterwards. */
export function checkProcessPatch({ domains = [], sockets = [], flows = [] }: ProgramPatch, tables: ProcessTables, capacity: Capacity): readonly string[] {
  const all = domains.length === 0 ? tables.dns.domains : [...tables.dns.domains, ...domains];
  checkDomains(all, capacity);
  for (const { index, record } of sockets) checkSocket(record, index, tables);
  for (const { index, record } of flows) checkFlow(record, index, all);
  return all;
}

function checkDomains(domains: readonly string[], capacity: Capacity): void {
  domains.forEach((name, index) => {
    if (domainNameBytes(name) === null) refuse(`dns.domains[${index}]`, "a domain name", JSON.stringify(name));
  });
  checkLimit("domains", domains.length, capacity.domains);
  checkLimit("domainBytes", domainBytes(domains), capacity.domainBytes);
}

function checkDns({ hosts, dns }: ProcessTables, capacity: Capacity): void {
  const { domains, resolvers, searches, zones, zoneRecords, upstreams } = dns;
  checkLimit("resolvers", resolvers.length, capacity.resolvers);
  checkLimit("searches", searches.length, capacity.searches);
  checkLimit("zones", zones.length, capacity.zones);
  checkLimit("zoneRecords", zoneRecords.length, capacity.zoneRecords);
  checkLimit("upstreams", upstreams.length, capacity.upstreams);
  resolvers.forEach(({ searchFirst, searchCount, upstreamFirst, upstreamCount }, index) => {
    checkRange(`dns.resolvers[${index}].search`, searchFirst, searchCount, searches.length);
    checkRange(`dns.resolvers[${index}].upstream`, upstreamFirst, upstreamCount, upstreams.length);
  });
  searches.forEach((zone, index) => checkIndex(`dns.searches[${index}]`, zone, zones.length));
  let end = 0;
  zones.forEach(({ first, count }, index) => {
    checkRange(`dns.zones[${index}]`, first, count, zoneRecords.length);
    if (count > 0 && first < end) refuse(`dns.zones[${index}].first`, `at least ${end}, behind the zones before it`, String(first));
    end = Math.max(end, first + count);
  });
  zoneRecords.forEach(({ name, type, target }, index) => {
    checkIndex(`dns.zoneRecords[${index}].name`, name, domains.length);
    if (!TYPES.includes(type)) refuse(`dns.zoneRecords[${index}].type`, "A, AAAA or PTR", String(type));
    if (type === DNS_PTR) checkIndex(`dns.zoneRecords[${index}].target`, target, domains.length);
  });
  upstreams.forEach(({ namespace }, index) => checkIndex(`dns.upstreams[${index}].namespace`, namespace, hosts.length));
}

function checkSocket({ namespace, protocol, role, resolver = NONE }: SocketRecord, index: number, { hosts, dns }: ProcessTables): void {
  const field = `sockets[${index}]`;
  // A socket that is closed.
  if (protocol === 0) return;
  if (role === SocketRole.Proxy || role === SocketRole.Identity) {
    if (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) refuse(`${field}.protocol`, "TCP or UDP", String(protocol));
  }
  if (role !== SocketRole.Resolver && role !== SocketRole.NameServer) return;
  if (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) refuse(`${field}.protocol`, "TCP or UDP", String(protocol));
  checkIndex(`${field}.resolver`, resolver, dns.resolvers.length);
  const { upstreamFirst, upstreamCount } = dns.resolvers[resolver]!;
  for (const upstream of dns.upstreams.slice(upstreamFirst, upstreamFirst + upstreamCount)) {
    const host = hosts[upstream.namespace];
    if (host !== hosts[namespace]) refuse(`${field}.resolver`, "upstream servers asked from its own host", `host ${host}`);
  }
}

function checkFlow({ kind, protocol, bytes, name = NONE, sourcePorts = 1, udpSize = 0 }: FlowRecord, index: number, domains: readonly string[]): void {
  const field = `flows[${index}]`;
  if (kind === FlowKind.Exchange && protocol !== PROTOCOL_TCP) refuse(`${field}.protocol`, "TCP", String(protocol));
  if ((kind === FlowKind.Exchange || kind === FlowKind.Query) && sourcePorts < 1) refuse(`${field}.sourcePorts`, "at least 1", String(sourcePorts));
  if (kind !== FlowKind.Query) return;
  if (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) refuse(`${field}.protocol`, "TCP or UDP", String(protocol));
  if (!Number.isInteger(udpSize) || udpSize < 0 || udpSize > UDP_SIZE_MAX) refuse(`${field}.udpSize`, `0 … ${UDP_SIZE_MAX}`, String(udpSize));
  checkIndex(`${field}.name`, name, domains.length);
  const needed = queryBytes(domains[name]!, { protocol, udpSize });
  if (bytes !== needed) refuse(`${field}.bytes`, `the ${needed} bytes of its query`, String(bytes));
}

function checkRange(field: string, first: number, count: number, size: number): void {
  if (Number.isInteger(first) && Number.isInteger(count) && first >= 0 && count >= 0 && first + count <= size) return;
  refuse(field, `a range within ${size} entries`, `${count} from ${first} on`);
}

function checkIndex(field: string, index: number, size: number): void {
  if (Number.isInteger(index) && index >= 0 && index < size) return;
  refuse(field, `an index below ${size}`, String(index));
}

function checkLimit(name: string, needed: number, available: number): void {
  if (needed <= available) return;
  throw new SimulationError("LIMIT_EXCEEDED", `capacity.${name}: expected at least ${needed}, found ${available}`, { limit: name, needed });
}

function refuse(field: string, expected: string, found: string): never {
  throw new SimulationError("INVALID_INPUT", `${field}: expected ${expected}, found ${found}`);
}
