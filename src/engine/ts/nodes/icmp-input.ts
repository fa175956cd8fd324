import { FlowError } from "../../../../assembly/abi/counter";
import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { FlowKind, SocketRole } from "../../../../assembly/abi/program";
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../../../../assembly/abi/protocol";
import { drop, dropUnbuilt } from "../graph/drop";
import { visit } from "../graph/step";
import { append } from "../graph/walk";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import { tryNextServer } from "../processes/forward";
import { accountAnswer, accountMessage, failFlow } from "../simulation/source";
import type { Flow } from "../tables/flow";
import type { Namespace } from "../tables/namespace";
import { SessionKind } from "../tables/session";
import { findSocket } from "../tables/socket";
import { failConnection } from "../tcp/icmp";
import { read16 } from "../wire/bytes";
import { fold, sum } from "../wire/checksum";
import { ICMP_CODE, ICMP_HEADER, identifier, nextHopMtu, updateIcmpChecksum } from "../wire/icmp";
import { destinationIp, headerLength, IPV4_HEADER, protocol, sourceIp, ttl, version } from "../wire/ipv4";
import { takeDatagram, writeDatagram } from "./socket-output";

/** icmp_rcv: checksum, then by type: icmp_echo, ping_rcv, icmp_unreach. */
export function icmpInput(kernel: Kernel, packet: Packet): Node {
  const { memory } = kernel;
  const header = headerLength(memory.bytes, packet.network);
  const icmp = packet.network + header;
  const length = packet.datagramLength - header;
  if (length < ICMP_HEADER) return drop(kernel, packet, Drop.HdrTrunc, Node.IcmpInput);
  if (fold(sum(memory, icmp, length)) !== 0xffff) return drop(kernel, packet, Drop.IcmpCsum, Node.IcmpInput);
  switch (memory.bytes[icmp]) {
    case ICMP_ECHO_REQUEST:
      echo(kernel, packet, icmp, length);
      break;
    case ICMP_ECHO_REPLY:
      echoReply(kernel, packet, icmp, length);
      break;
    case ICMP_UNREACHABLE:
    case ICMP_TIME_EXCEEDED: {
      const quoted = icmp + ICMP_HEADER;
      if (!isQuoteSound(memory.bytes, quoted, length - ICMP_HEADER)) return drop(kernel, packet, Drop.HdrTrunc, Node.IcmpInput);
      unreachable(kernel, packet, icmp, quoted);
      break;
    }
    default:
      return drop(kernel, packet, Drop.UnhandledProto, Node.IcmpInput);
  }
  kernel.pool.release(packet);
  return Node.Done;
}

/** icmp_echo; icmp_echo_ignore_broadcasts is on. */
function echo(kernel: Kernel, packet: Packet, icmp: number, length: number): void {
  const { device, flow } = packet;
  if (device === null || packet.type !== PacketType.Host) return;
  const reply = takeDatagram(kernel, flow, length);
  if (reply === null) {
    dropUnbuilt(kernel, Node.IcmpInput, device, flow, packet.sequence);
  } else {
    const { memory } = kernel;
    reply.sequence = packet.sequence;
    reply.bornAt = packet.bornAt;
    reply.trace = packet.trace;
    reply.response = true;
    const asked = destinationIp(memory.bytes, packet.network);
    writeDatagram(kernel, reply, device.namespace, PROTOCOL_ICMP, asked, sourceIp(memory.bytes, packet.network));
    const answer = reply.network + IPV4_HEADER;
    memory.copy(answer, icmp, length);
    memory.bytes[answer] = ICMP_ECHO_REPLY;
    updateIcmpChecksum(memory, answer, length);
    append(kernel, reply, Node.IpOutput);
  }
  kernel.totals.delivered++;
  if (flow === null || flow.record.kind !== FlowKind.Ping || packet.response) return;
  accountMessage(kernel, packet, flow, length - ICMP_HEADER);
  flow.outcome.see(device.namespace, sourceIp(kernel.memory.bytes, packet.network), 0, destinationIp(kernel.memory.bytes, packet.network), 0);
}

/** ping_rcv: the flow that sent the request, if its socket is here. */
function echoReply(kernel: Kernel, packet: Packet, icmp: number, length: number): void {
  const flow = pingFlow(packet, identifier(kernel.memory.bytes, icmp));
  if (flow === null) return;
  flow.outcome.replyTtl = ttl(kernel.memory.bytes, packet.network);
  accountAnswer(kernel, packet, flow, length - ICMP_HEADER);
}

