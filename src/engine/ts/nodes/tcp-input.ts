import { FlowError } from "../../../../assembly/abi/counter";
import { Drop } from "../../../../assembly/abi/drop";
import { TCP_RECEIVE_WINDOW, TCP_WINDOW_SCALE } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import { connected } from "../processes/stream";
import { isNameServer } from "../processes/stream-server";
import { before, type Connection, TcpState } from "../tables/connection";
import type { Namespace } from "../tables/namespace";
import { findSocket } from "../tables/socket";
import { acknowledgeDuplicate, acknowledgeNew, establish } from "../tcp/ack";
import { abort, accept, agreeOnMss, close } from "../tcp/lifecycle";
import { scheduleOutput } from "../tcp/output";
import { pushWake } from "../tcp/splice";
import { receiveSegment } from "../tcp/receive";
import { replyReset, sendAck, sendSyn } from "../tcp/segment";
import { destinationOf, sourceOf, transportOf } from "../wire/ip";
import {
  ACK,
  acknowledgement,
  controlBits,
  dataOffset,
  destinationPort,
  FIN,
  hasValidTcpChecksum,
  RST,
  sequenceNumber,
  sourcePort,
  SYN,
  TCP_HEADER,
  timestampOption,
  windowField,
} from "../wire/tcp";

/**
 * tcp_v4_rcv: checks, then the connection's turn in the order of RFC 9293 §3.10.7, or the listening socket's.
 *
 * Differs from Linux: every data segment is acknowledged at once, SACK is offered but not generated, no autotuning of the
 * receive buffer, no keep-alive, no SYN cookies, no simultaneous open.
 */
export function tcpInput(kernel: Kernel, packet: Packet): Node {
  const { memory } = kernel;
  const { bytes } = memory;
  const { network, device } = packet;
  const tcp = transportOf(bytes, packet);
  const available = network + packet.datagramLength - tcp;
  if (device === null || available < TCP_HEADER) return drop(kernel, packet, Drop.HdrTrunc, Node.TcpInput);
  const offset = dataOffset(bytes, tcp);
  if (offset < TCP_HEADER || offset > available) return drop(kernel, packet, Drop.HdrTrunc, Node.TcpInput);
  if (!hasValidTcpChecksum(memory, network, tcp, available)) return drop(kernel, packet, Drop.TcpCsum, Node.TcpInput);
  if (packet.type !== PacketType.Host) return drop(kernel, packet, Drop.NoSocket, Node.TcpInput);
  const { namespace } = device;
  const connection = kernel.connections.find(
    namespace,
    destinationOf(bytes, packet),
    destinationPort(bytes, tcp),
    sourceOf(bytes, packet),
    sourcePort(bytes, tcp),
  );
  const length = available - offset;
  if (connection === null) return withoutConnection(kernel, packet, namespace, tcp, length);
  if (connection.state === TcpState.SynSent) return inSynSent(kernel, connection, packet, tcp, length);
  return inOtherStates(kernel, connection, packet, namespace, tcp, length);
}

/** A listening socket takes a SYN; everything else is refused. */
function withoutConnection(kernel: Kernel, packet: Packet, namespace: Namespace, tcp: number, length: number): Node {
  const { bytes } = kernel.memory;
  const control = controlBits(bytes, tcp);
  const sockets = packet.isIpv6 ? namespace.tcpSockets6 : namespace.tcpSockets;
  const listener = findSocket(sockets, destinationOf(bytes, packet), destinationPort(bytes, tcp));
  if ((control & RST) !== 0) return drop(kernel, packet, listener === null ? Drop.NoSocket : Drop.TcpReset, Node.TcpInput);
  if (listener === null || (control & ACK) !== 0) {
    replyReset(kernel, packet, tcp, length);
    return drop(kernel, packet, Drop.NoSocket, Node.TcpInput);
  }
  if ((control & (SYN | FIN)) !== SYN) return drop(kernel, packet, Drop.TcpFlags, Node.TcpInput);
  if (kernel.connections.isFull || (isNameServer(listener) && kernel.streams.isFull)) return drop(kernel, packet, Drop.TcpListenOverflow, Node.TcpInput);
  const { flow } = packet;
  const isFlows = flow !== null && flow.record.protocol === PROTOCOL_TCP && !packet.response;
  accept(kernel, listener, namespace, packet, tcp, isFlows ? flow : null);
  return consume(kernel, packet);
}

function inSynSent(kernel: Kernel, connection: Connection, packet: Packet, tcp: number, length: number): Node {
  const { bytes } = kernel.memory;
  const control = controlBits(bytes, tcp);
  const ack = acknowledgement(bytes, tcp);
  const hasAck = (control & ACK) !== 0;
  const isReset = (control & RST) !== 0;
  if (hasAck && ack !== ((connection.iss + 1) | 0)) {
    if (!isReset) replyReset(kernel, packet, tcp, length);
    return drop(kernel, packet, Drop.TcpInvalidSequence, Node.TcpInput);
  }
  if (isReset) {
    if (!hasAck) return drop(kernel, packet, Drop.TcpInvalidSequence, Node.TcpInput);
    abort(kernel, connection, FlowError.ConnectionRefused);
    return drop(kernel, packet, Drop.TcpReset, Node.TcpInput);
  }
  if (!hasAck || (control & SYN) === 0) return drop(kernel, packet, Drop.TcpFlags, Node.TcpInput);
  connection.irs = sequenceNumber(bytes, tcp);
  connection.rcvNxt = (connection.irs + 1) | 0;
  connection.echo = timestampOption(bytes, tcp, connection.echo);
  // The window of a SYN is not scaled (RFC 7323 §2.2).
  connection.sndWnd = windowField(bytes, tcp);
  agreeOnMss(kernel, connection, tcp);
  establish(kernel, connection, ack);
  sendAck(kernel, connection);
  scheduleOutput(kernel, connection);
  if (connection.partner !== null) pushWake(kernel, connection.partner);
  if (connection.stream !== null) connected(kernel, connection.stream);
  return consume(kernel, packet);
}

