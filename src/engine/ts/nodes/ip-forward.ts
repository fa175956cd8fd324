import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { ICMP_FRAGMENTATION_NEEDED, ICMP_TIME_EXCEEDED, ICMP_TTL_EXCEEDED, ICMP_UNREACHABLE } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { DONT_FRAGMENT, fragmentField, headerLength, setTtl, ttl, updateChecksum } from "../wire/ipv4";
import { icmpError } from "./icmp-error";
import { finishOutput } from "./ip-output";

/**
 * ip_forward to `packet.target`: TTL, then the MTU of the way out, then on to the neighbour. A router consults no learned
 * path MTU (ip_dst_mtu_maybe_forward, ip_forward_use_pmtu 0).
 *
 * Differs from Linux: no ICMP redirects.
 */
export function ipForward(kernel: Kernel, packet: Packet): Node {
  const device = packet.target;
  const { network, datagramLength } = packet;
  const { bytes } = kernel.memory;
  const hops = ttl(bytes, network);
  if (device === null) return drop(kernel, packet, Drop.IpInNoRoutes, Node.IpForward);
  if (hops <= 1) {
    icmpError(kernel, packet, ICMP_TIME_EXCEEDED, ICMP_TTL_EXCEEDED, 0);
    return drop(kernel, packet, Drop.IpTtlExceeded, Node.IpForward);
  }
  const isTooLong = datagramLength > device.mtu;
  if (isTooLong && (fragmentField(bytes, network) & DONT_FRAGMENT) !== 0) {
    icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, device.mtu);
    return drop(kernel, packet, Drop.PktTooBig, Node.IpForward);
  }
  setTtl(bytes, network, hops - 1);
  updateChecksum(kernel.memory, network, headerLength(bytes, network));
  packet.mtu = device.mtu;
  const { filter } = device.namespace;
  if (filter === null) return finishOutput(kernel, packet);
  if (filter.visits(Hook.Forward)) return Node.Forward;
  return filter.visits(Hook.Postrouting) ? Node.Postrouting : finishOutput(kernel, packet);
}
