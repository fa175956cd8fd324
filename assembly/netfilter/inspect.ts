/**
 * The packet at a hook, as rules see it. One at a time: whoever lets rules look at a packet fills this in first, and again when its
 * addresses changed.
 */
import { ADDRTYPE_BROADCAST, ADDRTYPE_LOCAL, ADDRTYPE_MULTICAST, ADDRTYPE_UNICAST } from "../abi/netfilter";
import { RouteType } from "../abi/program";
import { PROTOCOL_ICMP, PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { addressAt6, destinationIn, isLaterFragment, protocolIn, sourceIn, transportBytes, transportIn } from "../memory/network";
import { Packet } from "../memory/pool";
import { copyWords6 } from "../tables/address6";
import { hasRoute, lookup } from "../tables/fib";
import { Namespace } from "../tables/namespace";
import { ICMP_HEADER } from "../wire/icmp";
import { destinationOf, IP_BROADCAST, isMulticast, sourceOf } from "../wire/ipv4";
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
  if (namespace.isIpv6) {
    copyWords6(SOURCE, addressAt6(ip, true));
    copyWords6(DESTINATION, addressAt6(ip, false));
  } else {
    v128.store(SOURCE, i32x4.replace_lane(i32x4.splat(0), 0, sourceOf(ip)));
    v128.store(DESTINATION, i32x4.replace_lane(i32x4.splat(0), 0, destinationOf(ip)));
  }
  protocol = protocolIn(packet);
  hasPorts = false;
  sourcePort = 0;
  destinationPort = 0;
  icmpType = NONE;
  tcpFlags = NONE;
  if (isLaterFragment(packet)) return;
  const bytes = transportBytes(packet);
  const transport = transportIn(packet);
  if (protocol == <u32>(namespace.isIpv6 ? PROTOCOL_ICMP6 : PROTOCOL_ICMP)) {
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

/** Whether the packet's source or destination is of one of the types. */
export function isOfType(packet: Packet, isSource: bool, types: u32): bool {
  return namespace.isIpv6 ? isOfTypes6(packet, isSource, types) : (addressType(packet, isSource) & types) != 0;
}

/** IPv6: of all that are asked for (xt_addrtype's match_type6). */
function isOfTypes6(packet: Packet, isSource: bool, types: u32): bool {
  const address = addressAt6(packet.network, isSource);
  const isGroup = load<u8>(address) == 0xff;
  if (types & ADDRTYPE_MULTICAST && !isGroup) return false;
  if (types & ADDRTYPE_UNICAST && (isGroup || (load<u64>(address) | load<u64>(address, 8)) == 0)) return false;
  if (!(types & ADDRTYPE_LOCAL)) return true;
  const route = lookup(namespace, isSource ? sourceIn(packet) : destinationIn(packet)).route;
  return changetype<usize>(route) != 0 && route.type == RouteType.Local;
}

/** inet_addr_type: what the local routes say; of the packet's source or destination. */
function addressType(packet: Packet, isSource: bool): u32 {
  const ip = isSource ? sourceIn(packet) : destinationIn(packet);
  if (ip >>> 24 == 0 || ip == IP_BROADCAST) return ADDRTYPE_BROADCAST;
  if (isMulticast(ip)) return ADDRTYPE_MULTICAST;
  const decision = lookup(namespace, ip);
  if (!hasRoute(decision)) return ADDRTYPE_UNICAST;
  if (decision.route.type == RouteType.Local) return ADDRTYPE_LOCAL;
  return decision.route.type == RouteType.Broadcast ? ADDRTYPE_BROADCAST : ADDRTYPE_UNICAST;
}
