import { TCP_FIN_TIMEOUT_NS, TCP_TIME_WAIT_NS } from "../../../../assembly/abi/limits";
import type { Kernel } from "../kernel";
import { acknowledged, releaseStream } from "../processes/stream";
import { acknowledge, acknowledgeAgain, Answer } from "../tables/congestion";
import { before, type Connection, TcpState } from "../tables/connection";
import { NO_DEADLINE } from "../tables/neighbour";
import { close } from "./lifecycle";
import { scheduleOutput } from "./output";
import { retransmitFirst } from "./segment";
import { pushWake } from "./splice";
import { arm } from "./timer";

/** tcp_ack: everything before `ack` has arrived. False if that was the end of the connection. */
export function acknowledgeNew(kernel: Kernel, connection: Connection, ack: number): boolean {
  const bytes = (ack - connection.sndUna) | 0;
  connection.sndUna = ack;
  if (before(connection.sndNxt, ack)) connection.sndNxt = ack;
  sample(kernel, connection, ack);
  connection.retries = 0;
  if (acknowledge(connection, bytes)) retransmitFirst(kernel, connection);
  if (connection.sndUna === connection.sndMax) connection.deadline = NO_DEADLINE;
  else arm(kernel, connection, kernel.clock + connection.rto);
  if (before(connection.writeEnd, connection.sndUna) && !acknowledgeFin(kernel, connection)) return false;
  const hasUnsent = before(connection.sndNxt, connection.writeEnd);
  if (hasUnsent || (connection.closing && !connection.isFinSent)) scheduleOutput(kernel, connection);
  if (connection.partner !== null && connection.partner.unread > 0) pushWake(kernel, connection.partner);
  if (connection.stream !== null) acknowledged(kernel, connection.stream);
  return true;
}

/** The handshake is over at this end: its SYN is acknowledged. */
export function establish(kernel: Kernel, connection: Connection, ack: number): void {
  connection.state = TcpState.Established;
  connection.sndUna = ack;
  sample(kernel, connection, ack);
  connection.retries = 0;
  connection.deadline = NO_DEADLINE;
}

/** `ack` repeats what is known, on a segment that says nothing else. */
export function acknowledgeDuplicate(kernel: Kernel, connection: Connection): void {
  switch (acknowledgeAgain(connection)) {
    case Answer.Nothing:
      return;
    case Answer.Retransmit:
      retransmitFirst(kernel, connection);
      return;
    case Answer.Send:
      scheduleOutput(kernel, connection);
      return;
  }
}

export function beginTimeWait(kernel: Kernel, connection: Connection): void {
  connection.state = TcpState.TimeWait;
  if (connection.stream !== null) releaseStream(kernel, connection.stream);
  arm(kernel, connection, kernel.clock + TCP_TIME_WAIT_NS);
}

function sample(kernel: Kernel, connection: Connection, ack: number): void {
  if (!connection.isTiming || before(ack, connection.timedEnd)) return;
  connection.isTiming = false;
  connection.sampleRtt(kernel.clock - connection.timedAt);
}

/** A client's connection, or one of a process that speaks DNS, that its process has left. */
function isOrphan(connection: Connection): boolean {
  const { listener, isSpliced, flow, stream } = connection;
  if (stream !== null) return stream.hasLeft;
  return listener === null && !isSpliced && (flow === null || flow.connection !== connection);
}

/** False if the connection is over. */
function acknowledgeFin(kernel: Kernel, connection: Connection): boolean {
  switch (connection.state) {
    case TcpState.FinWait1:
      connection.state = TcpState.FinWait2;
      if (isOrphan(connection)) arm(kernel, connection, kernel.clock + TCP_FIN_TIMEOUT_NS);
      return true;
    case TcpState.Closing:
      beginTimeWait(kernel, connection);
      return true;
    case TcpState.LastAck:
      close(kernel, connection);
      return false;
    default:
      return true;
  }
}
