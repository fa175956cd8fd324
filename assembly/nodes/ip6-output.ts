/** ip6_local_out, ip6_route_output for it, ip6_output: a way, a source if the sender chose none, checksums, and the MTU of the path. */
import { FlowError } from "../abi/counter";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { RouteType } from "../abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { drop } from "../graph/drop";
import { addressAt6, transportBytes, transportIn } from "../memory/network";
import { DontFragment, notesOf, Packet } from "../memory/pool";
import { socketError } from "../tables/counters";
import { bytesOf6, isGroup6, isLinkLocal6, UNSPECIFIED } from "../tables/address6";
import { Device, isNull, noDevice } from "../tables/device";
import { lookup, outputDevice, Route } from "../tables/fib";
import { flowAt } from "../tables/flow";
import { chooseSource6 } from "../tables/interface6";
import { ipv6Of, Namespace, namespaceAt } from "../tables/namespace";
import { pathMtu } from "../tables/path-mtu";
import { VISITS_OUTPUT, VISITS_POSTROUTING } from "../tables/ruleset";
import { failConnecting } from "../tcp/close";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { writeIcmp6Checksum } from "../wire/ipv6";
import { writeTcpChecksum } from "../wire/tcp";
import { writeUdpChecksum } from "../wire/udp";

export function ip6Output(packet: Packet): Node {
  const stack = ipv6Of(namespaceAt(packet.namespace));
  const notes = notesOf(packet);
  const destination = notes.destination;
  let route = lookup(stack, destination).route;
  // What it answers came in there.
  let device = packet.out;
  if (isOnLink(device, route, destination)) {
    route = changetype<Route>(0);
  } else {
    if (changetype<usize>(route) == 0) return unroutable(packet, Drop.IpOutNoRoutes, FlowError.NetworkUnreachable);
    if (route.type > RouteType.Broadcast) return unroutable(packet, Drop.RouteUnreachable, FlowError.HostUnreachable);
    device = outputDevice(stack, route);
    if (isNull(device)) return unroutable(packet, Drop.IpOutNoRoutes, FlowError.NetworkUnreachable);
  }
  if (notes.source == UNSPECIFIED && !chooseSource(packet, stack, route, device)) {
    return unroutable(packet, Drop.IpOutNoRoutes, FlowError.NetworkUnreachable);
  }
  packet.device = device;
  packet.out = device;
  const isRouted = changetype<usize>(route) != 0;
  packet.next = isRouted && route.gateway != 0 ? route.gateway : destination;
  packet.routeType = <u8>(isRouted ? route.type : RouteType.Unicast);
  writeChecksum(packet);
  const mtu = pathMtu(stack, destination, device.mtu);
  const isTooLong = packet.length - ETHERNET_HEADER > mtu;
  if (isTooLong && packet.dontFragment == DontFragment.Always) return tooLong(packet);
  packet.mtu = isTooLong ? mtu : 0;
  const filter = stack.filter;
  if (filter & (VISITS_OUTPUT | VISITS_POSTROUTING)) return filter & VISITS_OUTPUT ? Node.LocalOut : Node.Postrouting;
  return isTooLong ? Node.Ip6Fragment : Node.NeighbourOutput;
}

/** Whether an answer goes out of a device because the address means something there alone; `route` may be null. */
function isOnLink(device: Device, route: Route, destination: u32): bool {
  if (device == noDevice || !(isGroup6(destination) || isLinkLocal6(destination))) return false;
  return changetype<usize>(route) == 0 || route.type != RouteType.Local;
}

/** False: there is none. */
function chooseSource(packet: Packet, stack: Namespace, route: Route, device: Device): bool {
  const notes = notesOf(packet);
  const source = chooseSource6(stack, route, notes.destination, device);
  if (source == UNSPECIFIED) return false;
  notes.source = source;
  v128.store(addressAt6(packet.network, true), v128.load(bytesOf6(source)));
  return true;
}

function writeChecksum(packet: Packet): void {
  const ip = packet.network;
  const transport = transportIn(packet);
  const bytes = transportBytes(packet);
  const protocol = notesOf(packet).protocol;
  if (protocol == PROTOCOL_UDP) writeUdpChecksum(ip, transport);
  else if (protocol == PROTOCOL_TCP) writeTcpChecksum(ip, transport, bytes);
  else writeIcmp6Checksum(ip, transport, bytes);
}

function tooLong(packet: Packet): Node {
  if (packet.fromSource != 0) socketError(flowAt(packet.flow), FlowError.MessageTooLong, packet.sequence);
  return drop(packet, Drop.PktTooBig, Node.Ip6Output);
}

function unroutable(packet: Packet, reason: Drop, error: FlowError): Node {
  if (packet.fromSource != 0) socketError(flowAt(packet.flow), error, packet.sequence);
  else if (notesOf(packet).protocol == PROTOCOL_TCP) failConnecting(packet, error);
  return drop(packet, reason, Node.Ip6Output);
}
