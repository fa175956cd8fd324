import { FlowError } from "../../../../assembly/abi/counter";
import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { FlowKind, SocketRole } from "../../../../assembly/abi/program";
import {
  ICMP6_ECHO_REPLY,
  ICMP6_ECHO_REQUEST,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  PROTOCOL_ICMP,
  PROTOCOL_ICMP6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../../../../assembly/abi/protocol";
import { drop, dropUnbuilt } from "../graph/drop";
import { visit } from "../graph/step";
import { append } from "../graph/walk";
import { type Quote, readQuote4 } from "../ipv6/quote";
import type { Kernel } from "../kernel";
import { isIpv6 } from "../memory/address-table";
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
import { destinationOf, sourceOf } from "../wire/ip";
import { headerLength, ttl, version } from "../wire/ipv4";
import { hopLimit } from "../wire/ipv6";
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
      echo(kernel, packet, icmp, length, destinationOf(memory.bytes, packet));
      break;
    case ICMP_ECHO_REPLY:
      echoReply(kernel, packet, icmp, length);
      break;
    case ICMP_UNREACHABLE:
    case ICMP_TIME_EXCEEDED: {
      const quote = readQuote4(kernel, icmp + ICMP_HEADER, icmp + length);
      if (quote === null || version(memory.bytes, icmp + ICMP_HEADER) !== 4) return drop(kernel, packet, Drop.HdrTrunc, Node.IcmpInput);
      const [type, code] = [memory.bytes[icmp], memory.bytes[icmp + ICMP_CODE]];
      tellSource(kernel, packet, quote, errorOf(type, code), type === ICMP_UNREACHABLE && !SOFT.has(code), nextHopMtu(memory.bytes, icmp));
      break;
    }
    default:
      return drop(kernel, packet, Drop.UnhandledProto, Node.IcmpInput);
  }
  kernel.pool.release(packet);
  return Node.Done;
}

/** icmp_echo; icmp_echo_ignore_broadcasts is on, but ICMPv6 answers to everybody. The answer comes from `source`. */
export function echo(kernel: Kernel, packet: Packet, icmp: number, length: number, source: number): void {
  const { device, flow, isIpv6 } = packet;
  if (device === null || (packet.type !== PacketType.Host && !isIpv6)) return;
  const { memory } = kernel;
  const asker = sourceOf(memory.bytes, packet);
  const reply = takeDatagram(kernel, flow, length, asker);
  if (reply === null) {
    dropUnbuilt(kernel, kernel.node, device, flow, packet.sequence);
  } else {
    reply.sequence = packet.sequence;
    reply.bornAt = packet.bornAt;
    reply.trace = packet.trace;
    reply.response = true;
    writeDatagram(kernel, reply, device.namespace, PROTOCOL_ICMP, source, asker);
    const answer = reply.transport;
    memory.copy(answer, icmp, length);
    memory.bytes[answer] = isIpv6 ? ICMP6_ECHO_REPLY : ICMP_ECHO_REPLY;
    if (isIpv6) reply.target = device;
    else updateIcmpChecksum(memory, answer, length);
    append(kernel, reply, isIpv6 ? Node.Ip6Output : Node.IpOutput);
  }
  kernel.totals.delivered++;
  if (flow === null || flow.record.kind !== FlowKind.Ping || packet.response) return;
  accountMessage(kernel, packet, flow, length - ICMP_HEADER);
  flow.outcome.see(device.namespace, asker, 0, destinationOf(memory.bytes, packet), 0);
}

/** ping_rcv: the flow that sent the request, if its socket is here. */
export function echoReply(kernel: Kernel, packet: Packet, icmp: number, length: number): void {
  const { bytes } = kernel.memory;
  const flow = pingFlow(packet, identifier(bytes, icmp));
  if (flow === null) return;
  flow.outcome.replyTtl = packet.isIpv6 ? hopLimit(bytes, packet.network) : ttl(bytes, packet.network);
  accountAnswer(kernel, packet, flow, length - ICMP_HEADER);
}

