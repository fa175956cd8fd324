/** tcp_write_timer and the end of time-wait. */
import { FlowError } from "../abi/counter";
import { TCP_RETRIES, TCP_RTO_MAX_NS, TCP_SYN_LINEAR_TIMEOUTS, TCP_SYN_RETRIES, TCP_SYNACK_RETRIES } from "../abi/limits";
import { Node } from "../abi/node";
import { finish } from "../graph/walk";
import { RETRY } from "../nodes/timer";
import { clock, NEVER, now } from "../simulation/clock";
import { enter, visit } from "../simulation/cpu";
import { takeTimer } from "../simulation/timer";
import { onTimeout } from "../tables/congestion";
import { armConnection, Connection, isBefore, TcpState } from "../tables/connection";
import { endConnection, failConnection } from "./close";
import { scheduleOutput } from "./output";
import { advance, noteRetransmission, sendAck, sendData, sendSyn } from "./segment";

/** A TcpTimer event. */
export function tcpTimer(connection: Connection): void {
  if (!takeTimer(connection)) return;
  if (connection.deadline > now) {
    armConnection(connection, connection.deadline);
  } else if (!enter(connection.namespace.cpu, now)) {
    armConnection(connection, now + RETRY);
  } else {
    connection.deadline = NEVER;
    visit(Node.Timer);
    expire(connection);
    finish();
  }
}

function expire(connection: Connection): void {
  const state = connection.state;
  if (connection.ackDelayed) {
    sendAck(connection, Node.Timer);
  } else if (state == TcpState.TimeWait || state == TcpState.FinWait2) {
    endConnection(connection);
  } else if (state == TcpState.SynSent || state == TcpState.SynReceived) {
    const retries: u32 = state == TcpState.SynSent ? TCP_SYN_RETRIES + TCP_SYN_LINEAR_TIMEOUTS : TCP_SYNACK_RETRIES;
    if (connection.retries >= retries) failConnection(connection, FlowError.TimedOut);
    else repeatSyn(connection);
  } else if (connection.retries >= <u32>TCP_RETRIES) {
    failConnection(connection, FlowError.TimedOut);
  } else {
    expireWithData(connection);
  }
}

function repeatSyn(connection: Connection): void {
  noteRetransmission(connection);
  sendSyn(connection, Node.Timer);
  backOff(connection);
}

function expireWithData(connection: Connection): void {
  const hasUnsent = isBefore(connection.sndNxt, connection.writeEnd);
  if (connection.sndNxt == connection.sndUna && hasUnsent && connection.sndWnd == 0) {
    // The window is closed: one byte asks whether it still is.
    const sequence = connection.sndNxt;
    sendData(connection, sequence, 1, Node.Timer);
    advance(connection, sequence + 1);
    backOff(connection);
    return;
  }
  if (connection.sndMax == connection.sndUna && !hasUnsent) return;
  onTimeout(connection);
  connection.sndNxt = connection.sndUna;
  connection.timing = false;
  scheduleOutput(connection);
  backOff(connection);
}

function backOff(connection: Connection): void {
  connection.retries++;
  if (connection.state != TcpState.SynSent || connection.retries > <u32>TCP_SYN_LINEAR_TIMEOUTS) connection.rto = min(2 * connection.rto, <i64>TCP_RTO_MAX_NS);
  armConnection(connection, clock + connection.rto);
}
