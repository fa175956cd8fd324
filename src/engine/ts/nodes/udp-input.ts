import { Drop } from "../../../../assembly/abi/drop";
import { SOCKET_QUEUE_MAX } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { FlowKind, RouteType, SocketRole } from "../../../../assembly/abi/program";
import { ICMP6_PORT_UNREACHABLE, ICMP6_UNREACHABLE, ICMP_PORT_UNREACHABLE, ICMP_UNREACHABLE } from "../../../../assembly/abi/protocol";
import { NONE } from "../../../../assembly/abi/version";
import { drop } from "../graph/drop";
import { isGroup6 } from "../ipv6/scope";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import { EventType } from "../simulation/event-queue";
import { accountAnswer, accountMessage } from "../simulation/source";
import type { Flow } from "../tables/flow";
import type { Session } from "../tables/session";
import { findSocket, type Socket } from "../tables/socket";
import { destinationOf, sourceOf, transportOf } from "../wire/ip";
import { destinationPort, hasValidUdpChecksum, sourcePort, UDP_HEADER, udpLength } from "../wire/udp";
import { icmpError } from "./icmp-error";
import { icmp6Error } from "./icmp6-error";

/** udp_rcv: length, checksum, socket, then what the socket's process does. */
export function udpInput(kernel: Kernel, packet: Packet): Node {
  const { memory } = kernel;
  const { network, device } = packet;
  const udp = transportOf(memory.bytes, packet);
  const available = network + packet.datagramLength - udp;
  if (device === null || available < UDP_HEADER) return drop(kernel, packet, Drop.HdrTrunc, Node.UdpInput);
  const length = udpLength(memory.bytes, udp);
  if (length < UDP_HEADER || length > available) return drop(kernel, packet, Drop.PktTooSmall, Node.UdpInput);
  if (!hasValidUdpChecksum(memory, network, udp, length)) return drop(kernel, packet, Drop.UdpCsum, Node.UdpInput);
  const { namespace } = device;
  const sockets = packet.isIpv6 ? namespace.udpSockets6 : namespace.udpSockets;
  const socket = findSocket(sockets, destinationOf(memory.bytes, packet), destinationPort(memory.bytes, udp));
  if (socket === null || isConnectedElsewhere(kernel, socket, packet, udp)) {
    const session = kernel.sessions.isEmpty ? null : findSession(kernel, packet, udp);
    if (session !== null) return queueForSession(kernel, packet, session, length - UDP_HEADER);
    if (packet.type === PacketType.Host) portUnreachable(kernel, packet);
    return drop(kernel, packet, Drop.NoSocket, Node.UdpInput);
  }
  packet.payloadLength = length - UDP_HEADER;
  switch (socket.role) {
    case SocketRole.Sink:
      return sink(kernel, packet);
    case SocketRole.Responder:
      if (wantsNoAnswer(packet)) return sink(kernel, packet);
      packet.askerPort = sourcePort(memory.bytes, udp);
      return queueForProcess(kernel, packet, socket);
    case SocketRole.Proxy:
    case SocketRole.Identity:
    case SocketRole.Resolver:
    case SocketRole.NameServer:
      packet.askerPort = sourcePort(memory.bytes, udp);
      return queueForProcess(kernel, packet, socket);
    case SocketRole.Client:
      return client(kernel, packet, socket);
  }
}

function portUnreachable(kernel: Kernel, packet: Packet): void {
  if (packet.isIpv6) icmp6Error(kernel, packet, ICMP6_UNREACHABLE, ICMP6_PORT_UNREACHABLE, 0);
  else icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
}

/** A client's socket is connected: it hears its server alone, or whoever answers what it sent to many. */
function isConnectedElsewhere(kernel: Kernel, { role, flow, namespace }: Socket, packet: Packet, udp: number): boolean {
  const { bytes } = kernel.memory;
  if (role !== SocketRole.Client || flow === null) return false;
  const { destination, record } = flow;
  if (sourceOf(bytes, packet) === destination && sourcePort(bytes, udp) === record.destinationPort) return false;
  if (packet.isIpv6) return !isGroup6(kernel.addresses, destination);
  const isMulticast = destination >>> 28 === 14 || destination === -1;
  return !isMulticast && namespace.fib.find(destination)?.type !== RouteType.Broadcast;
}

/** A flow that is not of requests, but says something word for word. */
function wantsNoAnswer({ flow, response }: Packet): boolean {
  return flow !== null && !response && flow.record.kind === FlowKind.Constant && (flow.record.message ?? NONE) !== NONE;
}

function sink(kernel: Kernel, packet: Packet): Node {
  const { flow } = packet;
  kernel.chargeCopy(packet.payloadLength);
  kernel.totals.delivered++;
  if (flow !== null && !packet.response) accountMessage(kernel, packet, flow, packet.payloadLength);
  kernel.pool.release(packet);
  return Node.Done;
}

/** __udp_enqueue_schedule_skb: the datagram waits until the process has woken up. */
function queueForProcess(kernel: Kernel, packet: Packet, socket: Socket): Node {
  if (socket.waiting >= SOCKET_QUEUE_MAX) return drop(kernel, packet, Drop.SocketRcvBuff, Node.UdpInput);
  const { flow } = packet;
  const { bytes } = kernel.memory;
  packet.askerIp = sourceOf(bytes, packet);
  packet.askedIp = destinationOf(bytes, packet);
  socket.waiting++;
  kernel.totals.delivered++;
  // The others say so when they know that it was meant for them.
  if (flow !== null && !packet.response && socket.role === SocketRole.Responder) accountMessage(kernel, packet, flow, packet.payloadLength);
  kernel.queue.push(kernel.clock, EventType.Wake, socket.index, packet.index);
  return Node.Done;
}

/** The socket that a process has opened towards the sender, if there is one. */
function findSession(kernel: Kernel, packet: Packet, udp: number): Session | null {
  const { device } = packet;
  const { bytes } = kernel.memory;
  return device === null
    ? null
    : kernel.sessions.find(device.namespace, destinationPort(bytes, udp), sourceOf(bytes, packet), sourcePort(bytes, udp));
}

function queueForSession(kernel: Kernel, packet: Packet, session: Session, length: number): Node {
  packet.payloadLength = length;
  packet.askedPort = session.port;
  kernel.totals.delivered++;
  kernel.queue.push(kernel.clock, EventType.SessionWake, session.index, packet.index);
  return Node.Done;
}

function client(kernel: Kernel, packet: Packet, socket: Socket): Node {
  const { flow } = packet;
  kernel.chargeCopy(packet.payloadLength);
  kernel.totals.delivered++;
  if (flow !== null && flow === socket.flow && packet.response) {
    if (flow.record.kind === FlowKind.Query) keepReply(kernel, packet, flow);
    accountAnswer(kernel, packet, flow, packet.payloadLength);
  }
  kernel.pool.release(packet);
  return Node.Done;
}

/** The caller of a query may read its answer, which fragments may have brought: it is read at once, where they were put together. */
function keepReply({ memory: { bytes }, replies }: Kernel, packet: Packet, flow: Flow): void {
  const start = transportOf(bytes, packet) + UDP_HEADER;
  replies.keep(flow, bytes.slice(start, start + packet.payloadLength));
}
