/**
 * nf_conntrack_in: which connection does a packet belong to, and what state is it in? In two steps: `readTuple` and a look-up, which
 * change nothing, and `track`, which tells the connection of the packet.
 */
import { Drop } from "../abi/drop";
import {
  CONNTRACK_GENERIC_NS,
  CONNTRACK_ICMP_NS,
  CONNTRACK_UDP_NS,
  CONNTRACK_UDP_STREAM_AFTER_NS,
  CONNTRACK_UDP_STREAM_NS,
} from "../abi/limits";
import { ICMP6_ECHO_REQUEST, PROTOCOL_ICMP, PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { destinationIn, isFragment, protocolIn, QUOTED, readQuote6, transportBytes, transportIn } from "../memory/network";
import { Notes, notesOf, Packet } from "../memory/pool";
import { clock } from "../simulation/clock";
import {
  ASSURED,
  assure,
  findTuple,
  hasIcmp6Partner,
  hasIcmpPartner,
  hold,
  invertAddresses,
  invertPorts,
  isNoTuple,
  isReply,
  originalOf,
  remove,
  SEEN_REPLY,
  setDeadline,
  takeTracked,
  Tracked,
  trackedOf,
  Tuple,
} from "../tables/conntrack";
import { Namespace } from "../tables/namespace";
import { load16, swap32 } from "../wire/bytes";
import { isValid, sumPseudoHeader, sumWords } from "../wire/checksum";
import { ICMP_HEADER } from "../wire/icmp";
import { fragmentWord, headerLength, IP_DESTINATION, IP_OFFSET_MASK, IP_SOURCE, IPV4_HEADER, protocolOf, totalLength } from "../wire/ipv4";
import { dataOffset, flagsOf, TCP_HEADER } from "../wire/tcp";
import { UDP_CHECKSUM, UDP_HEADER, UDP_LENGTH } from "../wire/udp";
import { attach, detach, ESTABLISHED, NEW, RELATED, setUntracked } from "./state";
import { hasValidFlags, mayBegin, trackTcp, Verdict } from "./track-tcp";

const ICMP_TYPE_MAX: u32 = 18;

/** What `readTuple` read. */
export let tupleAddresses: u64 = 0;
export let tuplePorts: u64 = 0;
export let tupleProtocol: u32 = 0;
/** The flags of a TCP segment, the type of an ICMP message. */
let detail: u32 = 0;
/** ICMP, or ICMPv6 if the packet is IPv6. */
let isIcmp: bool = false;
let isFamily6: bool = false;

/** Protocol and namespace as tuples have them. */
@inline function kindOf(stack: Namespace, protocol: u32): u64 {
  return <u64>(protocol | (stack.key << 8)) << 32;
}

/** Both addresses of an IPv6 packet as tuples have them. */
@inline function numbersOf(notes: Notes): u64 {
  return <u64>swap32(notes.source) | (<u64>swap32(notes.destination) << 32);
}

/** Reads the tuple of a packet. False: it is not sound, and no connection has it. */
export function readTuple(packet: Packet, namespace: Namespace, checksChecksums: bool): bool {
  const ip = packet.network;
  if (isFragment(packet)) return false;
  const bytes = transportBytes(packet);
  const transport = transportIn(packet);
  const protocol = protocolIn(packet);
  let ports: u32 = 0;
  isIcmp = protocol == <u32>(namespace.isIpv6 ? PROTOCOL_ICMP6 : PROTOCOL_ICMP);
  isFamily6 = namespace.isIpv6;
  if (protocol == PROTOCOL_UDP) {
    if (!isSoundUdp(ip, transport, bytes, checksChecksums)) return false;
    ports = load<u32>(transport);
  } else if (protocol == PROTOCOL_TCP) {
    if (!isSoundTcp(ip, transport, bytes, checksChecksums)) return false;
    ports = load<u32>(transport);
    detail = flagsOf(transport);
  } else if (isIcmp) {
    if (bytes < ICMP_HEADER) return false;
    detail = <u32>load<u8>(transport);
    if (detail > ICMP_TYPE_MAX && !namespace.isIpv6) return false;
    if (checksChecksums && !isValid(sumWords(transport, bytes) + (namespace.isIpv6 ? sumPseudoHeader(ip, PROTOCOL_ICMP6, bytes) : 0))) return false;
    ports = icmpPorts(transport);
  }
  tupleAddresses = namespace.isIpv6 ? numbersOf(notesOf(packet)) : load<u64>(ip, IP_SOURCE);
  tuplePorts = <u64>ports | kindOf(namespace, protocol);
  tupleProtocol = protocol;
  return true;
}

/** The identifier where source ports are, type and code where destination ports are. */
@inline function icmpPorts(icmp: usize): u32 {
  return <u32>load<u16>(icmp, 4) | (<u32>load<u16>(icmp) << 16);
}

@inline function isSoundUdp(ip: usize, udp: usize, bytes: u32, checksChecksums: bool): bool {
  if (bytes < UDP_HEADER) return false;
  const length = load16(udp + UDP_LENGTH);
  if (length < UDP_HEADER || length > bytes) return false;
  if (load<u16>(udp, UDP_CHECKSUM) == 0) return load<u8>(ip) >> 4 == 4;
  return !checksChecksums || isValid(sumPseudoHeader(ip, PROTOCOL_UDP, length) + sumWords(udp, length));
}

@inline function isSoundTcp(ip: usize, tcp: usize, bytes: u32, checksChecksums: bool): bool {
  if (bytes < TCP_HEADER) return false;
  const offset = dataOffset(tcp);
  if (offset < TCP_HEADER || offset > bytes || !hasValidFlags(flagsOf(tcp))) return false;
  return !checksChecksums || isValid(sumPseudoHeader(ip, PROTOCOL_TCP, bytes) + sumWords(tcp, bytes));
}

/** An ICMP message about another packet: it has no tuple of its own. */
@inline export function isIcmpError(): bool {
  if (!isIcmp) return false;
  return isFamily6 ? detail < <u32>ICMP6_ECHO_REQUEST : detail == 3 || detail == 4 || detail == 5 || detail == 11 || detail == 12;
}

/** Neighbour discovery and its like belong to no connection (nf_conntrack_icmpv6_init_net, noct_valid_new). */
function isUntracked6(): bool {
  return isIcmp && isFamily6 && ((detail >= 130 && detail <= 136) || detail == 143);
}

/** What a packet in the direction of a found tuple is. */
@inline export function stateOfTuple(tuple: usize): u32 {
  return isReply(tuple) || (trackedOf(tuple).status & SEEN_REPLY) != 0 ? ESTABLISHED : NEW;
}

/** Lets the packet whose tuple was read, and found to be `found` or null, join its connection. */
export function track(packet: Packet, namespace: Namespace, found: Tuple): Drop {
  if (isIcmpError()) {
    if (isFamily6) relateError6(packet, namespace);
    else relateError(packet, namespace);
    return Drop.None;
  }
  if (isUntracked6()) {
    setUntracked(packet);
    return Drop.None;
  }
  while (true) {
    const isNew = isNoTuple(found);
    let tuple = changetype<usize>(found);
    if (isNew) {
      if (!mayStart()) return Drop.None;
      const tracked = takeTracked(tupleAddresses, tuplePorts);
      if (changetype<usize>(tracked) == 0) return Drop.ConntrackFull;
      tuple = originalOf(tracked);
      attach(packet, tuple, NEW);
    } else {
      hold(trackedOf(tuple));
      attach(packet, tuple, stateOfTuple(tuple));
    }
    const verdict = notePacket(tuple);
    if (verdict == Verdict.Fine) {
      if (isReply(tuple)) trackedOf(tuple).status |= SEEN_REPLY;
      return Drop.None;
    }
    if (isNew || verdict == Verdict.Again) remove(trackedOf(tuple));
    detach(packet);
    if (verdict == Verdict.Invalid) return Drop.None;
    found = findTuple(tupleAddresses, tuplePorts);
  }
}

function mayStart(): bool {
  if (tupleProtocol == PROTOCOL_TCP) return mayBegin(detail);
  if (isIcmp && isFamily6) return detail == 128 || detail == 139;
  return !isIcmp || detail == 8 || detail == 13 || detail == 15 || detail == 17;
}

@inline function notePacket(tuple: usize): Verdict {
  if (tupleProtocol == PROTOCOL_UDP) return trackUdp(trackedOf(tuple));
  if (tupleProtocol == PROTOCOL_TCP) return trackTcp(tuple, detail);
  setDeadline(trackedOf(tuple), clock + <i64>(isIcmp ? CONNTRACK_ICMP_NS : CONNTRACK_GENERIC_NS));
  return Verdict.Fine;
}

/** nf_conntrack_udp_packet. */
@inline function trackUdp(tracked: Tracked): Verdict {
  // Once it has lived long enough to be a stream, it is assured, and stays one.
  const isStream = (tracked.status & SEEN_REPLY) != 0 && ((tracked.status & ASSURED) != 0 || clock > tracked.madeAt + <i64>CONNTRACK_UDP_STREAM_AFTER_NS);
  setDeadline(tracked, clock + <i64>(isStream ? CONNTRACK_UDP_STREAM_NS : CONNTRACK_UDP_NS));
  if (isStream) assure(tracked);
  return Verdict.Fine;
}

/** The same of ICMPv6. */
function relateError6(packet: Packet, stack: Namespace): void {
  const icmp = transportIn(packet);
  const inner = icmp + ICMP_HEADER;
  if (!readQuote6(inner, transportBytes(packet) - ICMP_HEADER)) return;
  if (QUOTED.source == NONE || QUOTED.destination == NONE) return;
  const transport = inner + QUOTED.transport;
  const protocol = QUOTED.protocol;
  let ports: u32 = 0;
  if (protocol == PROTOCOL_UDP || protocol == PROTOCOL_TCP) ports = load<u32>(transport);
  if (protocol == PROTOCOL_ICMP6) {
    if (!hasIcmp6Partner(<u32>load<u8>(transport))) return;
    ports = icmpPorts(transport);
  }
  joinRelated(packet, numbersOf(QUOTED), <u64>ports | kindOf(stack, protocol), swap32(destinationIn(packet)));
}

/** An error about a packet with a tuple, on its way to `destination`. */
function joinRelated(packet: Packet, addresses: u64, ports: u64, destination: u32): void {
  const found = findTuple(invertAddresses(addresses), invertPorts(ports));
  if (isNoTuple(found) || <u32>(found.addresses >> 32) != destination) return;
  const tuple = changetype<usize>(found);
  hold(trackedOf(tuple));
  attach(packet, tuple, RELATED);
}

/** nf_conntrack_inet_error: the connection of the packet that an error quotes, if the error goes to one of its ends. */
function relateError(packet: Packet, namespace: Namespace): void {
  const ip = packet.network;
  const header = headerLength(ip);
  const bytes = totalLength(ip) - header - ICMP_HEADER;
  const inner = ip + header + ICMP_HEADER;
  if (bytes < IPV4_HEADER) return;
  const innerHeader = headerLength(inner);
  if (innerHeader < IPV4_HEADER || bytes < innerHeader + 8 || fragmentWord(inner) & IP_OFFSET_MASK) return;
  const transport = inner + innerHeader;
  const protocol = protocolOf(inner);
  let ports: u32 = 0;
  if (protocol == PROTOCOL_UDP || protocol == PROTOCOL_TCP) ports = load<u32>(transport);
  if (protocol == PROTOCOL_ICMP) {
    if (!hasIcmpPartner(<u32>load<u8>(transport))) return;
    ports = icmpPorts(transport);
  }
  joinRelated(packet, load<u64>(inner, IP_SOURCE), <u64>ports | kindOf(namespace, protocol), load<u32>(ip, IP_DESTINATION));
}
