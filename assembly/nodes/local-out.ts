/** NF_INET_LOCAL_OUT: what was made here; a new destination has its own way (ip_route_me_harder). */
import { FlowError } from "../abi/counter";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DEVICE_ROUTE_LOCALNET, DeviceKind, RouteType } from "../abi/program";
import { drop } from "../graph/drop";
import { destinationIn, isFragment, isIpv6 } from "../memory/network";
import { CROSSING, DontFragment, noteWayMtu, Packet } from "../memory/pool";
import { passOutput, passOutputFilter } from "../netfilter/hooks";
import { balanceReply } from "../netfilter/ipvs";
import { choosePolicy, receiverOf } from "../xfrm/look-up";
import { Device, isNull } from "../tables/device";
import { hasRoute, lookup } from "../tables/fib";
import { Namespace, namespaceAt, stackOf } from "../tables/namespace";
import { pathMtu } from "../tables/path-mtu";
import { BALANCES, TRACKS, VISITS_POSTROUTING } from "../tables/ruleset";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { fragmentWord, IP_DF, isLoopback, sourceOf } from "../wire/ipv4";
import { endCrossing } from "./crossing";
import { leaveFilter, refuse } from "./postrouting";
import { reassembleFor } from "./reassemble";

export function localOut(packet: Packet): Node {
  // What was made here is no fragment.
  if (packet.dontFragment & CROSSING && isFragment(packet) && stackOf(namespaceAt(packet.namespace), isIpv6(packet)).filter & TRACKS) {
    reassembleFor(Node.LocalOut);
    return Node.Reassemble;
  }
  return filterOutput(packet);
}

/** The tables. */
export function filterOutput(packet: Packet): Node {
  const namespace = stackOf(namespaceAt(packet.namespace), isIpv6(packet));
  const before = destinationIn(packet);
  const receiver = MANY_HOSTS && namespace.hasPolicies ? receiverOf(packet) : 0;
  const reason = passOutput(packet, namespace, packet.out);
  if (reason != Drop.None) return refuse(packet, reason, FlowError.NotPermitted, Node.LocalOut);
  const destination = destinationIn(packet);
  if (destination != before) {
    const failure = reroute(packet, namespace, destination);
    if (failure != Drop.None) return refuse(packet, failure, errorOf(failure), Node.LocalOut);
  }
  if (MANY_HOSTS && namespace.hasPolicies && receiverOf(packet) != receiver) choosePolicy(packet, namespace);
  if (MANY_HOSTS != 0 && namespace.filter & BALANCES && !balanceReply(packet, namespace)) return drop(packet, Drop.IcmpCsum, Node.Ipvs);
  const verdict = passOutputFilter(packet, namespace);
  if (verdict != Drop.None) return refuse(packet, verdict, FlowError.NotPermitted, Node.LocalOut);
  if (namespace.filter & VISITS_POSTROUTING) return Node.Postrouting;
  return packet.dontFragment & CROSSING ? endCrossing(packet, Node.LocalOut) : leaveFilter(packet);
}

/** What the sender would see at IpOutput. */
function errorOf(reason: Drop): FlowError {
  if (reason == Drop.IpOutNoRoutes) return FlowError.NetworkUnreachable;
  return reason == Drop.PktTooBig ? FlowError.MessageTooLong : FlowError.HostUnreachable;
}

/** Why there is no way to the new destination, or None. */
export function reroute(packet: Packet, namespace: Namespace, destination: u32): Drop {
  const decision = lookup(namespace, destination);
  if (!hasRoute(decision)) return Drop.IpOutNoRoutes;
  const route = decision.route;
  if (route.type > RouteType.Broadcast) return Drop.RouteUnreachable;
  const device = route.type == RouteType.Local ? namespace.loopback : route.device;
  if (isNull(device) || !(namespace.isIpv6 || mayCarry(device, sourceOf(packet.network)))) return Drop.IpOutNoRoutes;
  packet.device = device;
  packet.out = device;
  packet.next = route.gateway != 0 ? route.gateway : destination;
  packet.routeType = <u8>route.type;
  const mtu = pathMtu(namespace, destination, device.mtu);
  if (packet.dontFragment & CROSSING) {
    noteWayMtu(packet, mtu);
    return Drop.None;
  }
  const isTooLong = packet.length - ETHERNET_HEADER > mtu;
  packet.mtu = isTooLong ? mtu : 0;
  if (MANY_HOSTS && namespace.hasPolicies && packet.received == 0) noteWayMtu(packet, mtu);
  return isTooLong && mayNotBeCut(packet) ? Drop.PktTooBig : Drop.None;
}

@inline function mayNotBeCut(packet: Packet): bool {
  return isIpv6(packet) ? packet.dontFragment == DontFragment.Always : (fragmentWord(packet.network) & IP_DF) != 0;
}

/** Addresses of 127/8 stay inside, unless the device is told otherwise. */
function mayCarry(device: Device, source: u32): bool {
  return !isLoopback(source) || device.kind == DeviceKind.Loopback || (device.flags & DEVICE_ROUTE_LOCALNET) != 0;
}
