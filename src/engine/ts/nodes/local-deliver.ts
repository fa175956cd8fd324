import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { ICMP_PROTOCOL_UNREACHABLE, ICMP_UNREACHABLE, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { fragmentField, MORE_FRAGMENTS, OFFSET_MASK, protocol } from "../wire/ipv4";
import { icmpError } from "./icmp-error";

/** ip_local_deliver: fragments are put together first, the rest goes to its protocol. */
export function localDeliver(kernel: Kernel, packet: Packet): Node {
  const isFragment = (fragmentField(kernel.memory.bytes, packet.network) & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0;
  return isFragment ? Node.Reassemble : deliver(kernel, packet, Node.LocalDeliver);
}

/** What is whole goes by LocalIn, if the namespace has it, to its protocol. */
export function deliver(kernel: Kernel, packet: Packet, node: Node): Node {
  const filter = packet.device === null ? null : packet.device.namespace.filter;
  return filter?.visits(Hook.Input) === true ? Node.LocalIn : deliverToProtocol(kernel, packet, node);
}

/** ip_protocol_deliver_rcu, on behalf of the node that has the whole datagram. */
export function deliverToProtocol(kernel: Kernel, packet: Packet, node: Node): Node {
  switch (protocol(kernel.memory.bytes, packet.network)) {
    case PROTOCOL_ICMP:
      return Node.IcmpInput;
    case PROTOCOL_UDP:
      return Node.UdpInput;
    case PROTOCOL_TCP:
      return Node.TcpInput;
    default:
      icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, 0);
      return drop(kernel, packet, Drop.IpNoProto, node);
  }
}
