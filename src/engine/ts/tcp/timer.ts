import { FlowError } from "../../../../assembly/abi/counter";
import { TCP_RETRIES, TCP_SYN_LINEAR_TIMEOUTS, TCP_SYN_RETRIES, TCP_SYNACK_RETRIES } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { visit } from "../graph/step";
import { enter, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import { EventType } from "../simulation/event-queue";
import { isDue, postpone, setDeadline } from "../simulation/timer";
import { timeOut } from "../tables/congestion";
import { before, type Connection, TcpState } from "../tables/connection";
import { abort, close } from "./lifecycle";
import { scheduleOutput } from "./output";
import { sendAck, sendData, sendSyn } from "./segment";

/** Sets the connection's timer. */
export function arm(kernel: Kernel, connection: Connection, deadline: number): void {
  setDeadline(kernel, connection, EventType.TcpTimer, deadline);
}

/** tcp_write_timer, tcp_synack_timer and the end of TIME-WAIT. */
export function tcpTimer(kernel: Kernel, connection: Connection): void {
  if (!isDue(kernel, connection, EventType.TcpTimer)) return;
  const { namespace } = connection;
  if (namespace === null) return;
  if (!enter(kernel, namespace.cpu, kernel.now)) {
    postpone(kernel, connection, EventType.TcpTimer);
    return;
  }
  visit(kernel, Node.Timer);
  act(kernel, connection);
  leave(kernel, namespace.cpu);
}

function act(kernel: Kernel, connection: Connection): void {
  if (connection.ackDelayed) {
    sendAck(kernel, connection);
    return;
  }
  switch (connection.state) {
    case TcpState.SynSent:
      if (connection.retries >= TCP_SYN_RETRIES + TCP_SYN_LINEAR_TIMEOUTS) abort(kernel, connection, FlowError.TimedOut);
      else repeatSyn(kernel, connection);
      break;
    case TcpState.SynReceived:
      if (connection.retries >= TCP_SYNACK_RETRIES) close(kernel, connection);
      else repeatSyn(kernel, connection);
      break;
    case TcpState.FinWait2:
    case TcpState.TimeWait:
      close(kernel, connection);
      break;
    default:
      if (connection.retries >= TCP_RETRIES) abort(kernel, connection, FlowError.TimedOut);
      else retransmit(kernel, connection);
      break;
  }
}

function repeatSyn(kernel: Kernel, connection: Connection): void {
  connection.retries++;
  if (connection.state !== TcpState.SynSent || connection.retries > TCP_SYN_LINEAR_TIMEOUTS) connection.backOff();
  sendSyn(kernel, connection);
  arm(kernel, connection, kernel.clock + connection.rto);
}

function retransmit(kernel: Kernel, connection: Connection): void {
  const hasUnsent = before(connection.sndNxt, connection.writeEnd);
  if (connection.sndMax === connection.sndUna && !hasUnsent) return;
  const isProbe = connection.inFlight === 0 && hasUnsent && connection.sndWnd === 0;
  if (isProbe) {
    sendData(kernel, connection, 1);
  } else {
    timeOut(connection);
    connection.sndNxt = connection.sndUna;
    connection.isTiming = false;
    scheduleOutput(kernel, connection);
  }
  connection.backOff();
  connection.retries++;
  arm(kernel, connection, kernel.clock + connection.rto);
}
