/** ip_rcv, Prerouting, ip_rcv_finish and the input route: is the header sound, may the addresses be, and where does it go? */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DEVICE_ROUTE_LOCALNET, DeviceKind, RouteType } from "../abi/program";
import { ICMP_ADMINISTRATIVELY_PROHIBITED, ICMP_HOST_UNREACHABLE, ICMP_NET_UNREACHABLE, ICMP_UNREACHABLE } from "../abi/protocol";
import { drop } from "../graph/drop";
import { FOR_HOLDER, frameOf, Packet, PacketType } from "../memory/pool";
import { BRIDGED } from "../netfilter/state";
import { Device, DEVICE_TAKES_IN, holderOf, isNull } from "../tables/device";
import { hasRoute, lookup, Route } from "../tables/fib";
import { VISITS_PREROUTING } from "../tables/ruleset";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { isValid, sumWords } from "../wire/checksum";
import {
  destinationOf,
  headerLength,
  IP_BROADCAST,
  IPV4_HEADER,
  isClassDOrAbove,
  isLoopback,
  isMulticast,
  sourceOf,
  totalLength,
} from "../wire/ipv4";
import { icmpError } from "./icmp-error";

export function ipInput(packet: Packet): Node {
  if (packet.type == PacketType.OtherHost) return drop(packet, Drop.OtherHost, Node.IpInput);
  const reason = checkHeader(packet);
  if (reason != Drop.None) return drop(packet, reason, Node.IpInput);
  const filter = packet.device.namespace.filter;
  return filter == 0 ? routeInput(packet) : filterPacket(packet, filter);
}

function filterPacket(packet: Packet, filter: u32): Node {
  if (!(packet.filter & BRIDGED)) return filter & VISITS_PREROUTING ? Node.Prerouting : routeInput(packet);
  // It has been through Prerouting as a frame of the bridge.
  packet.filter &= ~BRIDGED;
  return routeInput(packet);
}

/** Why an IPv4 header is none, or None: then the frame ends where the packet does. */
@inline export function checkHeader(packet: Packet): Drop {
  const ip = frameOf(packet) + ETHERNET_HEADER;
  packet.network = ip;
  const bytes = packet.length - ETHERNET_HEADER;
  if (packet.length < ETHERNET_HEADER + IPV4_HEADER) return Drop.HdrTrunc;
  const header = headerLength(ip);
  if (load<u8>(ip) >> 4 != 4 || header < IPV4_HEADER) return Drop.IpInHdr;
  if (bytes < header) return Drop.HdrTrunc;
  if (!isValid(sumWords(ip, header))) return Drop.IpCsum;
  const total = totalLength(ip);
  if (total > bytes) return Drop.PktTooSmall;
  if (total < header) return Drop.IpInHdr;
  packet.length = total + ETHERNET_HEADER;
  return Drop.None;
}

/** What follows Prerouting, in the same visit. */
export function routeInput(packet: Packet): Node {
  const ip = packet.network;
  const destination = destinationOf(ip);
  if (packet.device.flags & DEVICE_TAKES_IN && isTakenIn(packet, sourceOf(ip), destination)) return Node.LocalDeliver;
  if (packet.device.kind != DeviceKind.Loopback) {
    const martian = martianReason(packet.device, sourceOf(ip), destination);
    if (martian != Drop.None) return drop(packet, martian, Node.IpInput);
  }
  if (destination == IP_BROADCAST) return Node.LocalDeliver;
  if (isMulticast(destination)) return drop(packet, Drop.IpInAddrErrors, Node.IpInput);
  const decision = lookup(packet.device.namespace, destination);
  if (hasRoute(decision)) {
    const type = decision.route.type;
    if (type == RouteType.Local || type == RouteType.Broadcast) return Node.LocalDeliver;
  }
  return forward(packet, decision.route);
}

/** ipvlan_l3_rcv: what a namespace on top would take is its own. */
function isTakenIn(packet: Packet, source: u32, destination: u32): bool {
  const holder = holderOf(packet.device, destination);
  if (isNull(holder) || martianReason(holder, source, destination) != Drop.None) return false;
  const decision = lookup(holder.namespace, destination);
  if (!hasRoute(decision) || decision.route.type != RouteType.Local) return false;
  packet.received |= FOR_HOLDER;
  packet.out = holder;
  return true;
}

@inline function martianReason(device: Device, source: u32, destination: u32): Drop {
  const mayBeLoopback = (device.flags & DEVICE_ROUTE_LOCALNET) != 0;
  if (isClassDOrAbove(source) || (isLoopback(source) && !mayBeLoopback) || (source == 0 && destination != IP_BROADCAST)) return Drop.IpInvalidSource;
  if (lookup(device.namespace, source).isOwn) return Drop.IpLocalSource;
  if (destination == 0) return Drop.IpInvalidDest;
  return isLoopback(destination) && !mayBeLoopback ? Drop.IpLocalNet : Drop.None;
}

/** `route` may be null. */
function forward(packet: Packet, route: Route): Node {
  if (packet.type != PacketType.Host) return drop(packet, Drop.UnicastInL2Multicast, Node.IpInput);
  if (packet.device.namespace.forwarding == 0) return drop(packet, Drop.IpInAddrErrors, Node.IpInput);
  if (changetype<usize>(route) == 0) {
    icmpError(packet, ICMP_UNREACHABLE, ICMP_NET_UNREACHABLE, 0);
    return drop(packet, Drop.IpInNoRoutes, Node.IpInput);
  }
  if (route.type == RouteType.Unicast) return Node.IpForward;
  if (route.type == RouteType.Unreachable) icmpError(packet, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0);
  if (route.type == RouteType.Prohibit) icmpError(packet, ICMP_UNREACHABLE, ICMP_ADMINISTRATIVELY_PROHIBITED, 0);
  return drop(packet, Drop.RouteUnreachable, Node.IpInput);
}
