/**
 * The packet at a hook, as rules see it. One at a time: whoever lets rules look at a packet fills this in first, and again when its
 * addresses changed.
 */
import { ADDRTYPE_BROADCAST, ADDRTYPE_LOCAL, ADDRTYPE_MULTICAST, ADDRTYPE_UNICAST } from "../abi/netfilter";
import { RouteType } from "../abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { Packet } from "../memory/pool";
import { hasRoute, lookup } from "../tables/fib";
import { Namespace } from "../tables/namespace";
import { ICMP_HEADER } from "../wire/icmp";
import { destinationOf, fragmentWord, headerLength, IP_BROADCAST, IP_OFFSET_MASK, isMulticast, protocolOf, sourceOf, totalLength } from "../wire/ipv4";
import { flagsOf, TCP_HEADER } from "../wire/tcp";
import { destinationPort as destinationPortOf, sourcePort as sourcePortOf, UDP_HEADER } from "../wire/udp";

/** Four words each, in reading order; IPv4 has its address in the first, and the others are zero. */
export const SOURCE = memory.data(16, 16);
export const DESTINATION = memory.data(16, 16);
/** What stands for "no device": no rule names it. */
export const NO_INTERFACE: u32 = NONE - 1;

/** Indices of devices. */
export let inDevice: u32 = NO_INTERFACE;
export let outDevice: u32 = NO_INTERFACE;
export let namespace: Namespace = changetype<Namespace>(0);
export let protocol: u32 = 0;
/** TCP or UDP, with a whole header. */
export let hasPorts: bool = false;
export let sourcePort: u32 = 0;
export let destinationPort: u32 = 0;
/** Of an ICMP message; NONE: it is none. */
export let icmpType: u32 = NONE;
export let icmpCode: u32 = 0;
/** NONE: it is no TCP segment. */
export let tcpFlags: u32 = NONE;

/** Where the packet is, for all tables of a hook. */
@inline export function setPlace(place: Namespace, inIndex: u32, outIndex: u32): void {
  namespace = place;
  inDevice = inIndex;
  outDevice = outIndex;
}

export function inspect(packet: Packet): void {
  const ip = packet.network;
  store<u32>(SOURCE, sourceOf(ip));
  store<u32>(DESTINATION, destinationOf(ip));
  protocol = protocolOf(ip);
  hasPorts = false;
  sourcePort = 0;
  destinationPort = 0;
  icmpType = NONE;
  tcpFlags = NONE;
  if (fragmentWord(ip) & IP_OFFSET_MASK) return;
  const header = headerLength(ip);
  const bytes = totalLength(ip) - header;
  const transport = ip + header;
  if (protocol == PROTOCOL_ICMP) {
    if (bytes < ICMP_HEADER) return;
    icmpType = <u32>load<u8>(transport);
    icmpCode = <u32>load<u8>(transport, 1);
  } else if ((protocol == PROTOCOL_UDP && bytes >= UDP_HEADER) || (protocol == PROTOCOL_TCP && bytes >= TCP_HEADER)) {
    hasPorts = true;
    sourcePort = sourcePortOf(transport);
    destinationPort = destinationPortOf(transport);
    if (protocol == PROTOCOL_TCP) tcpFlags = flagsOf(transport);
  }
}

/** inet_addr_type: what the local routes say. */
export function addressType(ip: u32): u32 {
  if (ip >>> 24 == 0 || ip == IP_BROADCAST) return ADDRTYPE_BROADCAST;
  if (isMulticast(ip)) return ADDRTYPE_MULTICAST;
  const decision = lookup(namespace, ip);
  if (!hasRoute(decision)) return ADDRTYPE_UNICAST;
  if (decision.route.type == RouteType.Local) return ADDRTYPE_LOCAL;
  return decision.route.type == RouteType.Broadcast ? ADDRTYPE_BROADCAST : ADDRTYPE_UNICAST;
}
