import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import {
  ICMP6_BEYOND_SCOPE,
  ICMP6_HOP_LIMIT_EXCEEDED,
  ICMP6_PACKET_TOO_BIG,
  ICMP6_TIME_EXCEEDED,
  ICMP6_UNREACHABLE,
} from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import { isLinkLocal6 } from "../ipv6/scope";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { hopLimit, setHopLimit } from "../wire/ipv6";
import { icmp6Error } from "./icmp6-error";
import { finishOutput } from "./ip-output";

/** ip6_forward to `packet.target`: hop limit, scope, the MTU of the way out; routers cut nothing into pieces. */
export function ip6Forward(kernel: Kernel, packet: Packet): Node {
  const device = packet.target;
  const { bytes } = kernel.memory;
  const hops = hopLimit(bytes, packet.network);
  if (device === null) return drop(kernel, packet, Drop.IpInNoRoutes, Node.Ip6Forward);
  if (hops <= 1) {
    icmp6Error(kernel, packet, ICMP6_TIME_EXCEEDED, ICMP6_HOP_LIMIT_EXCEEDED, 0);
    return drop(kernel, packet, Drop.IpTtlExceeded, Node.Ip6Forward);
  }
  if (isLinkLocal6(kernel.addresses, packet.source6)) {
    icmp6Error(kernel, packet, ICMP6_UNREACHABLE, ICMP6_BEYOND_SCOPE, 0);
    return drop(kernel, packet, Drop.IpInAddrErrors, Node.Ip6Forward);
  }
  // What was put together of fragments goes on in fragments.
  const longest = packet.fragmentMax > 0 ? packet.fragmentMax : packet.datagramLength;
  if (longest > device.mtu) {
    icmp6Error(kernel, packet, ICMP6_PACKET_TOO_BIG, 0, device.mtu);
    return drop(kernel, packet, Drop.PktTooBig, Node.Ip6Forward);
  }
  setHopLimit(bytes, packet.network, hops - 1);
  packet.mtu = device.mtu;
  const { filter6 } = device.namespace;
  if (filter6?.visits(Hook.Forward) === true) return Node.Forward;
  return filter6?.visits(Hook.Postrouting) === true ? Node.Postrouting : finishOutput(kernel, packet);
}