function inOtherStates(kernel: Kernel, connection: Connection, packet: Packet, namespace: Namespace, tcp: number, length: number): Node {
  const { bytes } = kernel.memory;
  const control = controlBits(bytes, tcp);
  const sequence = sequenceNumber(bytes, tcp);
  const isReset = (control & RST) !== 0;
  const isSynAgain = connection.state === TcpState.SynReceived && (control & (SYN | ACK | RST)) === SYN && sequence === connection.irs;
  if (isSynAgain) {
    sendSyn(kernel, connection);
    return consume(kernel, packet);
  }
  if (isReopened(bytes, connection, tcp, control, sequence)) {
    close(kernel, connection);
    return withoutConnection(kernel, packet, namespace, tcp, length);
  }
  const size = length + ((control & SYN) !== 0 ? 1 : 0) + ((control & FIN) !== 0 ? 1 : 0);
  if (!isAcceptable(connection, sequence, size)) return refuse(kernel, connection, packet, isReset, (sequence + size) | 0);
  connection.echo = timestampOption(bytes, tcp, connection.echo);
  if (isReset) return reset(kernel, connection, packet, sequence);
  if ((control & SYN) !== 0) {
    sendAck(kernel, connection);
    return drop(kernel, packet, Drop.TcpFlags, Node.TcpInput);
  }
  if ((control & ACK) === 0) return drop(kernel, packet, Drop.TcpFlags, Node.TcpInput);
  return takeAck(kernel, connection, packet, tcp, length, (control & FIN) !== 0);
}

/** tcp_timewait_state_process: a SYN of a new connection ends what is left of the old one. */
function isReopened(bytes: Uint8Array, { state, echo, rcvNxt }: Connection, tcp: number, control: number, sequence: number): boolean {
  if (state !== TcpState.TimeWait || (control & (SYN | ACK | RST)) !== SYN) return false;
  return before(echo, timestampOption(bytes, tcp, echo)) || before(rcvNxt, sequence);
}

/** RFC 9293 §3.10.7.4, first: is any of it inside the window? A keep-alive may lie one byte in front of it. */
function isAcceptable(connection: Connection, sequence: number, size: number): boolean {
  const ahead = (sequence - connection.rcvNxt) | 0;
  if (size === 0) return ahead >= -1 && ahead <= TCP_RECEIVE_WINDOW;
  return ((ahead + size) | 0) > 0 && ahead < TCP_RECEIVE_WINDOW;
}

function refuse(kernel: Kernel, connection: Connection, packet: Packet, isReset: boolean, end: number): Node {
  if (isReset) return drop(kernel, packet, Drop.TcpInvalidSequence, Node.TcpInput);
  sendAck(kernel, connection);
  const isOld = !before(connection.rcvNxt, end);
  return drop(kernel, packet, isOld ? Drop.TcpOldData : Drop.TcpInvalidSequence, Node.TcpInput);
}

/** Only a reset that hits the next byte exactly is believed (RFC 5961 §3.2). */
function reset(kernel: Kernel, connection: Connection, packet: Packet, sequence: number): Node {
  if (sequence !== connection.rcvNxt) return drop(kernel, packet, Drop.TcpInvalidSequence, Node.TcpInput);
  const isSilent = connection.state === TcpState.SynReceived || connection.state === TcpState.TimeWait;
  if (isSilent) close(kernel, connection);
  else abort(kernel, connection, FlowError.ConnectionReset);
  return drop(kernel, packet, Drop.TcpReset, Node.TcpInput);
}

/** RFC 9293 §3.10.7.4, fifth; then data and FIN. */
function takeAck(kernel: Kernel, connection: Connection, packet: Packet, tcp: number, length: number, fin: boolean): Node {
  const { bytes } = kernel.memory;
  const ack = acknowledgement(bytes, tcp);
  const window = windowField(bytes, tcp) << TCP_WINDOW_SCALE;
  if (connection.state === TcpState.SynReceived) {
    if (ack !== ((connection.iss + 1) | 0)) {
      replyReset(kernel, packet, tcp, length);
      return drop(kernel, packet, Drop.TcpInvalidSequence, Node.TcpInput);
    }
    connection.sndWnd = window;
    establish(kernel, connection, ack);
    if (connection.isSpliced) pushWake(kernel, connection);
    if (connection.stream !== null) connected(kernel, connection.stream);
  }
  if (before(connection.sndMax, ack)) {
    sendAck(kernel, connection);
    return drop(kernel, packet, Drop.TcpInvalidSequence, Node.TcpInput);
  }
  if (before(connection.sndUna, ack)) {
    connection.sndWnd = window;
    if (!acknowledgeNew(kernel, connection, ack)) return consume(kernel, packet);
  } else if (ack === connection.sndUna) {
    repeatAck(kernel, connection, window, length === 0 && !fin);
  }
  return receiveSegment(kernel, connection, packet, sequenceNumber(bytes, tcp), length, fin);
}

function repeatAck(kernel: Kernel, connection: Connection, window: number, isBare: boolean): void {
  const hasChanged = window !== connection.sndWnd;
  connection.sndWnd = window;
  if (isBare && !hasChanged && connection.inFlight !== 0) acknowledgeDuplicate(kernel, connection);
  if (hasChanged && before(connection.sndNxt, connection.writeEnd)) scheduleOutput(kernel, connection);
}

function consume(kernel: Kernel, packet: Packet): Node {
  kernel.pool.release(packet);
  return Node.Done;
}
