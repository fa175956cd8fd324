/** icmp_rcv: echo requests are answered, replies find the ping that waits for them, errors reach the process that caused them. */
import { FLOW_COUNTER_ERROR, FLOW_COUNTER_REPLY_TTL, FlowError } from "../abi/counter";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { FlowKind, SocketRole } from "../abi/program";
import {
  ICMP6_ECHO_REPLY,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_HOST_UNREACHABLE,
  ICMP_NET_UNREACHABLE,
  ICMP_PORT_UNREACHABLE,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  PROTOCOL_ICMP,
  PROTOCOL_ICMP6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  ICMP_NET_PROHIBITED,
  ICMP_HOST_PROHIBITED,
  ICMP_ADMINISTRATIVELY_PROHIBITED,
} from "../abi/protocol";
import { NONE } from "../abi/version";
import { drop, dropUnmade } from "../graph/drop";
import { append, consume } from "../graph/walk";
import { destinationIn, headerBytes, isIpv6, sourceIn, stackOfPacket, writeNetwork } from "../memory/network";
import { DontFragment, Packet, PacketType, takeDatagram } from "../memory/pool";
import { askNext } from "../processes/forward";
import { visit } from "../simulation/cpu";
import { accountAnswered, accountReceived, delivered, noteError, noteErrorBy, see, socketError } from "../tables/counters";
import { isGroup6, UNSPECIFIED } from "../tables/address6";
import { flowAt } from "../tables/flow";
import { Namespace } from "../tables/namespace";
import { learnPathMtu } from "../tables/path-mtu";
import { findSession, hasSessions, isNoSession, SessionKind } from "../tables/session";
import { findSocket, isNoSocket } from "../tables/socket";
import { tcpError } from "../tcp/error";
import { copyBytes, load16 } from "../wire/bytes";
import { isValid, sumWords } from "../wire/checksum";
import { ICMP_HEADER, ICMP_INFO, icmpIdentifier, writeIcmpChecksum } from "../wire/icmp";
import { destinationOf, headerLength, IP_TTL, IPV4_HEADER, protocolOf, sourceOf, totalLength } from "../wire/ipv4";
import { IP6_HOP_LIMIT } from "../wire/ipv6";
import { destinationPort, sourcePort } from "../wire/udp";

export function icmpInput(packet: Packet): Node {
  const ip = packet.network;
  const header = headerLength(ip);
  const icmp = ip + header;
  const bytes = totalLength(ip) - header;
  if (bytes < ICMP_HEADER) return drop(packet, Drop.HdrTrunc, Node.IcmpInput);
  if (!isValid(sumWords(icmp, bytes))) return drop(packet, Drop.IcmpCsum, Node.IcmpInput);
  const type = <u32>load<u8>(icmp);
  if (type == ICMP_ECHO_REQUEST) return echoRequest(packet, icmp, bytes, Node.IcmpInput);
  if (type == ICMP_ECHO_REPLY) return echoReply(packet, icmp, bytes, Node.IcmpInput);
  if (type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED) return errorMessage(packet, icmp, bytes);
  return drop(packet, Drop.UnhandledProto, Node.IcmpInput);
}

/** icmp_echo and icmpv6_echo_reply; broadcasts of IPv4 are ignored (icmp_echo_ignore_broadcasts 1). */
export function echoRequest(packet: Packet, icmp: usize, bytes: u32, node: Node): Node {
  const stack = stackOfPacket(packet);
  const isSix = stack.isIpv6;
  if (packet.type != PacketType.Host && !isSix) return consume(packet);
  const total = headerBytes(stack) + bytes;
  const reply = takeDatagram(total);
  const asked = destinationIn(packet);
  if (changetype<usize>(reply) == 0) {
    dropUnmade(Drop.NoMemory, node, packet.device, packet.flow, packet.sequence);
  } else {
    reply.flow = packet.flow;
    reply.sequence = packet.sequence;
    reply.bornAt = packet.bornAt;
    reply.trace = packet.trace;
    reply.response = 1;
    reply.dontFragment = <u8>DontFragment.Never;
    const source = isSix && isGroup6(asked) ? UNSPECIFIED : asked;
    writeNetwork(reply, stack, total, stack.ttl, isSix ? PROTOCOL_ICMP6 : PROTOCOL_ICMP, source, sourceIn(packet));
    const answer = reply.network + headerBytes(stack);
    copyBytes(answer, icmp, bytes);
    store<u8>(answer, isSix ? ICMP6_ECHO_REPLY : ICMP_ECHO_REPLY);
    if (isSix) reply.out = packet.device;
    else writeIcmpChecksum(answer, bytes);
    append(reply, isSix ? Node.Ip6Output : Node.IpOutput, node);
  }
  delivered++;
  if (packet.flow != NONE && packet.response == 0 && flowAt(packet.flow).kind == FlowKind.Ping) {
    accountReceived(packet, bytes - ICMP_HEADER, node);
    see(flowAt(packet.flow), stack, sourceIn(packet), 0, asked, 0);
  }
  return consume(packet);
}

/** ping_rcv. */
export function echoReply(packet: Packet, icmp: usize, bytes: u32, node: Node): Node {
  if (isPing(packet, icmpIdentifier(icmp))) {
    const ttl = load<u8>(packet.network + (isIpv6(packet) ? IP6_HOP_LIMIT : IP_TTL));
    store<u32>(flowAt(packet.flow).counters, ttl, FLOW_COUNTER_REPLY_TTL);
    accountAnswered(packet, bytes - ICMP_HEADER, node);
  }
  return consume(packet);
}

