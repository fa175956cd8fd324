/**
 * ip_forward: the TTL, then the MTU of the way out. Learned path MTUs are not consulted (ip_forward_use_pmtu 0).
 *
 * Differs from Linux: no redirects.
 */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { RouteType } from "../abi/program";
import { ICMP_FRAGMENTATION_NEEDED, ICMP_TIME_EXCEEDED, ICMP_TTL_EXCEEDED, ICMP_UNREACHABLE } from "../abi/protocol";
import { drop } from "../graph/drop";
import { Packet } from "../memory/pool";
import { DEFRAGMENTED } from "../netfilter/state";
import { lookup } from "../tables/fib";
import { VISITS_FORWARD, VISITS_POSTROUTING } from "../tables/ruleset";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { decreaseTtl, destinationOf, fragmentWord, IP_DF, IP_TTL } from "../wire/ipv4";
import { icmpError } from "./icmp-error";

@inline export function ipForward(packet: Packet): Node {
  const ip = packet.network;
  const destination = destinationOf(ip);
  const route = lookup(packet.device.namespace, destination).route;
  if (load<u8>(ip, IP_TTL) <= 1) {
    icmpError(packet, ICMP_TIME_EXCEEDED, ICMP_TTL_EXCEEDED, 0);
    return drop(packet, Drop.IpTtlExceeded, Node.IpForward);
  }
  const device = route.device;
  // What was put together at Prerouting is cut again as it was.
  const isWhole = (packet.filter & DEFRAGMENTED) != 0;
  const isTooLong = packet.length - ETHERNET_HEADER > device.mtu;
  if (isTooLong && !isWhole && (fragmentWord(ip) & IP_DF) != 0) {
    icmpError(packet, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, device.mtu);
    return drop(packet, Drop.PktTooBig, Node.IpForward);
  }
  decreaseTtl(ip);
  packet.out = device;
  packet.next = route.gateway != 0 ? route.gateway : destination;
  packet.routeType = <u8>RouteType.Unicast;
  packet.mtu = isWhole ? min(packet.mtu, device.mtu) : isTooLong ? device.mtu : 0;
  const filter = packet.device.namespace.filter;
  if (filter & (VISITS_FORWARD | VISITS_POSTROUTING)) return filter & VISITS_FORWARD ? Node.Forward : Node.Postrouting;
  return packet.mtu == 0 ? Node.NeighbourOutput : Node.IpFragment;
}
