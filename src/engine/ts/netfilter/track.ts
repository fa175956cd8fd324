import {
  CONNTRACK_GENERIC_NS,
  CONNTRACK_ICMP_NS,
  CONNTRACK_UDP_NS,
  CONNTRACK_UDP_STREAM_AFTER_NS,
  CONNTRACK_UDP_STREAM_NS,
} from "../../../../assembly/abi/limits";
import { ICMP6_ADVERTISEMENT, PROTOCOL_ICMP, PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { readQuote4, readQuote6 } from "../ipv6/quote";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Namespace } from "../tables/namespace";
import { ICMP_HEADER } from "../wire/icmp";
import { destinationOf, protocolOf, sourceOf, transportOf } from "../wire/ip";
import { controlBits } from "../wire/tcp";
import { attach, CtState, type Entry, Tuple } from "./entry";
import { hasSoundChecksum, isTrackable } from "./sound";
import { beginsConnection, eventOf, Tracked, trackTcp } from "./tcp-track";
import { asks, invert, isIcmp, readTuple } from "./tuple";

/** ICMP messages about other datagrams (icmp_is_err). */
const UNREACHABLE = 3;
const SOURCE_QUENCH = 4;
const REDIRECT = 5;
const TIME_EXCEEDED = 11;
const PARAMETER_PROBLEM = 12;
/** ICMPv6: what is no error (RFC 4443 §2.1), and messages of multicast listeners (RFC 2710, RFC 3810). */
const INFORMATIONAL6 = 128;
const GROUP_QUERY = 130;
const GROUP_REPORT_2 = 143;

/** Added to a number, it is no protocol's. */
const FOREIGN = 256;

const packetTuple = new Tuple();
const quotedTuple = new Tuple();
const inverse = new Tuple();

/**
 * nf_conntrack_in: finds or makes the entry of a packet that has no state yet. False if there is no room for a new one: the
 * packet is to be dropped. `isArriving`: it comes from outside, so that its checksums are looked at.
 */
export function track(kernel: Kernel, packet: Packet, namespace: Namespace, isArriving: boolean): boolean {
  if (packet.ctState !== CtState.None) return true;
  const { bytes } = kernel.memory;
  if (!isTrackable(bytes, packet)) return true;
  // What the stacks of the simulation send is sound; only what was injected or put together of fragments may not be, and what was sealed
  // inside a packet whose addresses were translated.
  const mayBeDamaged = isArriving && (packet.flow === null || packet.fragmentMax > 0 || packet.secpath);
  if (mayBeDamaged && !hasSoundChecksum(kernel, packet)) return true;
  const kind = protocolOf(bytes, packet);
  const transport = transportOf(bytes, packet);
  if (isErrorMessage(bytes, packet)) {
    relate(kernel, packet, namespace, transport + ICMP_HEADER);
    return true;
  }
  if (packet.isIpv6 && kind === PROTOCOL_ICMP6 && isUntracked(bytes[transport])) {
    packet.ctState = CtState.Untracked;
    return true;
  }
  const tracked = trackedProtocol(kind, packet.isIpv6);
  readTuple(bytes, tracked, transport, sourceOf(bytes, packet), destinationOf(bytes, packet), packetTuple);
  return join(kernel, packet, namespace, tracked, transport);
}

/** Is the packet an ICMP message about another datagram? Its ICMP header is whole. */
export function isErrorMessage(bytes: Uint8Array, packet: Packet): boolean {
  const kind = protocolOf(bytes, packet);
  if (packet.isIpv6) return kind === PROTOCOL_ICMP6 && bytes[packet.transport] < INFORMATIONAL6;
  return kind === PROTOCOL_ICMP && isIcmpError(bytes[transportOf(bytes, packet)]);
}

/** The protocol of a tuple: ICMP of the other family has no identifier. */
function trackedProtocol(kind: number, isIpv6: boolean): number {
  return kind === (isIpv6 ? PROTOCOL_ICMP : PROTOCOL_ICMP6) ? kind + FOREIGN : kind;
}

/** What speaks of the link alone (noct_valid_new in nf_conntrack_proto_icmpv6.c). */
function isUntracked(type: number): boolean {
  return (type >= GROUP_QUERY && type <= ICMP6_ADVERTISEMENT) || type === GROUP_REPORT_2;
}

function isIcmpError(type: number): boolean {
  return type === UNREACHABLE || type === SOURCE_QUENCH || type === REDIRECT || type === TIME_EXCEEDED || type === PARAMETER_PROBLEM;
}

