import {
  DNS_A,
  DNS_AAAA,
  DNS_FORMERR,
  DNS_HEADER,
  DNS_MESSAGE_MAX,
  DNS_MX,
  DNS_NOERROR,
  DNS_NOTIMP,
  DNS_NXDOMAIN,
  DNS_OPCODE,
  DNS_PTR,
  DNS_RESPONSE,
  DNS_STREAM_LEGACY,
  DNS_STREAM_MAX,
} from "../../../../assembly/abi/dns";
import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { answerLimit, answerMessage, errorMessage, flagsOf, hasSoundCounts, questionNameEnd } from "../dns/message";
import { type Answer, type DnsResolver, nameKey, search, type ZoneName } from "../dns/zones";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { accountMessage } from "../simulation/source";
import type { Random } from "../simulation/random";
import type { Socket } from "../tables/socket";
import { read16 } from "../wire/bytes";
import { answerSource, causeOf, knownPayload, sendDatagram } from "./datagram";
import { forward } from "./forward";

/** An answer that a server can give by itself. */
interface Verdict {
  readonly code: number;
  readonly answers: readonly Answer[];
}

const EMPTY: Verdict = { code: DNS_NOERROR, answers: [] };
const UNKNOWN: Verdict = { code: DNS_NXDOMAIN, answers: [] };

/** Of `consult`: somebody else is to be asked. */
export const FORWARD = "forward";

/** What a name server makes of a message: its answer, a question to pass on, or null of what it cannot use. */
export function consult(kernel: Kernel, resolver: DnsResolver, query: Uint8Array, isStream: boolean): Uint8Array | typeof FORWARD | null {
  if (query.length < DNS_HEADER || (flagsOf(query) & DNS_RESPONSE) !== 0) return null;
  const opcode = flagsOf(query) & DNS_OPCODE;
  if (opcode !== 0) return errorMessage(query, DNS_NOTIMP, opcode);
  const nameEnd = hasSoundCounts(query) ? questionNameEnd(query) : -1;
  if (nameEnd < 0) return errorMessage(query, DNS_FORMERR, 0);
  const name = query.subarray(DNS_HEADER, nameEnd);
  const type = read16(query, nameEnd);
  if (type === DNS_PTR && resolver.isLegacy && !resolver.isAuthoritative && !isReverse(name)) return null;
  const verdict = judge(resolver, nameKey(name), type);
  return verdict === null ? FORWARD : fullAnswer(kernel.dnsRandom, resolver, query, nameEnd, verdict, isStream);
}

/** A datagram for a name server: a query that it answers or passes on, or something that it cannot use. */
export function serveQuery(kernel: Kernel, socket: Socket, packet: Packet): void {
  const query = knownPayload(kernel, packet);
  const isShort = query !== null && query.length <= DNS_MESSAGE_MAX;
  const answer = isShort ? consult(kernel, kernel.dns.resolvers[socket.resolver], query, false) : null;
  if (query === null || answer === null) drop(kernel, packet, Drop.ProcessDrop, Node.ApplicationWake);
  else if (answer === FORWARD) forward(kernel, socket, packet, query, questionNameEnd(query));
  else answerQuery(kernel, socket, packet, answer);
}

/** The server answers by itself: the query has arrived. */
export function answerQuery(kernel: Kernel, socket: Socket, packet: Packet, message: Uint8Array): void {
  const { flow, askerIp, askerPort, askedIp } = packet;
  if (flow !== null && !packet.response) {
    flow.outcome.see(socket.namespace, askerIp, askerPort, askedIp, socket.port);
    accountMessage(kernel, packet, flow, packet.payloadLength);
  }
  const cause = causeOf(packet, true);
  kernel.pool.release(packet);
  const { namespace, port } = socket;
  const ends = { namespace, sourceIp: answerSource(namespace, askedIp), sourcePort: port, destinationIp: askerIp, destinationPort: askerPort };
  sendDatagram(kernel, cause, ends, message);
}

