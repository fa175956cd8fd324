import { FlowError } from "../../../../assembly/abi/counter";
import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { RouteType } from "../../../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { type Packet, PathMtuDiscovery } from "../memory/packet";
import { failFlow } from "../simulation/source";
import type { Device } from "../tables/device";
import { isRefusing, type Route } from "../tables/fib";
import type { Namespace } from "../tables/namespace";
import { failSegment } from "../tcp/lifecycle";
import { write16 } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { protocolOf } from "../wire/ip";
import { destinationIp, DONT_FRAGMENT, IPV4_HEADER, protocol, setFragmentField, setSourceIp, sourceIp, updateChecksum } from "../wire/ipv4";
import { updateTcpChecksum } from "../wire/tcp";
import { updateUdpChecksum } from "../wire/udp";
import { lookUpPolicy } from "../xfrm/look-up";

/**
 * ip_local_out with the route lookup before it: route, source address, identification, DF, checksums, then fragments or
 * the neighbour. The draft of the header is there; `packet.namespace` sends it.
 */
export function ipOutput(kernel: Kernel, packet: Packet): Node {
  const namespace = packet.namespace;
  const { bytes } = kernel.memory;
  const { network } = packet;
  const destination = destinationIp(bytes, network);
  const route = namespace === null ? null : namespace.fib.find(destination);
  const device = namespace === null || route === null ? null : outputDevice(namespace, route);
  if (namespace === null || route === null || device === null) return refuse(kernel, packet, route, Node.IpOutput);

  if (sourceIp(bytes, network) === 0) setSourceIp(bytes, network, chooseSource(route, device, destination));
  const total = packet.datagramLength;
  const mtu = kernel.pathMtus.find(namespace, destination, device.mtu, kernel.clock);
  setRoute(packet, route, device, destination, mtu);
  const dontFragment =
    packet.pathMtuDiscovery === PathMtuDiscovery.Do || (packet.pathMtuDiscovery === PathMtuDiscovery.Want && total <= mtu);
  write16(bytes, network + 4, namespace.nextIdentification());
  setFragmentField(bytes, network, dontFragment ? DONT_FRAGMENT : 0);
  updateChecksum(kernel.memory, network, IPV4_HEADER);
  updateTransportChecksum(kernel, network, total);
  const mustFragment = total > mtu;
  if (mustFragment && dontFragment) {
    reportError(kernel, packet, FlowError.MessageTooLong);
    return drop(kernel, packet, Drop.PktTooBig, Node.IpOutput);
  }
  lookUpPolicy(kernel, packet, namespace);
  const { filter } = namespace;
  if (filter === null) return finishOutput(kernel, packet);
  if (filter.visits(Hook.Output)) return Node.LocalOut;
  return filter.visits(Hook.Postrouting) ? Node.Postrouting : finishOutput(kernel, packet);
}

/** Notes what the nodes to come need of the route. */
export function setRoute(packet: Packet, route: Route, device: Device, destination: number, mtu: number): void {
  packet.device = packet.target = device;
  packet.nextHop = route.gateway === 0 ? destination : route.gateway;
  packet.broadcast = route.type === RouteType.Broadcast;
  packet.mtu = mtu;
}

/** ip_finish_output, xfrm4_output, or what br_netfilter has in its place. What was put together of fragments goes on in fragments. */
export function finishOutput(kernel: Kernel, packet: Packet): Node {
  if (packet.bridged) return Node.DeviceTransmit;
  if (packet.policy !== null) return Node.EspOutput;
  if (packet.fragmentMax > 0) {
    packet.mtu = Math.min(packet.mtu, packet.fragmentMax);
    if (!packet.isIpv6) return Node.IpFragment;
  }
  if (packet.datagramLength <= packet.mtu) {
    if (packet.fragmentMax > 0) moveIntoSlot(kernel, packet);
    return Node.NeighbourOutput;
  }
  return packet.isIpv6 ? Node.Ip6Fragment : Node.IpFragment;
}

/** A datagram that was put together leaves its buffer. */
function moveIntoSlot({ memory }: Kernel, packet: Packet): void {
  const to = packet.frame + ETHERNET_HEADER;
  memory.copy(to, packet.network, packet.datagramLength);
  packet.transport += to - packet.network;
  if (packet.fragmentHeader !== 0) packet.fragmentHeader += to - packet.network;
  packet.network = to;
}

/** The device that a route sends to, or null if it sends nowhere. */
export function outputDevice(namespace: Namespace, route: Route): Device | null {
  switch (route.type) {
    case RouteType.Local:
      return namespace.loopback;
    case RouteType.Unicast:
    case RouteType.Broadcast:
      return route.device;
    default:
      return null;
  }
}

/** fib_select_default's source: the route's preferred one, else the device's first address; 0 if there is none. */
export function chooseSource(route: Route, device: Device, destination: number): number {
  if (route.source !== 0) return route.source;
  return route.type === RouteType.Local ? destination : device.ip;
}

/** There is no way, or one that refuses. */
export function refuse(kernel: Kernel, packet: Packet, route: Route | null, node: Node): Node {
  const isRefused = route !== null && isRefusing(route);
  reportError(kernel, packet, isRefused ? FlowError.HostUnreachable : FlowError.NetworkUnreachable);
  return drop(kernel, packet, isRefused ? Drop.RouteUnreachable : Drop.IpOutNoRoutes, node);
}

/** What the sending system call would return. Answers and ICMP errors have no one to tell. */
export function reportError(kernel: Kernel, packet: Packet, error: FlowError): void {
  const kind = protocolOf(kernel.memory.bytes, packet);
  if (kind === PROTOCOL_TCP) {
    if (error !== FlowError.MessageTooLong) failSegment(kernel, packet, error);
    return;
  }
  if (packet.flow !== null && packet.isMessage) failFlow(kernel, packet.flow, packet.sequence, error);
}

/** UDP and TCP cover the addresses, so their checksums wait for the source address; ICMP does not. */
function updateTransportChecksum(kernel: Kernel, network: number, total: number): void {
  const kind = protocol(kernel.memory.bytes, network);
  const transport = network + IPV4_HEADER;
  const length = total - IPV4_HEADER;
  if (kind === PROTOCOL_UDP) updateUdpChecksum(kernel.memory, network, transport, length);
  else if (kind === PROTOCOL_TCP) updateTcpChecksum(kernel.memory, network, transport, length);
}
