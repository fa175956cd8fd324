/** ipv6_rcv, Prerouting, ip6_rcv_finish with the input route. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DEVICE_DISABLE_IPV6, DeviceKind, RouteType } from "../abi/program";
import { ICMP6_NO_ROUTE, ICMP6_PROHIBITED, ICMP6_UNREACHABLE } from "../abi/protocol";
import { drop } from "../graph/drop";
import { addressAt6, readHeaders6 } from "../memory/network";
import { FOR_HOLDER, frameOf, notesOf, Packet, PacketType } from "../memory/pool";
import { BRIDGED } from "../netfilter/state";
import { hasRoom6, isAllNodes6, isGroup6, isLinkLocal6, note6, UNSPECIFIED } from "../tables/address6";
import { DEVICE_TAKES_IN, holderOf6, isNull } from "../tables/device";
import { hasRoute, lookup } from "../tables/fib";
import { isSolicited6 } from "../tables/interface6";
import { ipv6Of } from "../tables/namespace";
import { VISITS_PREROUTING } from "../tables/ruleset";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { IPV6_HEADER, payloadLength6 } from "../wire/ipv6";
import { icmp6Error } from "./icmp6-error";

export function ip6Input(packet: Packet): Node {
  if (packet.device.flags & DEVICE_DISABLE_IPV6) return drop(packet, Drop.Ipv6Disabled, Node.Ip6Input);
  if (packet.type == PacketType.OtherHost) return drop(packet, Drop.OtherHost, Node.Ip6Input);
  const reason = checkHeader6(packet);
  if (reason != Drop.None) return drop(packet, reason, Node.Ip6Input);
  if (packet.filter & BRIDGED) {
    // It has been through Prerouting as a frame of the bridge.
    packet.filter &= ~BRIDGED;
    return routeInput6(packet);
  }
  return ipv6Of(packet.device.namespace).filter & VISITS_PREROUTING ? Node.Prerouting : routeInput6(packet);
}

/** Why an IPv6 packet is none, or None: then the frame ends where the packet does, and there are notes of it. */
export function checkHeader6(packet: Packet): Drop {
  const ip = frameOf(packet) + ETHERNET_HEADER;
  packet.network = ip;
  if (packet.length < ETHERNET_HEADER + IPV6_HEADER) return Drop.HdrTrunc;
  if (load<u8>(ip) >> 4 != 6) return Drop.IpInHdr;
  const total = IPV6_HEADER + payloadLength6(ip);
  if (total > packet.length - ETHERNET_HEADER) return Drop.PktTooSmall;
  packet.length = total + ETHERNET_HEADER;
  const source = addressAt6(ip, true);
  const destination = addressAt6(ip, false);
  if (load<u8>(source) == 0xff) return Drop.IpInvalidSource;
  if (packet.device.kind != DeviceKind.Loopback) {
    if (isLocalhost(source)) return Drop.IpInvalidSource;
    if (isLocalhost(destination)) return Drop.IpLocalNet;
  }
  if (!v128.any_true(v128.load(destination))) return Drop.IpInvalidDest;
  const notes = notesOf(packet);
  const reason = readHeaders6(notes, ip, total);
  if (reason != Drop.None) return reason;
  if (!hasRoom6(source)) return Drop.NoMemory;
  notes.source = note6(source);
  notes.destination = note6(destination);
  return Drop.None;
}

/** ipvlan_l3_rcv. */
function isTakenIn(packet: Packet, destination: u32): bool {
  const holder = holderOf6(packet.device, destination);
  if (isNull(holder)) return false;
  const decision = lookup(ipv6Of(holder.namespace), destination);
  if (!hasRoute(decision) || decision.route.type != RouteType.Local) return false;
  packet.received |= FOR_HOLDER;
  packet.out = holder;
  return true;
}

@inline function isLocalhost(at: usize): bool {
  return load<u64>(at) == 0 && load<u64>(at, 8) == 0x0100000000000000;
}

/** What follows Prerouting, in the same visit. */
export function routeInput6(packet: Packet): Node {
  const device = packet.device;
  const stack = ipv6Of(device.namespace);
  const notes = notesOf(packet);
  const destination = notes.destination;
  if (device.flags & DEVICE_TAKES_IN && isTakenIn(packet, destination)) return Node.LocalDeliver;
  if (isGroup6(destination)) {
    if (isAllNodes6(destination) || isSolicited6(device, destination)) return Node.LocalDeliver;
    return drop(packet, Drop.IpInAddrErrors, Node.Ip6Input);
  }
  const decision = lookup(stack, destination);
  if (!hasRoute(decision)) {
    icmp6Error(packet, ICMP6_UNREACHABLE, ICMP6_NO_ROUTE, 0);
    return drop(packet, Drop.IpInNoRoutes, Node.Ip6Input);
  }
  const type = decision.route.type;
  if (type == RouteType.Local) return Node.LocalDeliver;
  if (type != RouteType.Unicast) {
    if (type == RouteType.Unreachable) icmp6Error(packet, ICMP6_UNREACHABLE, ICMP6_NO_ROUTE, 0);
    if (type == RouteType.Prohibit) icmp6Error(packet, ICMP6_UNREACHABLE, ICMP6_PROHIBITED, 0);
    return drop(packet, Drop.RouteUnreachable, Node.Ip6Input);
  }
  if (packet.type != PacketType.Host) return drop(packet, Drop.UnicastInL2Multicast, Node.Ip6Input);
  if (stack.forwarding == 0 || isLinkLocal6(destination) || notes.source == UNSPECIFIED) return drop(packet, Drop.IpInAddrErrors, Node.Ip6Input);
  return Node.Ip6Forward;
}

