/**
 * ip_local_out, fib_lookup for it, ip_output: a route, a source if the sender chose none, identification, DF, checksums, and the
 * MTU of the path.
 */
import { FlowError } from "../abi/counter";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { RouteType } from "../abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { drop } from "../graph/drop";
import { DontFragment, HAS_POLICY, noteWayMtu, Packet } from "../memory/pool";
import { choosePolicy } from "../xfrm/look-up";
import { socketError } from "../tables/counters";
import { isNull } from "../tables/device";
import { hasRoute, lookup, sourceFor } from "../tables/fib";
import { flowAt } from "../tables/flow";
import { namespaceAt } from "../tables/namespace";
import { pathMtu } from "../tables/path-mtu";
import { VISITS_OUTPUT, VISITS_POSTROUTING } from "../tables/ruleset";
import { failConnecting } from "../tcp/close";
import { store16, store32 } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { destinationOf, IP_DF, IP_FRAGMENT, IP_ID, IP_SOURCE, IPV4_HEADER, protocolOf, writeChecksum } from "../wire/ipv4";
import { writeTcpChecksum } from "../wire/tcp";
import { writeUdpChecksum } from "../wire/udp";

export function ipOutput(packet: Packet): Node {
  const ip = packet.network;
  const namespace = namespaceAt(packet.namespace);
  const destination = destinationOf(ip);
  const decision = lookup(namespace, destination);
  if (!hasRoute(decision)) return unroutable(packet, Drop.IpOutNoRoutes, FlowError.NetworkUnreachable);
  const route = decision.route;
  const type = route.type;
  if (type > RouteType.Broadcast) return unroutable(packet, Drop.RouteUnreachable, FlowError.HostUnreachable);
  const device = type == RouteType.Local ? namespace.loopback : route.device;
  if (isNull(device)) return unroutable(packet, Drop.IpOutNoRoutes, FlowError.NetworkUnreachable);
  packet.device = device;
  packet.out = device;
  if (load<u32>(ip, IP_SOURCE) == 0) store32(ip + IP_SOURCE, sourceFor(namespace, route, destination));
  store16(ip + IP_ID, namespace.nextId);
  namespace.nextId = (namespace.nextId + 1) & 0xffff;

  const mtu = pathMtu(namespace, destination, device.mtu);
  const total = packet.length - ETHERNET_HEADER;
  const isTooLong = total > mtu;
  const df = packet.dontFragment;
  const setsDf = df == DontFragment.Always || (df == DontFragment.Want && !isTooLong);
  store16(ip + IP_FRAGMENT, setsDf ? IP_DF : 0);
  writeChecksum(ip);
  const protocol = protocolOf(ip);
  if (protocol == PROTOCOL_UDP) writeUdpChecksum(ip, ip + IPV4_HEADER);
  else if (protocol == PROTOCOL_TCP) writeTcpChecksum(ip, ip + IPV4_HEADER, total - IPV4_HEADER);

  packet.next = route.gateway != 0 ? route.gateway : destination;
  packet.routeType = <u8>type;
  if (isTooLong && setsDf) return tooLong(packet);
  packet.mtu = isTooLong ? mtu : 0;
  if (MANY_HOSTS && namespace.hasPolicies) {
    noteWayMtu(packet, mtu);
    choosePolicy(packet, namespace);
  }
  const filter = namespace.filter;
  if (filter & (VISITS_OUTPUT | VISITS_POSTROUTING)) return filter & VISITS_OUTPUT ? Node.LocalOut : Node.Postrouting;
  if (MANY_HOSTS && packet.dontFragment & HAS_POLICY) return Node.EspOutput;
  return isTooLong ? Node.IpFragment : Node.NeighbourOutput;
}

function tooLong(packet: Packet): Node {
  if (packet.fromSource != 0) socketError(flowAt(packet.flow), FlowError.MessageTooLong, packet.sequence);
  return drop(packet, Drop.PktTooBig, Node.IpOutput);
}

function unroutable(packet: Packet, reason: Drop, error: FlowError): Node {
  if (packet.fromSource != 0) socketError(flowAt(packet.flow), error, packet.sequence);
  else if (protocolOf(packet.network) == PROTOCOL_TCP) failConnecting(packet, error);
  return drop(packet, reason, Node.IpOutput);
}
