/**
 * ip6_forward: the hop limit, the scope of the source, the MTU of the way out; nothing is fragmented here but what was put together here.
 *
 * Differs from Linux: no redirects.
 */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { RouteType } from "../abi/program";
import { ICMP6_BEYOND_SCOPE, ICMP6_HOP_LIMIT_EXCEEDED, ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED, ICMP6_UNREACHABLE } from "../abi/protocol";
import { drop } from "../graph/drop";
import { totalIn } from "../memory/network";
import { emptyFrame, frameOf, notesOf, Packet } from "../memory/pool";
import { DEFRAGMENTED } from "../netfilter/state";
import { isLinkLocal6 } from "../tables/address6";
import { lookup } from "../tables/fib";
import { ipv6Of } from "../tables/namespace";
import { VISITS_FORWARD, VISITS_POSTROUTING } from "../tables/ruleset";
import { copyBytes } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { IP6_HOP_LIMIT } from "../wire/ipv6";
import { icmp6Error } from "./icmp6-error";

export function ip6Forward(packet: Packet): Node {
  const ip = packet.network;
  const notes = notesOf(packet);
  const stack = ipv6Of(packet.device.namespace);
  const hopLimit = <u32>load<u8>(ip, IP6_HOP_LIMIT);
  if (hopLimit <= 1) {
    icmp6Error(packet, ICMP6_TIME_EXCEEDED, ICMP6_HOP_LIMIT_EXCEEDED, 0);
    return drop(packet, Drop.IpTtlExceeded, Node.Ip6Forward);
  }
  if (isLinkLocal6(notes.source)) {
    icmp6Error(packet, ICMP6_UNREACHABLE, ICMP6_BEYOND_SCOPE, 0);
    return drop(packet, Drop.IpInAddrErrors, Node.Ip6Forward);
  }
  const route = lookup(stack, notes.destination).route;
  const device = route.device;
  const total = totalIn(packet);
  const isWhole = (packet.filter & DEFRAGMENTED) != 0;
  if ((isWhole ? packet.mtu : total) > device.mtu) {
    icmp6Error(packet, ICMP6_PACKET_TOO_BIG, 0, device.mtu);
    return drop(packet, Drop.PktTooBig, Node.Ip6Forward);
  }
  store<u8>(ip, <u8>(hopLimit - 1), IP6_HOP_LIMIT);
  packet.out = device;
  packet.next = route.gateway != 0 ? route.gateway : notes.destination;
  packet.routeType = <u8>RouteType.Unicast;
  const mtu = isWhole ? min(packet.mtu, device.mtu) : device.mtu;
  packet.mtu = total > mtu ? mtu : 0;
  const filter = stack.filter;
  if (filter & (VISITS_FORWARD | VISITS_POSTROUTING)) return filter & VISITS_FORWARD ? Node.Forward : Node.Postrouting;
  return leaveStack6(packet);
}

/** Behind the last hook. A datagram that was put together and need not be cut moves from its buffer into the packet's slot. */
export function leaveStack6(packet: Packet): Node {
  if (packet.mtu != 0) return Node.Ip6Fragment;
  const ip = packet.network;
  if (ip != frameOf(packet) + ETHERNET_HEADER) {
    const total = totalIn(packet);
    const to = emptyFrame(packet) + ETHERNET_HEADER;
    copyBytes(to, ip, total);
    packet.network = to;
    packet.length = total + ETHERNET_HEADER;
  }
  return Node.NeighbourOutput;
}
