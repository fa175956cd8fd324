import { DNS_STREAM_BYTES } from "../../../../assembly/abi/dns";
import { TCP_RECEIVE_WINDOW, TCP_SYN_WINDOW, TCP_WINDOW_SCALE } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { FlowKind } from "../../../../assembly/abi/program";
import { PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import { dropUnbuilt } from "../graph/drop";
import { beginTrace } from "../graph/trace";
import { append } from "../graph/walk";
import type { Kernel } from "../kernel";
import { type Packet, PathMtuDiscovery } from "../memory/packet";
import { attach, CtState } from "../netfilter/entry";
import { fillPayload, takeDatagram, writeDatagram } from "../nodes/socket-output";
import { writeExchange } from "../processes/exchange";
import { writeStreamPayload } from "../processes/payload";
import { before, type Connection, TcpState } from "../tables/connection";
import { NO_DEADLINE } from "../tables/neighbour";
import type { Stream } from "../tables/stream";
import { destinationOf, sourceOf } from "../wire/ip";
import {
  ACK,
  acknowledgement,
  controlBits,
  destinationPort,
  FIN,
  PSH,
  RST,
  sequenceNumber,
  sourcePort,
  SYN,
  TCP_HEADER,
  TCP_OPTIONS,
  TCP_SYN_OPTIONS,
  writeOptions,
  writeSynOptions,
  writeTcp,
} from "../wire/tcp";

/** Timestamps count milliseconds (TCP_TS_HZ). */
const TIMESTAMP_NS = 1_000_000;

/** SYN, or SYN-ACK at the server's end; sent again by timers. */
export function sendSyn(kernel: Kernel, connection: Connection): void {
  const isFirst = connection.sndMax === connection.iss;
  if (!isFirst) countRetransmit(connection);
  const control = connection.state === TcpState.SynSent ? SYN : SYN | ACK;
  transmit(kernel, connection, control, connection.iss, 0);
  connection.sndNxt = connection.sndMax = (connection.iss + 1) | 0;
  if (isFirst) time(kernel, connection, connection.sndNxt);
}

/** An acknowledgement without data. Its number does not go back with `sndNxt` after a timeout: the other end would call it old. */
export function sendAck(kernel: Kernel, connection: Connection): void {
  transmit(kernel, connection, ACK, connection.sndMax, 0);
}

/** tcp_send_active_reset: the process is gone, and bytes that it should have read are there. */
export function sendReset(kernel: Kernel, connection: Connection): void {
  transmit(kernel, connection, RST | ACK, connection.sndNxt, 0);
}

/** The next `length` bytes of the stream. */
export function sendData(kernel: Kernel, connection: Connection, length: number): void {
  const start = connection.sndNxt;
  const end = (start + length) | 0;
  if (before(start, connection.sndMax)) countRetransmit(connection);
  else if (!connection.isTiming) time(kernel, connection, end);
  transmit(kernel, connection, end === connection.writeEnd ? ACK | PSH : ACK, start, length);
  connection.sndNxt = end;
  if (before(connection.sndMax, end)) connection.sndMax = end;
}

export function sendFin(kernel: Kernel, connection: Connection): void {
  if (before(connection.sndNxt, connection.sndMax)) countRetransmit(connection);
  transmit(kernel, connection, FIN | ACK, connection.sndNxt, 0);
  connection.sndNxt = (connection.sndNxt + 1) | 0;
  if (before(connection.sndMax, connection.sndNxt)) connection.sndMax = connection.sndNxt;
}

/** The first segment that is not acknowledged, once more (RFC 5681 §3.2). */
export function retransmitFirst(kernel: Kernel, connection: Connection): void {
  const { sndUna, sndMax, writeEnd } = connection;
  const sent = before(sndMax, writeEnd) ? sndMax : writeEnd;
  const length = Math.min(connection.segmentBytes, (sent - sndUna) | 0);
  countRetransmit(connection);
  if (length <= 0) transmit(kernel, connection, FIN | ACK, sndUna, 0);
  else transmit(kernel, connection, ((sndUna + length) | 0) === writeEnd ? ACK | PSH : ACK, sndUna, length);
}

/** What is sent again spoils the running sample of the round trip (Karn's algorithm, RFC 6298 §3). */
function countRetransmit(connection: Connection): void {
  connection.isTiming = false;
  if (connection.flow !== null) connection.flow.retransmits++;
}

function time(kernel: Kernel, connection: Connection, end: number): void {
  connection.isTiming = true;
  connection.timedEnd = end;
  connection.timedAt = kernel.clock;
}

/** Builds a segment; where no slot is free, it is lost as if on the way. */
function transmit(kernel: Kernel, connection: Connection, control: number, sequence: number, length: number): void {
  const { namespace, flow } = connection;
  if (namespace === null) return;
  if (connection.ackDelayed) {
    connection.ackDelayed = false;
    connection.deadline = NO_DEADLINE;
  }
  const isSyn = (control & SYN) !== 0;
  const header = TCP_HEADER + (isSyn ? TCP_SYN_OPTIONS : TCP_OPTIONS);
  const packet = takeDatagram(kernel, flow, header + length, connection.remoteIp);
  if (packet === null) {
    dropUnbuilt(kernel, kernel.node, null, flow, 0);
    return;
  }
  packet.response = connection.listener !== null;
  packet.pathMtuDiscovery = PathMtuDiscovery.Do;
  writeDatagram(kernel, packet, namespace, PROTOCOL_TCP, connection.localIp, connection.remoteIp);
  const { bytes } = kernel.memory;
  const tcp = packet.transport;
  const window = isSyn ? TCP_SYN_WINDOW : Math.max(0, (connection.stream === null ? TCP_RECEIVE_WINDOW : DNS_STREAM_BYTES) - connection.unread) >> TCP_WINDOW_SCALE;
  writeTcp(bytes, tcp, connection.localPort, connection.remotePort, sequence, connection.rcvNxt, header, control, window);
  const timestamp = Math.floor(kernel.clock / TIMESTAMP_NS) % 4294967296 | 0;
  if (isSyn) writeSynOptions(bytes, tcp + TCP_HEADER, connection.ownMss, timestamp, connection.echo);
  else writeOptions(bytes, tcp + TCP_HEADER, timestamp, connection.echo);
  const position = (sequence - connection.iss - 1) | 0;
  fillPayload(kernel, packet, tcp + header, position, length);
  const isSaid = connection.stream !== null;
  if (connection.stream !== null) writeSaid(bytes, tcp + header, connection.stream, sequence, length);
  const isGiven = isSaid || writeStreamPayload(kernel, packet, connection.iss, position, tcp + header, length);
  if (!isGiven && flow !== null && flow.record.kind === FlowKind.Exchange) writeExchange(bytes, tcp + header, flow, packet.response, position, length);
  beginTrace(kernel, packet);
  append(kernel, packet, Node.SocketOutput);
}

function writeSaid(bytes: Uint8Array, at: number, { said, saidFrom }: Stream, sequence: number, length: number): void {
  const start = (sequence - saidFrom) | 0;
  bytes.set(said.subarray(start, start + length), at);
}

/** tcp_v4_send_reset: the answer to a segment that no connection wants. */
export function replyReset(kernel: Kernel, offender: Packet, tcp: number, length: number): void {
  const { device, flow } = offender;
  if (device === null) return;
  const { bytes } = kernel.memory;
  const sender = sourceOf(bytes, offender);
  const packet = takeDatagram(kernel, flow, TCP_HEADER, sender);
  if (packet === null) {
    dropUnbuilt(kernel, kernel.node, device, flow, offender.sequence);
    return;
  }
  const control = controlBits(bytes, tcp);
  const hasAck = (control & ACK) !== 0;
  const consumed = length + ((control & SYN) !== 0 ? 1 : 0) + ((control & FIN) !== 0 ? 1 : 0);
  packet.sequence = offender.sequence;
  packet.trace = offender.trace;
  packet.response = true;
  // nf_ct_attach, if a rule of the packet filter resets.
  if (offender.conntrack !== null) attach(packet, offender.conntrack, CtState.Related, !offender.ctReply);
  packet.pathMtuDiscovery = PathMtuDiscovery.Do;
  writeDatagram(kernel, packet, device.namespace, PROTOCOL_TCP, destinationOf(bytes, offender), sender);
  if (packet.isIpv6) packet.target = device;
  const sequence = hasAck ? acknowledgement(bytes, tcp) : 0;
  const acknowledged = hasAck ? 0 : (sequenceNumber(bytes, tcp) + consumed) | 0;
  const flags = hasAck ? RST : RST | ACK;
  const at = packet.transport;
  writeTcp(bytes, at, destinationPort(bytes, tcp), sourcePort(bytes, tcp), sequence, acknowledged, TCP_HEADER, flags, 0);
  append(kernel, packet, Node.SocketOutput);
}
