import { FlowError } from "../../../../assembly/abi/counter";
import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { RouteType } from "../../../../assembly/abi/program";
import { ICMP6_PACKET_TOO_BIG, ICMP_FRAGMENTATION_NEEDED, ICMP_UNREACHABLE, PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import { readHeaders6, walkHeaders } from "../ipv6/headers";
import { isLinkLocal6 } from "../ipv6/scope";
import type { Kernel } from "../kernel";
import { type Packet, PacketType, PathMtuDiscovery } from "../memory/packet";
import type { Device } from "../tables/device";
import { isRefusing, type Route } from "../tables/fib";
import { isSoundIpv4, isSoundIpv6 } from "../wire/address";
import { ETHERNET_HEADER, isGroup, macHigh } from "../wire/ethernet";
import { destinationOf } from "../wire/ip";
import { destinationIp, DONT_FRAGMENT, fragmentField, totalLength } from "../wire/ipv4";
import { IPV6_HEADER, payloadLength, SOURCE6 } from "../wire/ipv6";
import { icmpError } from "./icmp-error";
import { icmp6Error } from "./icmp6-error";
import { finishOutput, outputDevice, setRoute } from "./ip-output";
import { tellSender } from "./local-out";

/** ipvlan_process_outbound: the packet leaves its namespace, and goes out of the one that `lower` is in as if it had been made there. */
export function cross(kernel: Kernel, packet: Packet, lower: Device): Node {
  const { memory, addresses } = kernel;
  const { bytes } = memory;
  const { frame, frameLength } = packet;
  const isIpv6 = isSoundIpv6(bytes, frame, frameLength);
  if (isGroup(macHigh(bytes, frame)) || !(isIpv6 || isSoundIpv4(bytes, frame, frameLength))) {
    return drop(kernel, packet, Drop.UnhandledProto, Node.IpvlanOutput);
  }
  const network = frame + ETHERNET_HEADER;
  if (isIpv6 && !addresses.noteBoth(bytes, network + SOURCE6)) return drop(kernel, packet, Drop.NoMemory, Node.IpvlanOutput);
  packet.network = network;
  packet.datagramLength = packet.frameLength = isIpv6 ? IPV6_HEADER + payloadLength(bytes, network) : totalLength(bytes, network);
  packet.isIpv6 = false;
  const headers = isIpv6 ? walkHeaders(bytes, network, network + packet.datagramLength) : null;
  if (headers !== null) readHeaders6(kernel, packet, headers);
  const route = isIpv6 ? routeBy6(kernel, packet, lower) : routeBy(destinationIp(bytes, network), lower);
  const out = route === null ? null : outputDevice(lower.namespace, route);
  if (isIpv6 && out === null) tellOwnSender(kernel, packet, route);
  scrub(kernel, packet, lower);
  if (route === null || out === null || route.type === RouteType.Broadcast) {
    const isRefused = route !== null && isRefusing(route);
    return drop(kernel, packet, isRefused ? Drop.RouteUnreachable : Drop.IpOutNoRoutes, Node.IpvlanOutput);
  }
  const destination = destinationOf(bytes, packet);
  setRoute(packet, route, out, destination, kernel.pathMtus.find(lower.namespace, destination, out.mtu, kernel.clock));
  packet.device = lower;
  const filter = lower.namespace.filterFor(packet);
  if (filter?.visits(Hook.Output) === true) return Node.LocalOut;
  return filter?.visits(Hook.Postrouting) === true ? Node.Postrouting : leaveNamespace(kernel, packet, Node.IpvlanOutput);
}

/** ip_route_output_key with an interface: only its routes count, and where they do not know, the destination is on its link. */
function routeBy(destination: number, lower: Device): Route | null {
  if (!lower.up) return null;
  const route = lower.namespace.fib.boundTo(lower).find(destination);
  return route === null || isRefusing(route) ? { type: RouteType.Unicast, device: lower, gateway: 0, source: 0, metric: 0 } : route;
}

/** ip6_route_output. */
function routeBy6({ addresses }: Kernel, { destination6 }: Packet, lower: Device): Route | null {
  const { fib6 } = lower.namespace;
  if (fib6 === null) return null;
  return (isLinkLocal6(addresses, destination6) ? fib6.boundTo(lower) : fib6.preferring(lower)).find(destination6);
}

/** The error of the route is what the system call returns that sent the message. */
function tellOwnSender(kernel: Kernel, packet: Packet, route: Route | null): void {
  if (packet.protocol6 === PROTOCOL_TCP) return;
  tellSender(kernel, packet, route !== null && isRefusing(route) ? FlowError.HostUnreachable : FlowError.NetworkUnreachable);
}

/** skb_scrub_packet: nothing is known of it here but what it says. */
function scrub(kernel: Kernel, packet: Packet, lower: Device): void {
  kernel.pool.unfilter(packet);
  packet.hasEthernet = false;
  packet.device = lower;
  packet.namespace = lower.namespace;
  packet.crossing = true;
  packet.received = false;
  packet.isMessage = false;
  packet.type = PacketType.Host;
  // What a policy finds too long keeps quiet about it.
  packet.pathMtuDiscovery = PathMtuDiscovery.Do;
}

/** ip_finish_output, ip6_finish_output: behind the last hook, on behalf of `node`. What crosses is told here that it is too long. */
export function leaveNamespace(kernel: Kernel, packet: Packet, node: Node): Node {
  if (packet.crossing && packet.policy === null && isTooLong(kernel, packet)) {
    if (packet.isIpv6) icmp6Error(kernel, packet, ICMP6_PACKET_TOO_BIG, 0, packet.mtu);
    else icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, packet.mtu);
    return drop(kernel, packet, Drop.PktTooBig, node);
  }
  packet.crossing = false;
  return finishOutput(kernel, packet);
}

function isTooLong(kernel: Kernel, { isIpv6, network, datagramLength, fragmentMax, mtu }: Packet): boolean {
  if (isIpv6) return (fragmentMax > 0 ? fragmentMax : datagramLength) > mtu;
  return datagramLength > mtu && (fragmentField(kernel.memory.bytes, network) & DONT_FRAGMENT) !== 0;
}