function pingFlow(packet: Packet, id: number): Flow | null {
  const { flow, device } = packet;
  if (flow === null || device === null || flow.record.kind !== FlowKind.Ping) return null;
  return flow.namespace === device.namespace && flow.record.sourcePort === id ? flow : null;
}

/** The quoted datagram must have its header and 8 bytes more (RFC 792). */
function isQuoteSound(bytes: Uint8Array, quoted: number, length: number): boolean {
  if (length < IPV4_HEADER + 8 || version(bytes, quoted) !== 4) return false;
  const header = headerLength(bytes, quoted);
  return header >= IPV4_HEADER && length >= header + 8;
}

/** icmp_unreach: learn the path's MTU, then tell the socket that sent what is quoted. */
function unreachable(kernel: Kernel, packet: Packet, icmp: number, quoted: number): void {
  const { device } = packet;
  if (device === null) return;
  const { namespace } = device;
  const { bytes } = kernel.memory;
  const by = sourceIp(bytes, packet.network);
  const code = bytes[icmp + ICMP_CODE];
  const isTooBig = bytes[icmp] === ICMP_UNREACHABLE && code === ICMP_FRAGMENTATION_NEEDED;
  if (isTooBig) kernel.pathMtus.learn(namespace, destinationIp(bytes, quoted), nextHopMtu(bytes, icmp), kernel.clock);
  const error = isTooBig ? FlowError.MessageTooLong : errorOf(bytes[icmp], code);
  const transport = quoted + headerLength(bytes, quoted);
  const kind = protocol(bytes, quoted);
  if (kind === PROTOCOL_TCP) {
    failConnection(kernel, namespace, quoted, transport, error, by);
    return;
  }
  const flow = kind === PROTOCOL_UDP ? clientFlow(bytes, namespace, quoted, transport) : echoFlow(bytes, packet, kind, transport);
  if (flow === null && kind === PROTOCOL_UDP && !isTooBig) failSession(kernel, packet, namespace, quoted, transport);
  if (flow === null || (isTooBig && flow.record.dontFragment === 0)) return;
  flow.outcome.errorBy = by;
  failFlow(kernel, flow, packet.flow === flow ? packet.sequence : -1, error);
}

/** A resolver's query came back: the server has failed. docker-proxy takes no notice of such errors. */
function failSession(kernel: Kernel, packet: Packet, namespace: Namespace, quoted: number, udp: number): void {
  const { bytes } = kernel.memory;
  const session = kernel.sessions.find(namespace, read16(bytes, udp), destinationIp(bytes, quoted), read16(bytes, udp + 2));
  if (session === null || session.kind !== SessionKind.Forward) return;
  visit(kernel, Node.ApplicationWake);
  tryNextServer(kernel, session, packet.device);
}

/** The flow whose client socket sent the quoted datagram. */
function clientFlow(bytes: Uint8Array, namespace: Namespace, quoted: number, udp: number): Flow | null {
  const socket = findSocket(namespace.udpSockets, sourceIp(bytes, quoted), read16(bytes, udp));
  if (socket === null || socket.role !== SocketRole.Client || socket.flow === null) return null;
  const { flow } = socket;
  return flow.destination === destinationIp(bytes, quoted) && flow.record.destinationPort === read16(bytes, udp + 2) ? flow : null;
}

function echoFlow(bytes: Uint8Array, packet: Packet, kind: number, icmp: number): Flow | null {
  return kind === PROTOCOL_ICMP && bytes[icmp] === ICMP_ECHO_REQUEST ? pingFlow(packet, identifier(bytes, icmp)) : null;
}

/** icmp_err_convert in net/ipv4/icmp.c by code, in the words that flows have; fragmentation needed is another matter. */
const UNREACHABLE_ERRORS: Readonly<Record<number, FlowError>> = {
  0: FlowError.NetworkUnreachable,
  1: FlowError.HostUnreachable,
  3: FlowError.ConnectionRefused,
  6: FlowError.NetworkUnreachable,
  7: FlowError.HostUnreachable,
  8: FlowError.HostUnreachable,
  9: FlowError.NetworkUnreachable,
  10: FlowError.HostUnreachable,
  11: FlowError.NetworkUnreachable,
  12: FlowError.HostUnreachable,
  13: FlowError.HostUnreachable,
  14: FlowError.HostUnreachable,
  15: FlowError.HostUnreachable,
};

function errorOf(type: number, code: number): FlowError {
  return type === ICMP_UNREACHABLE ? (UNREACHABLE_ERRORS[code] ?? FlowError.ProtocolError) : FlowError.ProtocolError;
}
