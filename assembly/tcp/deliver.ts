/** What the processes at the ends of a connection make of its bytes: messages, and answers to them. */
import { FLOW_COUNTER_DELIVERED, FLOW_COUNTER_DELIVERED_BYTES, FlowError, FlowState } from "../abi/counter";
import { Node } from "../abi/node";
import { FlowKind, SocketRole } from "../abi/program";
import { NONE } from "../abi/version";
import { finish } from "../graph/walk";
import { Packet } from "../memory/pool";
import { RETRY } from "../nodes/timer";
import { clock, now } from "../simulation/clock";
import { copyCost, enter, visit } from "../simulation/cpu";
import { Event, pushEvent } from "../simulation/event-queue";
import { identityBytes } from "../processes/identity";
import { isDue, leave, runStream } from "../processes/stream";
import { Connection, TcpState } from "../tables/connection";
import { add, closeLoop, count, countAnswer, giveUp, measure, noteError, recordDelivery, see } from "../tables/counters";
import { Flow, flowAt, isRoundTrip, keepReply, MESSAGE_SEQUENCE, messagesInFlight, setState, takeMessage } from "../tables/flow";
import { Socket } from "../tables/socket";
import { LENGTH, streamOf } from "../tables/stream";
import { closeIfFinished, isOfFlow } from "./close";
import { scheduleOutput } from "./output";
import { pump, queueWake } from "./splice";

/** `bytes` more of the stream are in order. */
export function deliver(connection: Connection, packet: Packet, bytes: u32): void {
  if (connection.flow == NONE) return;
  const flow = flowAt(connection.flow);
  const isClient = connection.role == SocketRole.Client;
  if (isClient && !isOfFlow(connection)) return;
  if (isClient && flow.kind == FlowKind.Exchange) {
    connection.pending += bytes;
    return;
  }
  const message = <u64>(isClient ? flow.responseBytes : flow.bytes);
  if (message == 0) return;
  connection.pending += bytes;
  while (connection.pending >= message) {
    connection.pending -= message;
    if (isClient) answered(flow, packet);
    else received(connection, flow, packet);
  }
}

function received(connection: Connection, flow: Flow, packet: Packet): void {
  const sequence = <u32>load<f64>(flow.counters, FLOW_COUNTER_DELIVERED);
  count(flow, FLOW_COUNTER_DELIVERED);
  add(flow, FLOW_COUNTER_DELIVERED_BYTES, flow.bytes);
  const isQuick = !isRoundTrip(flow);
  if (isQuick && messagesInFlight(flow) != 0) measure(flow, clock - load<i64>(takeMessage(flow)));
  recordDelivery(packet, flow, sequence, flow.bytes, Node.TcpInput);
  if (isQuick) {
    closeIfFinished(flow);
  } else if (isResponder(connection.role) && (flow.kind == FlowKind.Request || flow.kind == FlowKind.Exchange)) {
    connection.owed++;
    queueWake(connection);
  }
}

/** Whether its process reads and answers when it wakes up. */
export function isResponder(role: SocketRole): bool {
  return role == SocketRole.Responder || role == SocketRole.Identity;
}

/** The server of an exchange has closed. */
export function completeExchange(connection: Connection, packet: Packet): void {
  const flow = flowAt(connection.flow);
  const bytes = <u32>connection.pending;
  flow.connection = 0;
  if (connection.stream != 0) {
    streamOf(connection).left = true;
    connection.unread = 0;
  }
  if (bytes == 0) {
    flow.messageHead = flow.messageTail;
    noteError(flow, FlowError.Closed);
    setState(flow, FlowState.Failed);
    giveUp(flow);
    return;
  }
  noteAnswer(flow, packet, bytes);
}

function noteAnswer(flow: Flow, packet: Packet, bytes: u32): void {
  const message = takeMessage(flow);
  const sequence = load<u32>(message, MESSAGE_SEQUENCE);
  countAnswer(flow, bytes, clock - load<i64>(message));
  recordDelivery(packet, flow, sequence, bytes, Node.TcpInput);
  closeLoop(flow, sequence);
}

/** A query over TCP has the whole of its answer, of `bytes` bytes with the length in front; the message is at `from`. */
export function completeQuery(connection: Connection, packet: Packet, from: usize, bytes: u32): void {
  const flow = flowAt(connection.flow);
  keepReply(flow, from, bytes - LENGTH);
  flow.connection = 0;
  leave(streamOf(connection));
  noteAnswer(flow, packet, bytes);
}

/** The oldest request is answered. */
function answered(flow: Flow, packet: Packet): void {
  if (messagesInFlight(flow) == 0) return;
  const message = takeMessage(flow);
  const sequence = load<u32>(message, MESSAGE_SEQUENCE);
  countAnswer(flow, flow.responseBytes, clock - load<i64>(message));
  recordDelivery(packet, flow, sequence, flow.responseBytes, Node.TcpInput);
  closeLoop(flow, sequence);
  closeIfFinished(flow);
}

/** A TcpWake event: the process of a connection runs. */
export function tcpWake(connection: Connection): void {
  connection.wakeQueued = false;
  if (connection.state == TcpState.Closed || !hasWork(connection)) return;
  if (!enter(connection.namespace.cpu, now)) {
    connection.wakeQueued = true;
    pushEvent(now + RETRY, Event.TcpWake, <u32>changetype<usize>(connection), 0);
    return;
  }
  visit(Node.ApplicationWake);
  if (connection.stream != 0) runStream(streamOf(connection));
  else if (connection.spliced) pump(connection);
  else answerRequests(connection);
  finish();
}

function hasWork(connection: Connection): bool {
  return connection.stream != 0 ? isDue(streamOf(connection)) : connection.spliced || connection.owed != 0;
}

/** A server reads its requests and writes their answers; that of an exchange closes. */
function answerRequests(connection: Connection): void {
  const owed = <u64>connection.owed;
  const flow = flowAt(connection.flow);
  copyCost(owed * flow.bytes);
  see(flow, connection.namespace, connection.remoteIp, connection.ports & 0xffff, connection.localIp, connection.ports >> 16);
  let bytes = flow.responseBytes;
  if (flow.kind == FlowKind.Exchange) {
    connection.closing = true;
    const socket = changetype<Socket>(connection.listener);
    if (connection.role == SocketRole.Identity) bytes = identityBytes(connection.namespace, socket.responseBytes, connection.remoteIp, connection.localIp);
  }
  connection.writeEnd += <u32>(owed * bytes);
  connection.owed = 0;
  scheduleOutput(connection);
}