function fullAnswer(random: Random, resolver: DnsResolver, query: Uint8Array, nameEnd: number, { code, answers }: Verdict, isStream: boolean): Uint8Array {
  const { isAuthoritative, isLegacy } = resolver;
  const points = isAuthoritative ? "always" : isLegacy ? "never" : "for room";
  const shuffled = answers.length > 1 ? shuffle(random, answers) : answers;
  return answerMessage(query, nameEnd, code, { isAuthoritative, points, ...room(resolver, query, nameEnd, isStream) }, shuffled);
}

/** How long the answer may be, and whether it says so if more would not fit. */
function room({ isAuthoritative, isLegacy }: DnsResolver, query: Uint8Array, nameEnd: number, isStream: boolean) {
  if (isStream) return isLegacy && !isAuthoritative ? { limit: DNS_STREAM_LEGACY, isSilent: true } : { limit: DNS_STREAM_MAX };
  return { limit: isAuthoritative ? DNS_MESSAGE_MAX : answerLimit(query, nameEnd) };
}

/** What a server says of a name without asking anybody; null: it asks. */
function judge(resolver: DnsResolver, key: string, type: number): Verdict | null {
  const own = type === DNS_PTR ? pointer(resolver, key) : addresses(resolver, key, type);
  if (own !== null) return own === "forward" ? null : own;
  if (resolver.isAuthoritative) return UNKNOWN;
  const isAddress = type === DNS_A || type === DNS_AAAA;
  return isAddress && resolver.keepsSingleLabels && isSingleLabel(key) ? EMPTY : null;
}

function pointer({ zones }: DnsResolver, key: string): Verdict | null {
  return search(zones, key, ({ pointer: answer }) => (answer === null ? null : { code: DNS_NOERROR, answers: [answer] }));
}

function addresses({ zones, isAuthoritative, isLegacy }: DnsResolver, key: string, type: number): Verdict | "forward" | null {
  if (isAuthoritative) {
    return search(zones, key, (name) => (isKnown(name) ? { code: DNS_NOERROR, answers: answersOf(name, type) } : null));
  }
  switch (type) {
    case DNS_A:
      return search(zones, key, (name) => (name.addresses.length > 0 ? { code: DNS_NOERROR, answers: name.addresses } : null));
    case DNS_AAAA:
      return search<Verdict | "forward">(zones, key, (name, { hasIpv6 }) => {
        if (!isKnown(name)) return null;
        if (name.addresses6.length === 0 && isLegacy && hasIpv6) return "forward";
        return { code: DNS_NOERROR, answers: name.addresses6 };
      });
    case DNS_MX:
      return search(zones, key, (name) => (isKnown(name) ? EMPTY : null));
    default:
      return null;
  }
}

function isKnown({ addresses: ipv4, addresses6: ipv6 }: ZoneName): boolean {
  return ipv4.length > 0 || ipv6.length > 0;
}

function answersOf({ addresses: ipv4, addresses6: ipv6 }: ZoneName, type: number): readonly Answer[] {
  if (type === DNS_A) return ipv4;
  return type === DNS_AAAA ? ipv6 : [];
}

/** Something under in-addr.arpa or ip6.arpa, with letters as they are. */
function isReverse(name: Uint8Array): boolean {
  const labels: string[] = [];
  for (let at = 0; name[at] !== 0; at += 1 + name[at]) labels.push(String.fromCharCode(...name.subarray(at + 1, at + 1 + name[at])));
  const [family, root] = labels.slice(-2);
  return labels.length > 2 && root === "arpa" && (family === "in-addr" || family === "ip6");
}

/** A name of one label: its length, the label, the root. */
function isSingleLabel(key: string): boolean {
  return key.length > 1 && key.charCodeAt(0) === key.length - 2;
}

/** Fisher and Yates, from the last to the first. */
function shuffle(random: Random, answers: readonly Answer[]): Answer[] {
  const shuffled = [...answers];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor((random.next() * (i + 1)) / 4294967296);
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  return shuffled;
}
