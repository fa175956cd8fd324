/** udp_rcv and __udp4_lib_lookup: length, checksum, socket; then what its process does with datagrams. */
import { Drop } from "../abi/drop";
import { SOCKET_QUEUE_MAX } from "../abi/limits";
import { Node } from "../abi/node";
import { FlowKind, RouteType, SocketRole } from "../abi/program";
import { ICMP6_PORT_UNREACHABLE, ICMP6_UNREACHABLE, ICMP_PORT_UNREACHABLE, ICMP_UNREACHABLE, PROTOCOL_UDP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { destinationIn, isIpv6, keepHeaders, sourceIn, stackOfPacket, transportBytes, transportIn } from "../memory/network";
import { frameOf, Packet, PacketType } from "../memory/pool";
import { clock } from "../simulation/clock";
import { copyCost } from "../simulation/cpu";
import { Event, pushEvent } from "../simulation/event-queue";
import { accountAnswered, accountReceived, delivered } from "../tables/counters";
import { isGroup6 } from "../tables/address6";
import { hasRoute, lookup } from "../tables/fib";
import { Flow, flowAt, flowCount, keepReply } from "../tables/flow";
import { findSession, hasSessions, isNoSession } from "../tables/session";
import { findSocket, isNoSocket, Socket } from "../tables/socket";
import { load16 } from "../wire/bytes";
import { isValid, sumPseudoHeader, sumWords } from "../wire/checksum";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { IP_BROADCAST, isMulticast } from "../wire/ipv4";
import { destinationPort, sourcePort, UDP_CHECKSUM, UDP_HEADER, UDP_LENGTH } from "../wire/udp";
import { icmpError } from "./icmp-error";
import { icmp6Error } from "./icmp6-error";

export function udpInput(packet: Packet): Node {
  const ip = packet.network;
  const udp = transportIn(packet);
  const part = transportBytes(packet);
  if (part < UDP_HEADER) return drop(packet, Drop.HdrTrunc, Node.UdpInput);
  const length = load16(udp + UDP_LENGTH);
  if (length < UDP_HEADER || length > part) return drop(packet, Drop.PktTooSmall, Node.UdpInput);
  if (load<u16>(udp, UDP_CHECKSUM) == 0 ? isIpv6(packet) : !isValid(sumPseudoHeader(ip, PROTOCOL_UDP, length) + sumWords(udp, length))) {
    return drop(packet, Drop.UdpCsum, Node.UdpInput);
  }
  const socket = findSocket(stackOfPacket(packet), PROTOCOL_UDP, destinationIn(packet), destinationPort(udp));
  if (isNoSocket(socket) || (socket.role == SocketRole.Client && !isConnected(socket, packet, udp))) return hasSessions() ? serveSession(packet, udp) : refuse(packet);
  const bytes = length - UDP_HEADER;
  const isSink = socket.role == SocketRole.Sink || (MANY_HOSTS && isTold(packet, socket));
  if (!isSink && socket.role != SocketRole.Client) return wait(packet, socket, bytes);
  copyCost(bytes);
  delivered++;
  if (packet.flow != NONE) {
    if (isSink) {
      if (packet.response == 0) accountReceived(packet, bytes, Node.UdpInput);
    } else if (packet.flow == socket.flow && packet.response == 1) {
      const flow = flowAt(packet.flow);
      if (flow.kind == FlowKind.Query) keepReply(flow, udp + UDP_HEADER, bytes);
      accountAnswered(packet, bytes, Node.UdpInput);
    }
  }
  return consume(packet);
}

/** What a flow says word for word and no answer is wanted to: a Responder just takes it. */
function isTold(packet: Packet, socket: Socket): bool {
  if (socket.role != SocketRole.Responder || packet.flow == NONE || packet.response != 0) return false;
  const flow = flowAt(packet.flow);
  return flow.kind == FlowKind.Constant && flow.message != NONE;
}

/** Whether a client's socket hears the sender: its server, or anybody if it sends to many. */
@inline function isConnected(socket: Socket, packet: Packet, udp: usize): bool {
  if (socket.flow == NONE) return true;
  const flow = flowAt(socket.flow);
  return (flow.destination == sourceIn(packet) && flow.destinationPort == sourcePort(udp)) || isKnownToMany(socket, flow);
}

function isKnownToMany(socket: Socket, flow: Flow): bool {
  if (socket.flow >= flowCount) return true;
  const destination = flow.destination;
  if (flow.namespace.isIpv6) return isGroup6(destination);
  if (isMulticast(destination) || destination == IP_BROADCAST) return true;
  const decision = lookup(socket.namespace, destination);
  return hasRoute(decision) && decision.route.type == RouteType.Broadcast;
}

/** The datagram may be for a socket that a process has opened towards its sender. */
function serveSession(packet: Packet, udp: usize): Node {
  const session = findSession(stackOfPacket(packet), destinationPort(udp), sourceIn(packet), sourcePort(udp));
  if (isNoSession(session)) return refuse(packet);
  delivered++;
  if (packet.network != frameOf(packet) + ETHERNET_HEADER) keepHeaders(packet, UDP_HEADER);
  pushEvent(clock, Event.SessionWake, <u32>changetype<usize>(session), <u32>changetype<usize>(packet));
  return Node.Done;
}

function refuse(packet: Packet): Node {
  if (packet.type == PacketType.Host) {
    if (isIpv6(packet)) icmp6Error(packet, ICMP6_UNREACHABLE, ICMP6_PORT_UNREACHABLE, 0);
    else icmpError(packet, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
  }
  return drop(packet, Drop.NoSocket, Node.UdpInput);
}

/** The datagram is in the socket's queue until the process wakes. */
function wait(packet: Packet, socket: Socket, bytes: u32): Node {
  if (socket.waiting >= <u32>SOCKET_QUEUE_MAX) return drop(packet, Drop.SocketRcvBuff, Node.UdpInput);
  delivered++;
  // The others say so when they know that it was meant for them.
  const isResponder = socket.role == SocketRole.Responder;
  if (isResponder && packet.flow != NONE && packet.response == 0) accountReceived(packet, bytes, Node.UdpInput);
  socket.waiting++;
  if (packet.network != frameOf(packet) + ETHERNET_HEADER) keepHeaders(packet, UDP_HEADER);
  pushEvent(clock, Event.Wake, <u32>changetype<usize>(socket), <u32>changetype<usize>(packet));
  return Node.Done;
}