/** nf_conntrack_inet_error: the error belongs to the connection of what it quotes, if it is sent where that came from. */
function relate(kernel: Kernel, packet: Packet, namespace: Namespace, quoted: number): void {
  const { bytes } = kernel.memory;
  const end = packet.network + packet.datagramLength;
  const quote = packet.isIpv6 ? readQuote6(kernel, quoted, end) : readQuote4(kernel, quoted, end);
  if (quote === null || quote.isLaterFragment) return;
  const kind = trackedProtocol(quote.protocol, packet.isIpv6);
  readTuple(bytes, kind, quote.transport, quote.source, quote.destination, quotedTuple);
  if (!invert(kind, quotedTuple, inverse)) return;
  const entry = lookUp(kernel, namespace, kind, inverse);
  if (entry === null) return;
  const isReply = kernel.conntrack.foundReply;
  if (destinationOf(bytes, packet) !== inverse.destination) return;
  attach(packet, entry, CtState.Related, isReply);
}

function lookUp(kernel: Kernel, namespace: Namespace, kind: number, tuple: Tuple): Entry | null {
  const { source, sourcePort, destination, destinationPort } = tuple;
  return kernel.conntrack.find(namespace, kind, source, sourcePort, destination, destinationPort, kernel.clock);
}

/** resolve_normal_ct and what the protocol says. */
function join(kernel: Kernel, packet: Packet, namespace: Namespace, kind: number, transport: number): boolean {
  const { conntrack, memory } = kernel;
  const control = kind === PROTOCOL_TCP ? controlBits(memory.bytes, transport) : 0;
  for (;;) {
    let entry = lookUp(kernel, namespace, kind, packetTuple);
    const isReply = entry !== null && conntrack.foundReply;
    if (entry === null) {
      const mayBegin = kind === PROTOCOL_TCP ? beginsConnection(eventOf(control)) : !isIcmp(kind) || asks(kind, memory.bytes[transport]);
      if (!mayBegin) return true;
      entry = conntrack.create(namespace, kind, kernel.clock);
      if (entry === null) return false;
      const { source, sourcePort, destination, destinationPort } = packetTuple;
      entry.original.set(source, sourcePort, destination, destinationPort);
      invert(kind, entry.original, entry.reply);
    }
    attach(packet, entry, isReply || entry.seenReply ? CtState.Established : CtState.New, isReply);
    const tracked = kind === PROTOCOL_TCP ? trackTcp(kernel, entry, eventOf(control), isReply) : trackDatagram(kernel, entry);
    if (tracked === Tracked.Taken) {
      if (isReply) entry.seenReply = true;
      return true;
    }
    if (tracked === Tracked.Again) conntrack.remove(entry);
    conntrack.forget(packet);
    if (tracked === Tracked.Invalid) return true;
  }
}

/** UDP lives longer once it has been answered for a while; ICMP and the rest have one timeout each. */
function trackDatagram({ conntrack, clock }: Kernel, entry: Entry): Tracked {
  switch (entry.protocol) {
    case PROTOCOL_UDP: {
      const isStream = entry.seenReply && clock > entry.madeAt + CONNTRACK_UDP_STREAM_AFTER_NS;
      conntrack.setDeadline(entry, clock + (isStream ? CONNTRACK_UDP_STREAM_NS : CONNTRACK_UDP_NS));
      if (isStream && !entry.assured) conntrack.assure(entry);
      break;
    }
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMP6:
      conntrack.setDeadline(entry, clock + CONNTRACK_ICMP_NS);
      break;
    default:
      conntrack.setDeadline(entry, clock + CONNTRACK_GENERIC_NS);
  }
  return Tracked.Taken;
}

/** nf_confirm: the packet that made the entry gets through. False if another connection has its tuples. */
export function confirm(kernel: Kernel, packet: Packet): boolean {
  const { conntrack: entry } = packet;
  if (entry === null || entry.confirmed || entry.gone || packet.ctReply) return true;
  const { namespace, protocol: kind } = entry;
  if (namespace === null) return true;
  const { conntrack } = kernel;
  const other = lookUp(kernel, namespace, kind, entry.original) ?? lookUp(kernel, namespace, kind, entry.reply);
  if (other === null) {
    conntrack.confirm(entry);
    return true;
  }
  if (kind === PROTOCOL_TCP || !isSame(other, entry)) return false;
  const { ctState } = packet;
  conntrack.forget(packet);
  attach(packet, other, ctState, false);
  return true;
}

function isSame(other: Entry, { original, reply }: Entry): boolean {
  return (
    other.original.equals(original.source, original.sourcePort, original.destination, original.destinationPort) &&
    other.reply.equals(reply.source, reply.sourcePort, reply.destination, reply.destinationPort)
  );
}
