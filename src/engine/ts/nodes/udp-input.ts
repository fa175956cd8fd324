import { DNS_MESSAGE_MAX } from "../../../../assembly/abi/dns";
import { Drop } from "../../../../assembly/abi/drop";
import { SOCKET_QUEUE_MAX } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { FlowKind, RouteType, SocketRole } from "../../../../assembly/abi/program";
import { ICMP_PORT_UNREACHABLE, ICMP_UNREACHABLE } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import { knownPayload } from "../processes/datagram";
import { EventType } from "../simulation/event-queue";
import { accountAnswer, accountMessage } from "../simulation/source";
import type { Flow } from "../tables/flow";
import type { Session } from "../tables/session";
import { findSocket, type Socket } from "../tables/socket";
import { destinationIp, headerLength, sourceIp } from "../wire/ipv4";
import { destinationPort, hasValidUdpChecksum, sourcePort, UDP_HEADER, udpLength } from "../wire/udp";
import { icmpError } from "./icmp-error";

/** udp_rcv: length, checksum, socket, then what the socket's process does. */
export function udpInput(kernel: Kernel, packet: Packet): Node {
  const { memory } = kernel;
  const { network, device } = packet;
  const header = headerLength(memory.bytes, network);
  const udp = network + header;
  const available = packet.datagramLength - header;
  if (device === null || available < UDP_HEADER) return drop(kernel, packet, Drop.HdrTrunc, Node.UdpInput);
  const length = udpLength(memory.bytes, udp);
  if (length < UDP_HEADER || length > available) return drop(kernel, packet, Drop.PktTooSmall, Node.UdpInput);
  if (!hasValidUdpChecksum(memory, network, udp, length)) return drop(kernel, packet, Drop.UdpCsum, Node.UdpInput);
  const socket = findSocket(device.namespace.udpSockets, destinationIp(memory.bytes, network), destinationPort(memory.bytes, udp));
  if (socket === null || isConnectedElsewhere(memory.bytes, socket, network, udp)) {
    const session = kernel.sessions.isEmpty ? null : findSession(kernel, packet, udp);
    if (session !== null) return queueForSession(kernel, packet, session, length - UDP_HEADER);
    if (packet.type === PacketType.Host) icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
    return drop(kernel, packet, Drop.NoSocket, Node.UdpInput);
  }
  packet.payloadLength = length - UDP_HEADER;
  switch (socket.role) {
    case SocketRole.Sink:
      return sink(kernel, packet);
    case SocketRole.Responder:
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

/** A client's socket is connected: it hears its server alone, or whoever answers what it sent to many. */
function isConnectedElsewhere(bytes: Uint8Array, { role, flow, namespace }: Socket, network: number, udp: number): boolean {
  if (role !== SocketRole.Client || flow === null) return false;
  const { destination, record } = flow;
  if (sourceIp(bytes, network) === destination && sourcePort(bytes, udp) === record.destinationPort) return false;
  const isMulticast = destination >>> 28 === 14 || destination === -1;
  return !isMulticast && namespace.fib.find(destination)?.type !== RouteType.Broadcast;
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
  const { flow, network } = packet;
  const { bytes } = kernel.memory;
  packet.askerIp = sourceIp(bytes, network);
  packet.askedIp = destinationIp(bytes, network);
  socket.waiting++;
  kernel.totals.delivered++;
  // The others say so when they know that it was meant for them.
  if (flow !== null && !packet.response && socket.role === SocketRole.Responder) accountMessage(kernel, packet, flow, packet.payloadLength);
  kernel.queue.push(kernel.clock, EventType.Wake, socket.index, packet.index);
  return Node.Done;
}

/** The socket that a process has opened towards the sender, if there is one. */
function findSession(kernel: Kernel, packet: Packet, udp: number): Session | null {
  const { device, network } = packet;
  const { bytes } = kernel.memory;
  return device === null
    ? null
    : kernel.sessions.find(device.namespace, destinationPort(bytes, udp), sourceIp(bytes, network), sourcePort(bytes, udp));
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

/** The caller of a query may read its answer. */
function keepReply(kernel: Kernel, packet: Packet, flow: Flow): void {
  const payload = knownPayload(kernel, packet);
  if (payload !== null) flow.outcome.reply = payload.subarray(0, DNS_MESSAGE_MAX);
}