function pingFlow(packet: Packet, id: number): Flow | null {
  const { flow, device } = packet;
  if (flow === null || device === null || flow.record.kind !== FlowKind.Ping) return null;
  return flow.namespace === device.namespace && flow.record.sourcePort === id ? flow : null;
}

/**
 * icmp_unreach, icmpv6_notify: learn the path's MTU, then tell the socket that sent what is quoted. What is not `fatal` may pass, and no
 * UDP socket hears of it (udp_err: harderr).
 */
export function tellSource(kernel: Kernel, packet: Packet, quote: Quote, error: FlowError, fatal: boolean, mtu: number): void {
  const { device } = packet;
  if (device === null) return;
  const { namespace } = device;
  const { bytes } = kernel.memory;
  const by = sourceOf(bytes, packet);
  const isTooBig = error === FlowError.MessageTooLong;
  if (isTooBig) kernel.pathMtus.learn(namespace, quote.destination, mtu, kernel.clock);
  const { protocol: kind, transport } = quote;
  if (kind === PROTOCOL_TCP) {
    failConnection(kernel, namespace, quote, error, by);
    return;
  }
  const flow = kind === PROTOCOL_UDP ? clientFlow(bytes, namespace, quote) : echoFlow(bytes, packet, kind, transport);
  if (flow === null && kind === PROTOCOL_UDP && fatal && !isTooBig) failSession(kernel, packet, namespace, quote);
  if (flow === null || (isTooBig && flow.record.dontFragment === 0)) return;
  flow.outcome.errorBy = by;
  if (kind === PROTOCOL_UDP && !fatal) flow.error = error;
  else failFlow(kernel, flow, packet.flow === flow ? packet.sequence : -1, error);
}

/** A resolver's query came back: the server has failed. docker-proxy takes no notice of such errors. */
function failSession(kernel: Kernel, packet: Packet, namespace: Namespace, { destination, transport: udp }: Quote): void {
  const { bytes } = kernel.memory;
  const session = kernel.sessions.find(namespace, read16(bytes, udp), destination, read16(bytes, udp + 2));
  if (session === null || session.kind !== SessionKind.Forward) return;
  visit(kernel, Node.ApplicationWake);
  tryNextServer(kernel, session, packet.device);
}

/** The flow whose client socket sent the quoted datagram. */
function clientFlow(bytes: Uint8Array, namespace: Namespace, { source, destination, transport: udp }: Quote): Flow | null {
  const socket = findSocket(isIpv6(destination) ? namespace.udpSockets6 : namespace.udpSockets, source, read16(bytes, udp));
  if (socket === null || socket.role !== SocketRole.Client || socket.flow === null) return null;
  const { flow } = socket;
  return flow.destination === destination && flow.record.destinationPort === read16(bytes, udp + 2) ? flow : null;
}

function echoFlow(bytes: Uint8Array, packet: Packet, kind: number, icmp: number): Flow | null {
  const isEcho = packet.isIpv6
    ? kind === PROTOCOL_ICMP6 && bytes[icmp] === ICMP6_ECHO_REQUEST
    : kind === PROTOCOL_ICMP && bytes[icmp] === ICMP_ECHO_REQUEST;
  return isEcho ? pingFlow(packet, identifier(bytes, icmp)) : null;
}

/** icmp_err_convert in net/ipv4/icmp.c by code, in the words that flows have; fragmentation needed is another matter. */
const UNREACHABLE_ERRORS: Readonly<Record<number, FlowError>> = {
  0: FlowError.NetworkUnreachable,
  1: FlowError.HostUnreachable,
  3: FlowError.ConnectionRefused,
  [ICMP_FRAGMENTATION_NEEDED]: FlowError.MessageTooLong,
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

/** Codes of what is not fatal in that table: no way to a net or host, source route failed, no such service there. */
const SOFT: ReadonlySet<number> = new Set([0, 1, 5, 11, 12]);

function errorOf(type: number, code: number): FlowError {
  return type === ICMP_UNREACHABLE ? (UNREACHABLE_ERRORS[code] ?? FlowError.ProtocolError) : FlowError.ProtocolError;
}
