import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { RouteType } from "../../../../assembly/abi/program";
import { ICMP6_NO_ROUTE, ICMP6_PROHIBITED, ICMP6_UNREACHABLE } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import { checkHeader6 } from "../ipv6/headers";
import { isAllNodes, isGroup6, isLinkLocal6, isSolicitedGroup } from "../ipv6/scope";
import type { Kernel } from "../kernel";
import { UNSPECIFIED } from "../memory/address-table";
import { type Packet, PacketType } from "../memory/packet";
import type { Device } from "../tables/device";
import type { Route } from "../tables/fib";
import { icmp6Error } from "./icmp6-error";

/** ipv6_rcv: is the header sound; then Prerouting, unless a bridge has been there, and the input route. */
export function ip6Input(kernel: Kernel, packet: Packet): Node {
  const { device } = packet;
  if (device === null || device.isIpv6Disabled) return drop(kernel, packet, Drop.Ipv6Disabled, Node.Ip6Input);
  if (packet.type === PacketType.OtherHost) return drop(kernel, packet, Drop.OtherHost, Node.Ip6Input);
  const reason = checkHeader6(kernel, packet);
  if (reason !== Drop.None) return drop(kernel, packet, reason, Node.Ip6Input);
  const { filter6 } = device.namespace;
  if (packet.bridged) packet.bridged = false;
  else if (filter6?.visits(Hook.Prerouting) === true) return Node.Prerouting;
  return inputRoute6(kernel, packet);
}

/** ip6_rcv_finish: where the route leads. */
export function inputRoute6(kernel: Kernel, packet: Packet): Node {
  const { device, destination6: destination } = packet;
  if (device === null) return drop(kernel, packet, Drop.DevReady, Node.Ip6Input);
  if (device.takesIn && takesIn(packet, device, destination)) return Node.LocalDeliver;
  if (isGroup6(kernel.addresses, destination)) {
    return hasJoined(kernel, device, destination) ? Node.LocalDeliver : drop(kernel, packet, Drop.IpInAddrErrors, Node.Ip6Input);
  }
  const route = device.namespace.routeTo(destination);
  if (route?.type === RouteType.Local) return Node.LocalDeliver;
  if (route === null || route.type !== RouteType.Unicast) return refuse(kernel, packet, route);
  if (packet.type !== PacketType.Host) return drop(kernel, packet, Drop.UnicastInL2Multicast, Node.Ip6Input);
  const isLocalBusiness = isLinkLocal6(kernel.addresses, destination) || packet.source6 === UNSPECIFIED;
  if (!device.namespace.forwarding6 || isLocalBusiness) return drop(kernel, packet, Drop.IpInAddrErrors, Node.Ip6Input);
  packet.target = route.device;
  packet.nextHop = route.gateway === UNSPECIFIED ? destination : route.gateway;
  packet.broadcast = false;
  return Node.Ip6Forward;
}

/** ipvlan_l3_rcv: does the packet belong to a device in mode l3s on top? */
function takesIn(packet: Packet, device: Device, destination: number): boolean {
  const holder = device.holder(destination);
  if (holder?.namespace.routeTo(destination)?.type !== RouteType.Local) return false;
  packet.inner = holder;
  return true;
}

/** ipv6_chk_mcast_addr: all nodes, and the groups of the device's own addresses. */
function hasJoined({ addresses }: Kernel, { addresses6 }: Device, group: number): boolean {
  if (isAllNodes(addresses, group)) return true;
  if (!isSolicitedGroup(addresses, group)) return false;
  const low = addresses.word(group, 3) & 0xffffff;
  return addresses6.some(({ ip }) => (addresses.word(ip, 3) & 0xffffff) === low);
}

function refuse(kernel: Kernel, packet: Packet, route: Route | null): Node {
  if (route?.type !== RouteType.Blackhole) {
    icmp6Error(kernel, packet, ICMP6_UNREACHABLE, route?.type === RouteType.Prohibit ? ICMP6_PROHIBITED : ICMP6_NO_ROUTE, 0);
  }
  return drop(kernel, packet, route === null ? Drop.IpInNoRoutes : Drop.RouteUnreachable, Node.Ip6Input);
}
