/**
 * ipvlan_process_outbound: a packet leaves the namespace that made it, and goes out of that of the lower device as if it had been made
 * there: by its routes, LocalOut and Postrouting. `Packet.mtu` is the length of its longest fragment meanwhile; that of the way is noted.
 */
import { FlowError } from "../abi/counter";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DEVICE_UP, RouteType } from "../abi/program";
import { ICMP6_PACKET_TOO_BIG, ICMP_FRAGMENTATION_NEEDED, ICMP_UNREACHABLE } from "../abi/protocol";
import { drop } from "../graph/drop";
import { addressAt6, isIpv6, readHeaders6, totalIn } from "../memory/network";
import { CROSSING, DontFragment, frameOf, freeHeadroom, HAS_POLICY, notesOf, noteWayMtu, Packet, PacketType, wayMtuOf } from "../memory/pool";
import { DEFRAGMENTED, detach } from "../netfilter/state";
import { hasRoom6, isLinkLocal6, note6 } from "../tables/address6";
import { socketError } from "../tables/counters";
import { Device, isNull } from "../tables/device";
import { isNoRoute, outputDevice, Route, routeBy, routeRatherBy } from "../tables/fib";
import { flowAt } from "../tables/flow";
import { Namespace, stackOf } from "../tables/namespace";
import { pathMtu } from "../tables/path-mtu";
import { VISITS_OUTPUT, VISITS_POSTROUTING } from "../tables/ruleset";
import { destinationMac, ETHERNET_HEADER, isGroup } from "../wire/ethernet";
import { destinationOf, fragmentWord, IP_DF, totalLength } from "../wire/ipv4";
import { IPV6_HEADER, payloadLength6 } from "../wire/ipv6";
import { isWholeIpv4, isWholeIpv6 } from "../wire/network-address";
import { icmpError } from "./icmp-error";
import { icmp6Error } from "./icmp6-error";
import { leaveFilter } from "./postrouting";

export function cross(packet: Packet, lower: Device): Node {
  const frame = frameOf(packet);
  if (isGroup(destinationMac(frame))) return drop(packet, Drop.UnhandledProto, Node.IpvlanOutput);
  if (isWholeIpv4(frame, packet.length)) return cross4(packet, lower);
  return isWholeIpv6(frame, packet.length) ? cross6(packet, lower) : drop(packet, Drop.UnhandledProto, Node.IpvlanOutput);
}

function cross4(packet: Packet, lower: Device): Node {
  freeHeadroom(packet);
  const ip = frameOf(packet) + ETHERNET_HEADER;
  packet.network = ip;
  scrub(packet, lower, totalLength(ip));
  if (!(lower.flags & DEVICE_UP)) return drop(packet, Drop.IpOutNoRoutes, Node.IpvlanOutput);
  const stack = lower.namespace;
  const destination = destinationOf(ip);
  const route = routeBy(stack, destination, lower);
  // A lookup with an interface that fails means that the destination is on its link.
  if (isNoRoute(route) || route.type > RouteType.Broadcast) return leaveBy(packet, stack, destination, lower, destination, RouteType.Unicast);
  const out = route.type == RouteType.Broadcast ? changetype<Device>(0) : outputDevice(stack, route);
  if (isNull(out)) return drop(packet, Drop.IpOutNoRoutes, Node.IpvlanOutput);
  return leaveBy(packet, stack, destination, out, route.gateway != 0 ? route.gateway : destination, route.type);
}

function cross6(packet: Packet, lower: Device): Node {
  freeHeadroom(packet);
  const ip = frameOf(packet) + ETHERNET_HEADER;
  const total = IPV6_HEADER + payloadLength6(ip);
  const notes = notesOf(packet);
  if (total + ETHERNET_HEADER > packet.length || readHeaders6(notes, ip, total) != Drop.None) return drop(packet, Drop.UnhandledProto, Node.IpvlanOutput);
  if (!hasRoom6(addressAt6(ip, true))) return drop(packet, Drop.NoMemory, Node.IpvlanOutput);
  notes.source = note6(addressAt6(ip, true));
  notes.destination = note6(addressAt6(ip, false));
  packet.network = ip;
  const stack = stackOf(lower.namespace, true);
  const destination = notes.destination;
  const route = isLinkLocal6(destination) ? routeBy(stack, destination, lower) : routeRatherBy(stack, destination, lower);
  const isRefused = !isNoRoute(route) && route.type > RouteType.Broadcast;
  const out = isRefused ? changetype<Device>(0) : outputDevice(stack, route);
  if (isNull(out)) tellProcess(packet, isRefused ? FlowError.HostUnreachable : FlowError.NetworkUnreachable);
  scrub(packet, lower, total);
  if (isNull(out) || route.type == RouteType.Broadcast) return drop(packet, isRefused ? Drop.RouteUnreachable : Drop.IpOutNoRoutes, Node.IpvlanOutput);
  return leaveBy(packet, stack, destination, out, route.gateway != 0 ? route.gateway : destination, route.type);
}

/** ndo_start_xmit returns the error of the route, and so does sendmsg. */
function tellProcess(packet: Packet, error: FlowError): void {
  if (packet.fromSource != 0 && packet.received == 0) socketError(flowAt(packet.flow), error, packet.sequence);
}

/** skb_scrub_packet. */
function scrub(packet: Packet, lower: Device, total: u32): void {
  detach(packet);
  packet.filter = 0;
  packet.mark = 0;
  packet.dontFragment = <u8>DontFragment.Always | CROSSING;
  packet.type = <u8>PacketType.Host;
  packet.received = 0;
  packet.fromSource = 0;
  packet.framed = 0;
  packet.length = total + ETHERNET_HEADER;
  packet.mtu = 0;
  packet.device = lower;
  packet.namespace = lower.namespace.index;
}

function leaveBy(packet: Packet, stack: Namespace, destination: u32, out: Device, nextHop: u32, type: RouteType): Node {
  packet.out = out;
  packet.next = nextHop;
  packet.routeType = <u8>type;
  noteWayMtu(packet, pathMtu(stack, destination, out.mtu));
  const filter = stack.filter;
  if (filter & (VISITS_OUTPUT | VISITS_POSTROUTING)) return filter & VISITS_OUTPUT ? Node.LocalOut : Node.Postrouting;
  return endCrossing(packet, Node.IpvlanOutput);
}

/** Behind the last hook, on behalf of a node: is it too long for the way? */
export function endCrossing(packet: Packet, inProgress: Node): Node {
  const mtu = wayMtuOf(packet);
  const total = totalIn(packet);
  const longest = packet.filter & DEFRAGMENTED ? packet.mtu : 0;
  const isSix = isIpv6(packet);
  const isSealed = MANY_HOSTS != 0 && (packet.dontFragment & HAS_POLICY) != 0;
  const isTooLong = isSix ? (longest != 0 ? longest : total) > mtu : total > mtu && (fragmentWord(packet.network) & IP_DF) != 0;
  if (isTooLong && !isSealed) {
    if (isSix) icmp6Error(packet, ICMP6_PACKET_TOO_BIG, 0, mtu);
    else icmpError(packet, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, mtu);
    return drop(packet, Drop.PktTooBig, inProgress);
  }
  packet.dontFragment &= ~CROSSING;
  const piece = longest != 0 ? min(longest, mtu) : mtu;
  // IPv4 is cut again as it was, even if it fits.
  packet.mtu = total > piece || (longest != 0 && !isSix) ? piece : 0;
  return leaveFilter(packet);
}
