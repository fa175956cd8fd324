/** How connections end, and what their flows make of it. */
import { FlowError, FlowState } from "../abi/counter";
import { SocketRole } from "../abi/program";
import { Packet } from "../memory/pool";
import { Connection, findConnection, freeConnection, isNoConnection, TcpState } from "../tables/connection";
import { giveUp, noteError } from "../tables/counters";
import { Flow, flowAt, messagesInFlight, setState, stateOf } from "../tables/flow";
import { namespaceAt } from "../tables/namespace";
import { load32 } from "../wire/bytes";
import { destinationOf, IPV4_HEADER, sourceOf } from "../wire/ipv4";
import { scheduleOutput } from "./output";

/** The client's process sees an error, and everything in flight is given up; a server's end just goes. */
export function failConnection(connection: Connection, error: FlowError): void {
  const isClient = connection.role == SocketRole.Client;
  endConnection(connection);
  if (!isClient) return;
  const flow = flowAt(connection.flow);
  noteError(flow, error);
  setState(flow, FlowState.Failed);
  giveUp(flow);
}

/** Frees the record; nothing is wrong. */
export function endConnection(connection: Connection): void {
  freeConnection(connection);
  if (connection.role != SocketRole.Client) return;
  const flow = flowAt(connection.flow);
  flow.connection = 0;
  flow.messageHead = flow.messageTail;
}

/** A segment found no route: a connection that is being set up fails with it. */
export function failConnecting(packet: Packet, error: FlowError): void {
  const ip = packet.network;
  const ports = load32(ip + IPV4_HEADER);
  const connection = findConnection(namespaceAt(packet.namespace), sourceOf(ip), destinationOf(ip), ports);
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
