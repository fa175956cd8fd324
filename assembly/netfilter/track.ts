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
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { Packet } from "../memory/pool";
import { clock } from "../simulation/clock";
import {
  ASSURED,
  assure,
  findTuple,
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
import { load16 } from "../wire/bytes";
import { isValid, sumPseudoHeader, sumWords } from "../wire/checksum";
import { ICMP_HEADER } from "../wire/icmp";
import { fragmentWord, headerLength, IP_DESTINATION, IP_MF, IP_OFFSET_MASK, IP_SOURCE, IPV4_HEADER, protocolOf, totalLength } from "../wire/ipv4";
import { dataOffset, flagsOf, TCP_HEADER } from "../wire/tcp";
import { UDP_CHECKSUM, UDP_HEADER, UDP_LENGTH } from "../wire/udp";
import { attach, detach, ESTABLISHED, NEW, RELATED } from "./state";
import { hasValidFlags, mayBegin, trackTcp, Verdict } from "./track-tcp";

const ICMP_TYPE_MAX: u32 = 18;

/** What `readTuple` read. */
export let tupleAddresses: u64 = 0;
export let tuplePorts: u64 = 0;
export let tupleProtocol: u32 = 0;
/** The flags of a TCP segment, the type of an ICMP message. */
let detail: u32 = 0;

/** Protocol and namespace as tuples have them. */
@inline function kindOf(namespace: Namespace, protocol: u32): u64 {
  return <u64>(protocol | (namespace.index << 8)) << 32;
}

/** Reads the tuple of a packet. False: it is not sound, and no connection has it. */
export function readTuple(packet: Packet, namespace: Namespace, checksChecksums: bool): bool {
  const ip = packet.network;
  if (fragmentWord(ip) & (IP_MF | IP_OFFSET_MASK)) return false;
  const header = headerLength(ip);
  const bytes = totalLength(ip) - header;
  const transport = ip + header;
  const protocol = protocolOf(ip);
  let ports: u32 = 0;
  if (protocol == PROTOCOL_UDP) {
    if (!isSoundUdp(ip, transport, bytes, checksChecksums)) return false;
    ports = load<u32>(transport);
  } else if (protocol == PROTOCOL_TCP) {
    if (!isSoundTcp(ip, transport, bytes, checksChecksums)) return false;
    ports = load<u32>(transport);
    detail = flagsOf(transport);
  } else if (protocol == PROTOCOL_ICMP) {
    if (bytes < ICMP_HEADER) return false;
    detail = <u32>load<u8>(transport);
    if (detail > ICMP_TYPE_MAX || (checksChecksums && !isValid(sumWords(transport, bytes)))) return false;
    ports = icmpPorts(transport);
  }
  tupleAddresses = load<u64>(ip, IP_SOURCE);
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
  return !checksChecksums || load<u16>(udp, UDP_CHECKSUM) == 0 || isValid(sumPseudoHeader(ip, PROTOCOL_UDP, length) + sumWords(udp, length));
}

@inline function isSoundTcp(ip: usize, tcp: usize, bytes: u32, checksChecksums: bool): bool {
  if (bytes < TCP_HEADER) return false;
  const offset = dataOffset(tcp);
  if (offset < TCP_HEADER || offset > bytes || !hasValidFlags(flagsOf(tcp))) return false;
  return !checksChecksums || isValid(sumPseudoHeader(ip, PROTOCOL_TCP, bytes) + sumWords(tcp, bytes));
}

/** An ICMP message about another packet: it has no tuple of its own. */
@inline export function isIcmpError(): bool {
  return tupleProtocol == PROTOCOL_ICMP && (detail == 3 || detail == 4 || detail == 5 || detail == 11 || detail == 12);
}

/** What a packet in the direction of a found tuple is. */
@inline export function stateOfTuple(tuple: usize): u32 {
  return isReply(tuple) || (trackedOf(tuple).status & SEEN_REPLY) != 0 ? ESTABLISHED : NEW;
}

/** Lets the packet whose tuple was read, and found to be `found` or null, join its connection. */
export function track(packet: Packet, namespace: Namespace, found: Tuple): Drop {
  if (isIcmpError()) {
    relateError(packet, namespace);
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
  return tupleProtocol != PROTOCOL_ICMP || detail == 8 || detail == 13 || detail == 15 || detail == 17;
}

@inline function notePacket(tuple: usize): Verdict {
  if (tupleProtocol == PROTOCOL_UDP) return trackUdp(trackedOf(tuple));
  if (tupleProtocol == PROTOCOL_TCP) return trackTcp(tuple, detail);
  setDeadline(trackedOf(tuple), clock + <i64>(tupleProtocol == PROTOCOL_ICMP ? CONNTRACK_ICMP_NS : CONNTRACK_GENERIC_NS));
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
  const found = findTuple(invertAddresses(load<u64>(inner, IP_SOURCE)), invertPorts(<u64>ports | kindOf(namespace, protocol)));
  if (isNoTuple(found) || <u32>(found.addresses >> 32) != load<u32>(ip, IP_DESTINATION)) return;
  const tuple = changetype<usize>(found);
  hold(trackedOf(tuple));
  attach(packet, tuple, RELATED);
}
