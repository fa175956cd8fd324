/** What the processes at the ends of a connection make of its bytes: messages, and answers to them. */
import { FLOW_COUNTER_DELIVERED, FLOW_COUNTER_DELIVERED_BYTES } from "../abi/counter";
import { Node } from "../abi/node";
import { FlowKind, SocketRole } from "../abi/program";
import { NONE } from "../abi/version";
import { finish } from "../graph/walk";
import { Packet } from "../memory/pool";
import { RETRY } from "../nodes/timer";
import { clock, now } from "../simulation/clock";
import { copyCost, enter, visit } from "../simulation/cpu";
import { Event, pushEvent } from "../simulation/event-queue";
import { Connection } from "../tables/connection";
import { add, closeLoop, count, countAnswer, measure, recordDelivery } from "../tables/counters";
import { Flow, flowAt, MESSAGE_SEQUENCE, messagesInFlight, takeMessage } from "../tables/flow";
import { closeIfFinished } from "./close";
import { scheduleOutput } from "./output";

/** `bytes` more of the stream are in order. */
export function deliver(connection: Connection, packet: Packet, bytes: u32): void {
  if (connection.flow == NONE) return;
  const flow = flowAt(connection.flow);
  const isClient = connection.role == SocketRole.Client;
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
  const isRequest = flow.kind == FlowKind.Request;
  if (!isRequest && messagesInFlight(flow) != 0) measure(flow, clock - load<i64>(takeMessage(flow)));
  recordDelivery(packet, flow, sequence, flow.bytes, Node.TcpInput);
  if (!isRequest) {
    closeIfFinished(flow);
  } else if (connection.role == SocketRole.Responder) {
    connection.owed++;
    if (!connection.wakeQueued) queueWake(connection, clock);
  }
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

function queueWake(connection: Connection, time: i64): void {
  connection.wakeQueued = true;
  pushEvent(time, Event.TcpWake, <u32>changetype<usize>(connection), 0);
}

/** A TcpWake event: the server's process reads the requests and writes the answers. */
export function tcpWake(connection: Connection): void {
  connection.wakeQueued = false;
  const owed = <u64>connection.owed;
  if (owed == 0) return;
  if (!enter(connection.namespace.cpu, now)) {
    queueWake(connection, now + RETRY);
    return;
  }
  visit(Node.ApplicationWake);
  const flow = flowAt(connection.flow);
  copyCost(owed * flow.bytes);
  connection.writeEnd += <u32>(owed * flow.responseBytes);
  connection.owed = 0;
  scheduleOutput(connection);
  finish();
}
