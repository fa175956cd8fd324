/** tcp_write_xmit: sends what the windows allow, as an event of its own, so that it takes its turn among the host's other work. */
import { TCP_BURST_MAX } from "../abi/limits";
import { Node } from "../abi/node";
import { finish } from "../graph/walk";
import { RETRY } from "../nodes/timer";
import { clock, NEVER, now } from "../simulation/clock";
import { enter } from "../simulation/cpu";
import { Event, pushEvent } from "../simulation/event-queue";
import { segmentBytes } from "../tables/congestion";
import { armConnection, Connection, isBefore, TcpState } from "../tables/connection";
import { advance, sendData, sendFin } from "./segment";

export function scheduleOutput(connection: Connection): void {
  connection.outputWanted = true;
  if (!connection.outputQueued) queueOutput(connection, clock);
}

function queueOutput(connection: Connection, time: i64): void {
  connection.outputQueued = true;
  pushEvent(time, Event.TcpOutput, <u32>changetype<usize>(connection), 0);
}

/** A TcpOutput event. */
export function tcpOutput(connection: Connection): void {
  connection.outputQueued = false;
  if (!connection.outputWanted) return;
  if (!enter(connection.namespace.cpu, now)) {
    queueOutput(connection, now + RETRY);
    return;
  }
  connection.outputWanted = false;
  if (maySend(connection.state)) output(connection);
  finish();
}

/** Whether there may be data or a FIN to send, or to send again. */
export function maySend(state: TcpState): bool {
  return (
    state == TcpState.Established ||
    state == TcpState.CloseWait ||
    state == TcpState.FinWait1 ||
    state == TcpState.Closing ||
    state == TcpState.LastAck
  );
}

function output(connection: Connection): void {
  const start = connection.sndNxt;
  let burst = 0;
  for (;;) {
    const bytes = sendable(connection);
    if (bytes == 0) break;
    if (burst++ == TCP_BURST_MAX) {
      scheduleOutput(connection);
      break;
    }
    const sequence = connection.sndNxt;
    sendData(connection, sequence, bytes, Node.SocketOutput);
    advance(connection, sequence + bytes);
  }
  if (connection.closing && connection.sndNxt == connection.writeEnd && connection.owed == 0) {
    // The process writes, and then it closes: two system calls.
    if (connection.sndNxt != start) scheduleOutput(connection);
    else close(connection);
  }
  const isProbing = connection.sndWnd == 0 && isBefore(connection.sndNxt, connection.writeEnd);
  if (connection.deadline == NEVER && (connection.sndNxt != connection.sndUna || isProbing)) armConnection(connection, clock + connection.rto);
}

/** Bytes of the next segment that the windows allow. */
function sendable(connection: Connection): u32 {
  if (!isBefore(connection.sndNxt, connection.writeEnd)) return 0;
  const bytes = min(segmentBytes(connection), connection.writeEnd - connection.sndNxt);
  const inFlight = connection.sndNxt - connection.sndUna;
  const window = min(connection.window, connection.sndWnd);
  if (inFlight + bytes <= window) return bytes;
  return inFlight == 0 ? window : 0;
}

/** A FIN that goes out again changes no state. */
function close(connection: Connection): void {
  sendFin(connection, Node.SocketOutput);
  advance(connection, connection.writeEnd + 1);
  if (connection.state == TcpState.Established) connection.state = TcpState.FinWait1;
  else if (connection.state == TcpState.CloseWait) connection.state = TcpState.LastAck;
}

/** Sends the first segment in flight again; the FIN if it is all there is. */
export function retransmit(connection: Connection, inProgress: Node): void {
  const from = connection.sndUna;
  let end = from + segmentBytes(connection);
  if (isBefore(connection.writeEnd, end)) end = connection.writeEnd;
  if (isBefore(connection.sndMax, end)) end = connection.sndMax;
  if (isBefore(from, end)) sendData(connection, from, end - from, inProgress);
  else sendFin(connection, inProgress);
}
