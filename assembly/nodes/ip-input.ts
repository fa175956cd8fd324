/** ip_rcv, ip_rcv_finish and the input route: is the header sound, may the addresses be, and where does it go? */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DeviceKind, RouteType } from "../abi/program";
import { ICMP_ADMINISTRATIVELY_PROHIBITED, ICMP_HOST_UNREACHABLE, ICMP_NET_UNREACHABLE, ICMP_UNREACHABLE } from "../abi/protocol";
import { drop } from "../graph/drop";
import { frameOf, Packet, PacketType } from "../memory/pool";
import { hasRoute, lookup, Route } from "../tables/fib";
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
  const ip = frameOf(packet) + ETHERNET_HEADER;
  packet.network = ip;
  if (packet.type == PacketType.OtherHost) return drop(packet, Drop.OtherHost, Node.IpInput);
  const bytes = packet.length - ETHERNET_HEADER;
  if (packet.length < ETHERNET_HEADER + IPV4_HEADER) return drop(packet, Drop.HdrTrunc, Node.IpInput);
  const header = headerLength(ip);
  if (load<u8>(ip) >> 4 != 4 || header < IPV4_HEADER) return drop(packet, Drop.IpInHdr, Node.IpInput);
  if (bytes < header) return drop(packet, Drop.HdrTrunc, Node.IpInput);
  if (!isValid(sumWords(ip, header))) return drop(packet, Drop.IpCsum, Node.IpInput);
  const total = totalLength(ip);
  if (total > bytes) return drop(packet, Drop.PktTooSmall, Node.IpInput);
  if (total < header) return drop(packet, Drop.IpInHdr, Node.IpInput);
  packet.length = total + ETHERNET_HEADER;

  const destination = destinationOf(ip);
  if (packet.device.kind != DeviceKind.Loopback) {
    const martian = martianReason(packet, sourceOf(ip), destination);
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

@inline function martianReason(packet: Packet, source: u32, destination: u32): Drop {
  if (isClassDOrAbove(source) || isLoopback(source) || (source == 0 && destination != IP_BROADCAST)) return Drop.IpInvalidSource;
  if (lookup(packet.device.namespace, source).isOwn) return Drop.IpLocalSource;
  if (destination == 0) return Drop.IpInvalidDest;
  return isLoopback(destination) ? Drop.IpLocalNet : Drop.None;
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
