import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { RouteType } from "../../../../assembly/abi/program";
import {
  ICMP_ADMINISTRATIVELY_PROHIBITED,
  ICMP_HOST_UNREACHABLE,
  ICMP_NET_UNREACHABLE,
  ICMP_UNREACHABLE,
} from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import type { Device } from "../tables/device";
import type { Route } from "../tables/fib";
import { ETHERNET_HEADER } from "../wire/ethernet";
import {
  destinationIp,
  hasValidChecksum,
  headerLength,
  IPV4_HEADER,
  isLoopback,
  isMulticast,
  isNotUnicast,
  LIMITED_BROADCAST,
  sourceIp,
  totalLength,
  version,
} from "../wire/ipv4";
import { icmpError } from "./icmp-error";

/** ip_rcv: is the header sound; then Prerouting, unless a bridge has been there, and the input route. */
export function ipInput(kernel: Kernel, packet: Packet): Node {
  const { device } = packet;
  if (device === null) return drop(kernel, packet, Drop.DevReady, Node.IpInput);
  if (packet.type === PacketType.OtherHost) return drop(kernel, packet, Drop.OtherHost, Node.IpInput);
  const reason = checkHeader(kernel, packet);
  if (reason !== Drop.None) return drop(kernel, packet, reason, Node.IpInput);
  const { filter } = device.namespace;
  if (packet.bridged) packet.bridged = false;
  else if (filter?.visits(Hook.Prerouting) === true) return Node.Prerouting;
  return inputRoute(kernel, packet);
}

/** ip_rcv_finish: can the addresses be, and where does the route lead. */
export function inputRoute(kernel: Kernel, packet: Packet): Node {
  const { device } = packet;
  if (device === null) return drop(kernel, packet, Drop.DevReady, Node.IpInput);
  const { bytes } = kernel.memory;
  const source = sourceIp(bytes, packet.network);
  const destination = destinationIp(bytes, packet.network);
  if (device.takesIn && takesIn(packet, device, source, destination)) return Node.LocalDeliver;
  const martian = device.isLoopback ? Drop.None : checkAddresses(device, source, destination);
  if (martian !== Drop.None) return drop(kernel, packet, martian, Node.IpInput);

  if (destination === LIMITED_BROADCAST) return Node.LocalDeliver;
  // Nobody joins groups.
  if (isMulticast(destination)) return drop(kernel, packet, Drop.IpInAddrErrors, Node.IpInput);
  const route = device.namespace.fib.find(destination);
  if (route !== null && (route.type === RouteType.Local || route.type === RouteType.Broadcast)) return Node.LocalDeliver;
  if (packet.type !== PacketType.Host) return drop(kernel, packet, Drop.UnicastInL2Multicast, Node.IpInput);
  if (!device.namespace.forwarding) return drop(kernel, packet, Drop.IpInAddrErrors, Node.IpInput);
  return forward(kernel, packet, route);
}

/** ipvlan_l3_rcv: does the packet belong to a device in mode l3s on top, whose namespace would take it? */
function takesIn(packet: Packet, device: Device, source: number, destination: number): boolean {
  const holder = device.holder(destination);
  if (holder === null || holder.namespace.fib.find(destination)?.type !== RouteType.Local) return false;
  if (checkAddresses(holder, source, destination) !== Drop.None) return false;
  packet.inner = holder;
  return true;
}

/** Sets the datagram's length and takes away what Ethernet padded. */
export function checkHeader(kernel: Kernel, packet: Packet): Drop {
  const { network } = packet;
  const { bytes } = kernel.memory;
  const available = packet.frameLength - ETHERNET_HEADER;
  if (available < IPV4_HEADER) return Drop.HdrTrunc;
  const header = headerLength(bytes, network);
  if (version(bytes, network) !== 4 || header < IPV4_HEADER) return Drop.IpInHdr;
  if (available < header) return Drop.HdrTrunc;
  if (!hasValidChecksum(kernel.memory, network, header)) return Drop.IpCsum;
  const total = totalLength(bytes, network);
  if (total > available) return Drop.PktTooSmall;
  if (total < header) return Drop.IpInHdr;
  packet.datagramLength = total;
  packet.frameLength = ETHERNET_HEADER + total;
  return Drop.None;
}

/** ip_route_input_slow's martians. */
function checkAddresses(device: Device, source: number, destination: number): Drop {
  const isStray = isLoopback(source) && !device.routeLocalnet;
  const isImpossible = isNotUnicast(source) || isStray || (source === 0 && destination !== LIMITED_BROADCAST);
  if (isImpossible) return Drop.IpInvalidSource;
  if (device.namespace.addresses.has(source)) return Drop.IpLocalSource;
  if (destination === 0) return Drop.IpInvalidDest;
  return isLoopback(destination) && !device.routeLocalnet ? Drop.IpLocalNet : Drop.None;
}

function forward(kernel: Kernel, packet: Packet, route: Route | null): Node {
  if (route === null) {
    icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_NET_UNREACHABLE, 0);
    return drop(kernel, packet, Drop.IpInNoRoutes, Node.IpInput);
  }
  switch (route.type) {
    case RouteType.Unreachable:
      icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0);
      return drop(kernel, packet, Drop.RouteUnreachable, Node.IpInput);
    case RouteType.Prohibit:
      icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_ADMINISTRATIVELY_PROHIBITED, 0);
      return drop(kernel, packet, Drop.RouteUnreachable, Node.IpInput);
    case RouteType.Blackhole:
      return drop(kernel, packet, Drop.RouteUnreachable, Node.IpInput);
    default:
      packet.target = route.device;
      packet.nextHop = route.gateway === 0 ? destinationIp(kernel.memory.bytes, packet.network) : route.gateway;
      packet.broadcast = false;
      return Node.IpForward;
  }
}
