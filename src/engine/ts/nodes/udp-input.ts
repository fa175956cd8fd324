import { Drop } from "../../../../assembly/abi/drop";
import { SOCKET_QUEUE_MAX } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { SocketRole } from "../../../../assembly/abi/program";
import { ICMP_PORT_UNREACHABLE, ICMP_UNREACHABLE } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import { EventType } from "../simulation/event-queue";
import { accountAnswer, accountMessage } from "../simulation/source";
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
  if (socket === null) {
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
  if (flow !== null && !packet.response) accountMessage(kernel, packet, flow, packet.payloadLength);
  kernel.queue.push(kernel.clock, EventType.Wake, socket.index, packet.index);
  return Node.Done;
}

function client(kernel: Kernel, packet: Packet, socket: Socket): Node {
  const { flow } = packet;
  kernel.chargeCopy(packet.payloadLength);
  kernel.totals.delivered++;
  if (flow !== null && flow === socket.flow && packet.response) accountAnswer(kernel, packet, flow, packet.payloadLength);
  kernel.pool.release(packet);
  return Node.Done;
}
