/** tcp_data_queue and tcp_fin: the receiving side of a connection. */
import { Drop } from "../abi/drop";
import { TCP_HOLES_MAX } from "../abi/limits";
import { Node } from "../abi/node";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { Packet } from "../memory/pool";
import { hear, takeHeard } from "../processes/stream";
import { copyCost } from "../simulation/cpu";
import { Connection, holeAt, isBefore, TcpState } from "../tables/connection";
import { delivered } from "../tables/counters";
import { flowAt, isExchange } from "../tables/flow";
import { StreamKind, streamOf } from "../tables/stream";
import { startTimeWait } from "./acknowledge";
import { isOfFlow } from "./close";
import { completeExchange, deliver, isResponder } from "./deliver";
import { scheduleOutput } from "./output";
import { sendAck } from "./segment";
import { finishSpliced, receiveSpliced } from "./splice";

/** Takes the data and the FIN of an acceptable segment; the packet's journey ends here. */
export function receiveData(connection: Connection, packet: Packet, sequence: u32, bytes: u32, hasFin: bool): Node {
  if (!mayReceive(connection)) return consume(packet);
  const end = sequence + bytes;
  let mustAck = false;
  if (bytes != 0) {
    if (connection.stream != 0 && !hear(connection, packet, sequence, bytes)) {
      sendAck(connection, Node.TcpInput);
      return drop(packet, Drop.TcpOfoQueuePrune, Node.TcpInput);
    }
    if (isBefore(connection.rcvNxt, sequence)) return receiveOutOfOrder(connection, packet, sequence, end);
    if (isBefore(connection.rcvNxt, end)) {
      receiveInOrder(connection, packet, end);
      mustAck = true;
    }
  }
  if (hasFin && connection.rcvNxt == end) mustAck = receiveFin(connection, packet, bytes) || mustAck;
  if (mustAck) sendAck(connection, Node.TcpInput);
  return consume(packet);
}

function mayReceive(connection: Connection): bool {
  const state = connection.state;
  if (connection.finReceived) return false;
  return state == TcpState.Established || state == TcpState.FinWait1 || state == TcpState.FinWait2;
}

function receiveInOrder(connection: Connection, packet: Packet, end: u32): void {
  const before = connection.rcvNxt;
  connection.rcvNxt = end;
  swallowHoles(connection);
  const bytes = connection.rcvNxt - before;
  delivered++;
  if (connection.spliced) {
    receiveSpliced(connection, bytes);
    return;
  }
  if (connection.stream != 0) {
    takeHeard(connection, packet, bytes);
    return;
  }
  if (!isResponder(connection.role)) copyCost(bytes);
  deliver(connection, packet, bytes);
}

/** What lies behind a hole is remembered, and the acknowledgement says once more what is missing. */
function receiveOutOfOrder(connection: Connection, packet: Packet, begin: u32, end: u32): Node {
  const isKept = keepRange(connection, begin, end);
  sendAck(connection, Node.TcpInput);
  if (!isKept) return drop(packet, Drop.TcpOfoQueuePrune, Node.TcpInput);
  delivered++;
  return consume(packet);
}

/** True: the FIN wants an acknowledgement of its own. */
function receiveFin(connection: Connection, packet: Packet, bytes: u32): bool {
  connection.rcvNxt++;
  connection.finReceived = true;
  connection.holeCount = 0;
  const isShared = (connection.spliced && !connection.severed) || isServed(connection);
  const wasEstablished = connection.state == TcpState.Established;
  if (connection.state == TcpState.FinWait1) {
    connection.state = TcpState.Closing;
  } else if (connection.state == TcpState.FinWait2) {
    startTimeWait(connection);
  } else if (isShared) {
    connection.state = TcpState.CloseWait;
  } else {
    connection.state = TcpState.CloseWait;
    connection.closing = true;
    scheduleOutput(connection);
    if (isOfFlow(connection) && isExchange(flowAt(connection.flow))) completeExchange(connection, packet);
    // Our own FIN is about to leave and carries it (inet_csk_schedule_ack in tcp_fin).
    return bytes != 0 || connection.sndNxt != connection.writeEnd || connection.owed != 0;
  }
  return isShared ? finishSpliced(connection, wasEstablished, bytes) : true;
}

/** Whether a process that speaks DNS, and is no client, still looks after it. */
function isServed(connection: Connection): bool {
  if (connection.stream == 0) return false;
  const stream = streamOf(connection);
  return stream.kind != StreamKind.Client && !stream.left;
}

/** Adds [begin, end) to the ranges, merged with those that it touches. False: there is no room for one more. */
function keepRange(connection: Connection, begin: u32, end: u32): bool {
  let kept: u32 = 0;
  for (let index: u32 = 0; index < connection.holeCount; index++) {
    const range = holeAt(connection, index);
    const otherBegin = load<u32>(range);
    const otherEnd = load<u32>(range, 4);
    if (isBefore(end, otherBegin) || isBefore(otherEnd, begin)) {
      store<u64>(holeAt(connection, kept++), load<u64>(range));
      continue;
    }
    if (isBefore(otherBegin, begin)) begin = otherBegin;
    if (isBefore(end, otherEnd)) end = otherEnd;
  }
  connection.holeCount = <u8>kept;
  if (kept == <u32>TCP_HOLES_MAX) return false;
  const range = holeAt(connection, kept);
  store<u32>(range, begin);
  store<u32>(range, end, 4);
  connection.holeCount = <u8>(kept + 1);
  return true;
}

/** rcvNxt moves over the ranges that it has reached. */
function swallowHoles(connection: Connection): void {
  for (let index: u32 = 0; index < connection.holeCount; ) {
    const range = holeAt(connection, index);
    if (isBefore(connection.rcvNxt, load<u32>(range))) {
      index++;
      continue;
    }
    const end = load<u32>(range, 4);
    if (isBefore(connection.rcvNxt, end)) connection.rcvNxt = end;
    connection.holeCount--;
    store<u64>(range, load<u64>(holeAt(connection, connection.holeCount)));
    // A range that was passed over before may touch now.
    index = 0;
  }
}
