import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import {
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_UNKNOWN_NEXT_HEADER,
  ICMP_PROTOCOL_UNREACHABLE,
  ICMP_UNREACHABLE,
  NEXT_NONE,
  PROTOCOL_ESP,
  PROTOCOL_ICMP,
  PROTOCOL_ICMP6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import { walkHeaders } from "../ipv6/headers";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { isFragment } from "../wire/ip";
import { protocol } from "../wire/ipv4";
import { icmpError } from "./icmp-error";
import { icmp6Error } from "./icmp6-error";
import { isForVxlan } from "./vxlan-input";

/** ip_local_deliver: fragments are put together first, the rest goes to its protocol. */
export function localDeliver(kernel: Kernel, packet: Packet): Node {
  return isFragment(kernel.memory.bytes, packet) ? Node.Reassemble : deliver(kernel, packet, Node.LocalDeliver);
}

/** What is whole goes by LocalIn, if the namespace has it, to its protocol. */
export function deliver(kernel: Kernel, packet: Packet, node: Node): Node {
  const filter = packet.device === null ? null : packet.device.namespace.filterFor(packet);
  return filter?.visits(Hook.Input) === true ? Node.LocalIn : deliverToProtocol(kernel, packet, node);
}

/** ip_protocol_deliver_rcu, on behalf of the node that has the whole datagram. */
export function deliverToProtocol(kernel: Kernel, packet: Packet, node: Node): Node {
  if (packet.inner !== null) handIn(packet, packet.inner);
  if (packet.isIpv6) return deliver6(kernel, packet, node);
  switch (protocol(kernel.memory.bytes, packet.network)) {
    case PROTOCOL_ICMP:
      return Node.IcmpInput;
    case PROTOCOL_UDP:
      return packet.device !== null && isForVxlan(kernel, packet, packet.device.namespace) ? Node.VxlanInput : Node.UdpInput;
    case PROTOCOL_TCP:
      return Node.TcpInput;
    case PROTOCOL_ESP:
      return packet.device?.namespace.xfrm?.knowsEsp === true ? Node.EspInput : refuse(kernel, packet, node);
    default:
      return refuse(kernel, packet, node);
  }
}

/** ipvlan_nf_input: from here on it is a packet of the namespace that it is for. */
function handIn(packet: Packet, inner: Device): void {
  packet.inner = null;
  packet.device = inner;
  inner.rxPackets++;
  inner.rxBytes += ETHERNET_HEADER + packet.datagramLength;
}

/** Nobody handles the protocol. */
function refuse(kernel: Kernel, packet: Packet, node: Node): Node {
  icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, 0);
  return drop(kernel, packet, Drop.IpNoProto, node);
}

/** ip6_protocol_deliver_rcu. */
function deliver6(kernel: Kernel, packet: Packet, node: Node): Node {
  switch (packet.protocol6) {
    case PROTOCOL_ICMP6:
      return Node.Icmp6Input;
    case PROTOCOL_UDP:
      return Node.UdpInput;
    case PROTOCOL_TCP:
      return Node.TcpInput;
    case NEXT_NONE:
      kernel.pool.release(packet);
      return Node.Done;
    default: {
      const { network, datagramLength } = packet;
      const headers = walkHeaders(kernel.memory.bytes, network, network + datagramLength);
      const pointer = headers === null ? 0 : headers.named - network;
      icmp6Error(kernel, packet, ICMP6_PARAMETER_PROBLEM, ICMP6_UNKNOWN_NEXT_HEADER, pointer);
      return drop(kernel, packet, Drop.IpNoProto, node);
    }
  }
}
