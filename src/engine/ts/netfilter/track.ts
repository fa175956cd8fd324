import {
  CONNTRACK_GENERIC_NS,
  CONNTRACK_ICMP_NS,
  CONNTRACK_UDP_NS,
  CONNTRACK_UDP_STREAM_AFTER_NS,
  CONNTRACK_UDP_STREAM_NS,
} from "../../../../assembly/abi/limits";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Namespace } from "../tables/namespace";
import { ICMP_HEADER } from "../wire/icmp";
import { destinationIp, fragmentField, headerLength, IPV4_HEADER, OFFSET_MASK, protocol } from "../wire/ipv4";
import { controlBits } from "../wire/tcp";
import { attach, CtState, type Entry, Tuple } from "./entry";
import { hasSoundChecksum, isTrackable } from "./sound";
import { beginsConnection, eventOf, Tracked, trackTcp } from "./tcp-track";
import { asks, invert, readTuple } from "./tuple";

/** ICMP messages about other datagrams (icmp_is_err). */
const UNREACHABLE = 3;
const SOURCE_QUENCH = 4;
const REDIRECT = 5;
const TIME_EXCEEDED = 11;
const PARAMETER_PROBLEM = 12;

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
  // What the stacks of the simulation send is sound; only what was injected or put together of fragments may not be.
  const mayBeDamaged = isArriving && (packet.flow === null || packet.fragmentMax > 0);
  if (mayBeDamaged && !hasSoundChecksum(kernel, packet)) return true;
  const { network } = packet;
  const kind = protocol(bytes, network);
  const transport = network + headerLength(bytes, network);
  if (kind === PROTOCOL_ICMP && isIcmpError(bytes[transport])) {
    relate(kernel, packet, namespace, transport + ICMP_HEADER);
    return true;
  }
  readTuple(bytes, network, transport, packetTuple);
  return join(kernel, packet, namespace, kind, transport);
}

/** Is the ICMP type about another datagram? */
export function isIcmpError(type: number): boolean {
  return type === UNREACHABLE || type === SOURCE_QUENCH || type === REDIRECT || type === TIME_EXCEEDED || type === PARAMETER_PROBLEM;
}

/** nf_conntrack_inet_error: the error belongs to the connection of what it quotes, if it is sent where that came from. */
function relate(kernel: Kernel, packet: Packet, namespace: Namespace, quoted: number): void {
  const { bytes } = kernel.memory;
  const available = packet.network + packet.datagramLength - quoted;
  if (available < IPV4_HEADER) return;
  const header = headerLength(bytes, quoted);
  const isWhole = header >= IPV4_HEADER && available >= header + 8 && (fragmentField(bytes, quoted) & OFFSET_MASK) === 0;
  if (!isWhole) return;
  const kind = protocol(bytes, quoted);
  readTuple(bytes, quoted, quoted + header, quotedTuple);
  if (!invert(kind, quotedTuple, inverse)) return;
  const entry = lookUp(kernel, namespace, kind, inverse);
  if (entry === null) return;
  const isReply = kernel.conntrack.foundReply;
  if (destinationIp(bytes, packet.network) !== inverse.destination) return;
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
      const mayBegin = kind === PROTOCOL_TCP ? beginsConnection(eventOf(control)) : kind !== PROTOCOL_ICMP || asks(memory.bytes[transport]);
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
