import { Drop } from "../../../../assembly/abi/drop";
import { TCP_HOLES_MAX } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { FlowKind, SocketRole } from "../../../../assembly/abi/program";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { accountStreamAnswer, accountStreamMessage } from "../simulation/source";
import { hear, receiveHeard } from "../processes/stream";
import { before, type Connection, TcpState } from "../tables/connection";
import { StreamKind } from "../tables/stream";
import { beginTimeWait } from "./ack";
import { completeExchange } from "./lifecycle";
import { scheduleOutput } from "./output";
import { sendAck } from "./segment";
import { pushWake, receiveSpliced, receiveSplicedFin } from "./splice";

/** tcp_data_queue and tcp_fin: the part of a segment that moves the receiver on. The packet is used up. */
export function receiveSegment(
  kernel: Kernel,
  connection: Connection,
  packet: Packet,
  sequence: number,
  length: number,
  fin: boolean,
): Node {
  const { state } = connection;
  const isOpen = state === TcpState.Established || state === TcpState.FinWait1 || state === TcpState.FinWait2;
  let wantsAck = false;
  if (isOpen && length > 0 && connection.stream !== null && !hear(kernel, connection.stream, packet, sequence, length)) {
    sendAck(kernel, connection);
    return drop(kernel, packet, Drop.TcpOfoQueuePrune, Node.TcpInput);
  }
  if (isOpen && length > 0) {
    const end = (sequence + length) | 0;
    if (before(connection.rcvNxt, sequence)) {
      if (!rememberHole(connection, sequence, end)) {
        sendAck(kernel, connection);
        return drop(kernel, packet, Drop.TcpOfoQueuePrune, Node.TcpInput);
      }
      kernel.totals.delivered++;
      wantsAck = true;
    } else if (before(connection.rcvNxt, end)) {
      receiveInOrder(kernel, connection, packet, end);
      wantsAck = true;
    }
  }
  if (isOpen && fin && ((sequence + length) | 0) === connection.rcvNxt) wantsAck = receiveFin(kernel, connection, packet, length);
  if (wantsAck) sendAck(kernel, connection);
  kernel.pool.release(packet);
  return Node.Done;
}

function receiveInOrder(kernel: Kernel, connection: Connection, packet: Packet, end: number): void {
  const start = connection.rcvNxt;
  connection.rcvNxt = end;
  fillHoles(connection);
  const bytes = (connection.rcvNxt - start) | 0;
  const { listener } = connection;
  kernel.totals.delivered++;
  if (connection.isSpliced) {
    receiveSpliced(kernel, connection, bytes);
    return;
  }
  if (connection.stream !== null) {
    receiveHeard(kernel, connection.stream, packet, bytes);
    return;
  }
  // A responder's process pays when it wakes up.
  if (listener === null || !isResponder(connection.role)) kernel.chargeCopy(bytes);
  if (listener === null) deliverToClient(kernel, connection, packet, bytes);
  else deliverToServer(kernel, connection, packet, bytes);
}

function deliverToClient(kernel: Kernel, connection: Connection, packet: Packet, bytes: number): void {
  const { flow } = connection;
  if (flow === null || flow.connection !== connection) return;
  connection.pending += bytes;
  const { responseBytes, kind } = flow.record;
  if (kind === FlowKind.Exchange) return;
  while (responseBytes > 0 && connection.pending >= responseBytes && flow.messages.size > 0) {
    connection.pending -= responseBytes;
    accountStreamAnswer(kernel, packet, flow);
  }
}

function deliverToServer(kernel: Kernel, connection: Connection, packet: Packet, bytes: number): void {
  const { flow, role } = connection;
  if (flow === null) return;
  connection.pending += bytes;
  while (connection.pending >= flow.record.bytes) {
    connection.pending -= flow.record.bytes;
    accountStreamMessage(kernel, packet, flow);
    const isRequest = flow.record.kind === FlowKind.Request || flow.record.kind === FlowKind.Exchange;
    if (!isRequest || !isResponder(role)) continue;
    connection.owed++;
    pushWake(kernel, connection);
  }
}

/** Whether a process answers requests when it wakes up. */
function isResponder(role: SocketRole): boolean {
  return role === SocketRole.Responder || role === SocketRole.Identity;
}

/** Whether a process that speaks DNS still looks after it. */
function isServed({ stream }: Connection): boolean {
  return stream !== null && stream.kind !== StreamKind.Client && !stream.hasLeft;
}

/** The other end has closed. Says whether that wants an acknowledgement of its own. */
function receiveFin(kernel: Kernel, connection: Connection, packet: Packet, length: number): boolean {
  connection.rcvNxt = (connection.rcvNxt + 1) | 0;
  connection.holes = 0;
  if ((connection.isSpliced && !connection.isSevered) || isServed(connection)) {
    const wasOpen = connection.state === TcpState.Established;
    if (wasOpen) connection.state = TcpState.CloseWait;
    else if (connection.state === TcpState.FinWait1) connection.state = TcpState.Closing;
    else beginTimeWait(kernel, connection);
    return receiveSplicedFin(kernel, connection, wasOpen, length);
  }
  switch (connection.state) {
    case TcpState.Established: {
      // tcp_fin only schedules the ACK, and the process closes its end before it is due: our FIN carries it.
      const finCarriesAck = length === 0 && connection.sndNxt === connection.writeEnd && connection.owed === 0;
      connection.state = TcpState.CloseWait;
      connection.closing = true;
      scheduleOutput(kernel, connection);
      const { flow } = connection;
      if (flow !== null && flow.connection === connection && flow.isExchange) completeExchange(kernel, connection, packet, flow);
      return !finCarriesAck;
    }
    case TcpState.FinWait1:
      connection.state = TcpState.Closing;
      return true;
    default:
      beginTimeWait(kernel, connection);
      return true;
  }
}

/** Keeps a range that came too early, merged with those it touches. False if there are too many. */
function rememberHole(connection: Connection, start: number, end: number): boolean {
  const { holeStarts, holeEnds } = connection;
  let from = start;
  let to = end;
  let kept = 0;
  for (let i = 0; i < connection.holes; i++) {
    const isApart = before(holeEnds[i], from) || before(to, holeStarts[i]);
    if (isApart) {
      holeStarts[kept] = holeStarts[i];
      holeEnds[kept] = holeEnds[i];
      kept++;
    } else {
      if (before(holeStarts[i], from)) from = holeStarts[i];
      if (before(to, holeEnds[i])) to = holeEnds[i];
    }
  }
  if (kept === TCP_HOLES_MAX) return false;
  let at = kept;
  for (; at > 0 && before(from, holeStarts[at - 1]); at--) {
    holeStarts[at] = holeStarts[at - 1];
    holeEnds[at] = holeEnds[at - 1];
  }
  holeStarts[at] = from;
  holeEnds[at] = to;
  connection.holes = kept + 1;
  return true;
}

/** Moves on over the ranges that are not out of order any more. */
function fillHoles(connection: Connection): void {
  const { holeStarts, holeEnds } = connection;
  let filled = 0;
  while (filled < connection.holes && !before(connection.rcvNxt, holeStarts[filled])) {
    if (before(connection.rcvNxt, holeEnds[filled])) connection.rcvNxt = holeEnds[filled];
    filled++;
  }
  holeStarts.copyWithin(0, filled, connection.holes);
  holeEnds.copyWithin(0, filled, connection.holes);
  connection.holes -= filled;
}