/** Whether the packet belongs to a ping of this stack with that identifier. */
function isPing(packet: Packet, identifier: u32): bool {
  if (packet.flow == NONE) return false;
  const flow = flowAt(packet.flow);
  return flow.kind == FlowKind.Ping && flow.namespace == stackOfPacket(packet) && flow.sourcePort == identifier;
}

/** icmp_unreach, icmp_socket_deliver. */
function errorMessage(packet: Packet, icmp: usize, bytes: u32): Node {
  const inner = icmp + ICMP_HEADER;
  const available = bytes - ICMP_HEADER;
  if (available < IPV4_HEADER + 8 || load<u8>(inner) >> 4 != 4) return drop(packet, Drop.HdrTrunc, Node.IcmpInput);
  const header = headerLength(inner);
  if (header < IPV4_HEADER || available < header + 8) return drop(packet, Drop.HdrTrunc, Node.IcmpInput);
  const namespace = packet.device.namespace;
  const isTooBig = load<u8>(icmp) == ICMP_UNREACHABLE && load<u8>(icmp, 1) == ICMP_FRAGMENTATION_NEEDED;
  if (isTooBig) learnPathMtu(namespace, destinationOf(inner), load16(icmp + ICMP_INFO));
  const error = errorOf(icmp);
  const protocol = protocolOf(inner);
  const transport = inner + header;
  if (protocol == PROTOCOL_UDP) udpError(packet, namespace, sourceOf(inner), destinationOf(inner), transport, error, isHard(icmp));
  else if (protocol == PROTOCOL_ICMP) echoError(packet, transport, ICMP_ECHO_REQUEST, error);
  else if (protocol == PROTOCOL_TCP) tcpError(namespace, sourceOf(inner), destinationOf(inner), transport, error, sourceOf(packet.network));
  return consume(packet);
}

/** icmp_err_convert; the codes beyond the first five in the order of RFC 792 and RFC 1812 §5.2.7.1. */
function errorOf(icmp: usize): FlowError {
  if (load<u8>(icmp) != ICMP_UNREACHABLE) return FlowError.ProtocolError;
  switch (<i32>load<u8>(icmp, 1)) {
    case ICMP_NET_UNREACHABLE:
    case 6:
    case ICMP_NET_PROHIBITED:
    case 11:
      return FlowError.NetworkUnreachable;
    case ICMP_HOST_UNREACHABLE:
    case 7:
    case 8:
    case ICMP_HOST_PROHIBITED:
    case 12:
    case ICMP_ADMINISTRATIVELY_PROHIBITED:
    case 14:
    case 15:
      return FlowError.HostUnreachable;
    case ICMP_PORT_UNREACHABLE:
      return FlowError.ConnectionRefused;
    case ICMP_FRAGMENTATION_NEEDED:
      return FlowError.MessageTooLong;
    default:
      return FlowError.ProtocolError;
  }
}

/** icmp_err_convert: what is fatal. A route may come back, a filter stays. */
function isHard(icmp: usize): bool {
  const code = <i32>load<u8>(icmp, 1);
  return load<u8>(icmp) == ICMP_UNREACHABLE && code > ICMP_HOST_UNREACHABLE && code != 5 && code != 11 && code != 12;
}

/** About a datagram between two addresses. */
export function udpError(packet: Packet, namespace: Namespace, source: u32, destination: u32, udp: usize, error: FlowError, hard: bool): void {
  const socket = findSocket(namespace, PROTOCOL_UDP, source, sourcePort(udp));
  if (!isNoSocket(socket) && socket.role == SocketRole.Client && socket.flow != NONE) {
    const flow = flowAt(socket.flow);
    if (flow.destination == destination && flow.destinationPort == destinationPort(udp)) {
      report(packet, socket.flow, error, hard);
      return;
    }
  }
  if (hard && error != FlowError.MessageTooLong && hasSessions()) sessionError(packet, namespace, destination, udp);
}

/** A resolver's query came back: the next server is asked. A proxy takes no notice. */
function sessionError(packet: Packet, namespace: Namespace, destination: u32, udp: usize): void {
  const session = findSession(namespace, sourcePort(udp), destination, destinationPort(udp));
  if (isNoSession(session) || session.kind != SessionKind.Forward) return;
  visit(Node.ApplicationWake);
  askNext(session, packet.device, Node.ApplicationWake);
}

/** About an echo request of the given type. */
export function echoError(packet: Packet, icmp: usize, type: u32, error: FlowError): void {
  if (<u32>load<u8>(icmp) == type && isPing(packet, icmpIdentifier(icmp))) report(packet, packet.flow, error, true);
}

/** A datagram that may be fragmented does not fail for its length: the next one will be. What is not `hard` the socket is not told (udp_err). */
function report(packet: Packet, flowIndex: u32, error: FlowError, hard: bool): void {
  const flow = flowAt(flowIndex);
  if (error == FlowError.MessageTooLong && !flow.dontFragment) return;
  noteErrorBy(flow, stackOfPacket(packet), sourceIn(packet));
  if (!hard) {
    store<i32>(flow.counters, error, FLOW_COUNTER_ERROR);
    return;
  }
  // Whose request it was, only a packet of the flow can tell.
  if (packet.flow == flowIndex) socketError(flow, error, packet.sequence);
  else noteError(flow, error);
}
