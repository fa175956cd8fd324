/** How connections end, and what their flows make of it. */
import { FlowError, FlowState } from "../abi/counter";
import { SocketRole } from "../abi/program";
import { NONE } from "../abi/version";
import { destinationIn, isIpv6, sourceIn, transportIn } from "../memory/network";
import { Packet } from "../memory/pool";
import { dropStream, leave } from "../processes/stream";
import { Connection, findConnection, freeConnection, isNoConnection, TcpState } from "../tables/connection";
import { giveUp, noteError } from "../tables/counters";
import { Flow, flowAt, messagesInFlight, setState, stateOf } from "../tables/flow";
import { namespaceAt, stackOf } from "../tables/namespace";
import { streamOf } from "../tables/stream";
import { load32 } from "../wire/bytes";
import { scheduleOutput } from "./output";
import { sever } from "./splice";

/** The client's process sees an error, and everything in flight is given up; a server's end just goes. */
export function failConnection(connection: Connection, error: FlowError): void {
  const isClient = isOfFlow(connection);
  sever(connection, true);
  endConnection(connection);
  if (!isClient) return;
  const flow = flowAt(connection.flow);
  noteError(flow, error);
  setState(flow, FlowState.Failed);
  giveUp(flow);
}

/** Frees the record; nothing is wrong. */
export function endConnection(connection: Connection): void {
  const isClient = isOfFlow(connection);
  sever(connection, false);
  dropStream(connection);
  freeConnection(connection);
  if (!isClient) return;
  const flow = flowAt(connection.flow);
  flow.connection = 0;
  flow.messageHead = flow.messageTail;
}

/** Whether it is the client's connection of its flow, and not one that it has left or that a proxy has opened. */
export function isOfFlow(connection: Connection): bool {
  if (connection.role != SocketRole.Client || connection.flow == NONE) return false;
  return flowAt(connection.flow).connection == changetype<usize>(connection);
}

/** The client waits no longer for the answer of an exchange; its connection ends by itself. */
export function leaveExchange(flow: Flow): void {
  flow.messageHead = flow.messageTail;
  if (flow.connection == 0) return;
  const connection = changetype<Connection>(flow.connection);
  if (connection.state == TcpState.SynSent) {
    endConnection(connection);
    return;
  }
  flow.connection = 0;
  if (connection.stream != 0) {
    leave(streamOf(connection));
    return;
  }
  connection.closing = true;
  scheduleOutput(connection);
}

/** A segment found no route: a connection that is being set up fails with it. */
export function failConnecting(packet: Packet, error: FlowError): void {
  const stack = stackOf(namespaceAt(packet.namespace), isIpv6(packet));
  const ports = load32(transportIn(packet));
  const connection = findConnection(stack, sourceIn(packet), destinationIn(packet), ports);
  if (!isNoConnection(connection) && connection.state == TcpState.SynSent) failConnection(connection, error);
}

/** A flow that has sent all it had to send closes its connection when nothing is in flight any more. */
export function closeIfFinished(flow: Flow): void {
  if (flow.connection == 0 || stateOf(flow) != FlowState.Finished || messagesInFlight(flow) != 0) return;
  const connection = changetype<Connection>(flow.connection);
  if (connection.closing) return;
  connection.closing = true;
  scheduleOutput(connection);
}
