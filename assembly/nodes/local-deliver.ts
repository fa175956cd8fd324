/** ip_local_deliver and ip_protocol_deliver_rcu: fragments are collected, the rest goes to its protocol. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { ICMP_PROTOCOL_UNREACHABLE, ICMP_UNREACHABLE, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { drop } from "../graph/drop";
import { Packet } from "../memory/pool";
import { VISITS_INPUT } from "../tables/ruleset";
import { fragmentWord, IP_MF, IP_OFFSET_MASK, protocolOf } from "../wire/ipv4";
import { icmpError } from "./icmp-error";
import { reassembleFor } from "./reassemble";

export function localDeliver(packet: Packet): Node {
  if (fragmentWord(packet.network) & (IP_MF | IP_OFFSET_MASK)) {
    reassembleFor(Node.LocalDeliver);
    return Node.Reassemble;
  }
  return admit(packet, Node.LocalDeliver);
}

/** A whole datagram: LocalIn if it is visited, else its protocol at once. */
@inline export function admit(packet: Packet, inProgress: Node): Node {
  return packet.device.namespace.filter & VISITS_INPUT ? Node.LocalIn : deliverToProtocol(packet, inProgress);
}

/** The handler of the packet's protocol, or none: that is an error. */
@inline export function deliverToProtocol(packet: Packet, inProgress: Node): Node {
  const protocol = protocolOf(packet.network);
  if (protocol == PROTOCOL_UDP) return Node.UdpInput;
  if (protocol == PROTOCOL_TCP) return Node.TcpInput;
  if (protocol == PROTOCOL_ICMP) return Node.IcmpInput;
  return unknownProtocol(packet, inProgress);
}

function unknownProtocol(packet: Packet, inProgress: Node): Node {
  icmpError(packet, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, 0);
  return drop(packet, Drop.IpNoProto, inProgress);
}
