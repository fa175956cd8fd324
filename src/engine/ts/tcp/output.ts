import { TCP_BURST_MAX } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { enter, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import { EventType } from "../simulation/event-queue";
import { JIFFY_NS } from "../simulation/timer";
import { before, type Connection, TcpState } from "../tables/connection";
import { NO_DEADLINE } from "../tables/neighbour";
import { sendData, sendFin } from "./segment";
import { arm } from "./timer";

/** Lets the connection send what it may, after the work in progress. */
export function scheduleOutput(kernel: Kernel, connection: Connection): void {
  connection.outputWanted = true;
  if (!connection.outputQueued) pushOutput(kernel, connection, kernel.clock);
}

function pushOutput(kernel: Kernel, connection: Connection, time: number): void {
  connection.outputQueued = true;
  kernel.queue.push(time, EventType.TcpOutput, connection.index, 0);
}

/** tcp_write_xmit in its own turn of the CPU. */
export function tcpOutput(kernel: Kernel, connection: Connection): void {
  const { namespace } = connection;
  connection.outputQueued = false;
  if (!connection.outputWanted || namespace === null) return;
  if (!enter(kernel, namespace.cpu, kernel.now)) {
    pushOutput(kernel, connection, kernel.now + JIFFY_NS);
    return;
  }
  connection.outputWanted = false;
  kernel.node = Node.SocketOutput;
  if (maySend(connection.state)) sendWhatFits(kernel, connection);
  leave(kernel, namespace.cpu);
}

/** States in which there can be data or a FIN to send, be it again. */
export function maySend(state: TcpState): boolean {
  switch (state) {
    case TcpState.Established:
    case TcpState.CloseWait:
    case TcpState.FinWait1:
    case TcpState.Closing:
    case TcpState.LastAck:
      return true;
    default:
      return false;
  }
}

function sendWhatFits(kernel: Kernel, connection: Connection): void {
  const start = connection.sndNxt;
  sendBurst(kernel, connection);
  const isDone = connection.closing && connection.sndNxt === connection.writeEnd && connection.owed === 0;
  if (isDone && connection.sndNxt !== start) {
    // The process writes and then closes: what answers its bytes comes in between.
    scheduleOutput(kernel, connection);
  } else if (isDone) {
    sendFin(kernel, connection);
    if (connection.state === TcpState.Established) connection.state = TcpState.FinWait1;
    else if (connection.state === TcpState.CloseWait) connection.state = TcpState.LastAck;
  }
  if (connection.inFlight !== 0) armIfIdle(kernel, connection);
}

function sendBurst(kernel: Kernel, connection: Connection): void {
  for (let sent = 0; before(connection.sndNxt, connection.writeEnd); sent++) {
    const window = Math.min(connection.cwnd, connection.sndWnd);
    let length = Math.min(connection.segmentBytes, (connection.writeEnd - connection.sndNxt) | 0);
    if (connection.inFlight + length > window) {
      if (connection.inFlight !== 0) return;
      if (window === 0) {
        armIfIdle(kernel, connection);
        return;
      }
      length = window;
    }
    if (sent === TCP_BURST_MAX) {
      scheduleOutput(kernel, connection);
      return;
    }
    sendData(kernel, connection, length);
  }
}

function armIfIdle(kernel: Kernel, connection: Connection): void {
  if (connection.deadline === NO_DEADLINE) arm(kernel, connection, kernel.clock + connection.rto);
}
