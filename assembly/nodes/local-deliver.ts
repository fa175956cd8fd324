/** ip_local_deliver and ip_protocol_deliver_rcu: fragments are collected, the rest goes to its protocol. */
import { DEVICE_COUNTER_RX_BYTES, DEVICE_COUNTER_RX_PACKETS } from "../abi/counter";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
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
} from "../abi/protocol";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { isFragment, isIpv6, protocolIn, stackOfPacket, totalIn, transportBytes, transportIn } from "../memory/network";
import { FOR_HOLDER, notesOf, Packet } from "../memory/pool";
import { VISITS_INPUT } from "../tables/ruleset";
import { isVxlanPort } from "../tables/vxlan";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { destinationPort, UDP_HEADER } from "../wire/udp";
import { icmpError } from "./icmp-error";
import { icmp6Error } from "./icmp6-error";
import { reassembleFor } from "./reassemble";

@inline export function localDeliver(packet: Packet): Node {
  if (isFragment(packet)) {
    reassembleFor(Node.LocalDeliver);
    return Node.Reassemble;
  }
  return admit(packet, Node.LocalDeliver);
}

/** A whole datagram: LocalIn if it is visited, else its protocol at once. */
@inline export function admit(packet: Packet, inProgress: Node): Node {
  return stackOfPacket(packet).filter & VISITS_INPUT ? Node.LocalIn : deliverToProtocol(packet, inProgress);
}

/** The handler of the packet's protocol, or none: that is an error. */
@inline export function deliverToProtocol(packet: Packet, inProgress: Node): Node {
  if (packet.received & FOR_HOLDER) handIn(packet);
  const protocol = protocolIn(packet);
  if (protocol == PROTOCOL_UDP) return MANY_HOSTS && stackOfPacket(packet).carries && isForTunnel(packet) ? Node.VxlanInput : Node.UdpInput;
  if (protocol == PROTOCOL_TCP) return Node.TcpInput;
  if (isIpv6(packet)) return deliver6(packet, protocol, inProgress);
  if (protocol == PROTOCOL_ICMP) return Node.IcmpInput;
  if (MANY_HOSTS && protocol == PROTOCOL_ESP && packet.device.namespace.knowsEsp) return Node.EspInput;
  return unknownProtocol(packet, inProgress);
}

/** ipvlan_nf_input: the device on top, and its namespace, have it from here on. */
function handIn(packet: Packet): void {
  const holder = packet.out;
  packet.received &= ~FOR_HOLDER;
  packet.device = holder;
  const counters = holder.counters;
  store<f64>(counters, load<f64>(counters, DEVICE_COUNTER_RX_PACKETS) + 1, DEVICE_COUNTER_RX_PACKETS);
  store<f64>(counters, load<f64>(counters, DEVICE_COUNTER_RX_BYTES) + <f64>(totalIn(packet) + ETHERNET_HEADER), DEVICE_COUNTER_RX_BYTES);
}

function isForTunnel(packet: Packet): bool {
  return transportBytes(packet) >= UDP_HEADER && isVxlanPort(packet.device.namespace, destinationPort(transportIn(packet)));
}

/** The pointer of the error says which byte names the protocol. */
function deliver6(packet: Packet, protocol: u32, inProgress: Node): Node {
  if (protocol == PROTOCOL_ICMP6) return Node.Icmp6Input;
  if (protocol == NEXT_NONE) return consume(packet);
  icmp6Error(packet, ICMP6_PARAMETER_PROBLEM, ICMP6_UNKNOWN_NEXT_HEADER, notesOf(packet).nextAt);
  return drop(packet, Drop.IpNoProto, inProgress);
}

function unknownProtocol(packet: Packet, inProgress: Node): Node {
  icmpError(packet, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, 0);
  return drop(packet, Drop.IpNoProto, inProgress);
}
