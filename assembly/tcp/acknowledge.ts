/** tcp_ack: what an acknowledgement does to the sending side. */
import { TCP_FIN_TIMEOUT_NS, TCP_RTO_MAX_NS, TCP_RTO_MIN_NS, TCP_TIME_WAIT_NS } from "../abi/limits";
import { Node } from "../abi/node";
import { SocketRole } from "../abi/program";
import { dropStream, noteAcknowledged } from "../processes/stream";
import { clock, NEVER } from "../simulation/clock";
import { onAcknowledged, onDuplicate, Reaction } from "../tables/congestion";
import { armConnection, Connection, isBefore, TcpState } from "../tables/connection";
import { streamOf } from "../tables/stream";
import { endConnection, isOfFlow } from "./close";
import { retransmit, scheduleOutput } from "./output";
import { noteRoom } from "./splice";

/** RFC 6298 §2: clock granularity. ns. */
const GRANULARITY: i64 = 1000000;

/** `acknowledgement` is after sndUna and not after sndMax. False: the connection is gone. */
export function acknowledge(connection: Connection, acknowledgement: u32): bool {
  const acked = acknowledgement - connection.sndUna;
  connection.sndUna = acknowledgement;
  if (isBefore(connection.sndNxt, acknowledgement)) connection.sndNxt = acknowledgement;
  sampleRoundTrip(connection, acknowledgement);
  connection.retries = 0;
  if (onAcknowledged(connection, acked, acknowledgement) == Reaction.Retransmit) retransmit(connection, Node.TcpInput);
  if (connection.sndUna == connection.sndMax) connection.deadline = NEVER;
  else armConnection(connection, clock + connection.rto);
  if (isBefore(connection.writeEnd, connection.sndUna) && !finAcknowledged(connection)) return false;
  const hasUnsent = isBefore(connection.sndNxt, connection.writeEnd);
  if (hasUnsent || (connection.closing && !isBefore(connection.writeEnd, connection.sndNxt))) scheduleOutput(connection);
  noteRoom(connection);
  if (connection.stream != 0) noteAcknowledged(connection);
  return true;
}

function finAcknowledged(connection: Connection): bool {
  if (connection.state == TcpState.LastAck) {
    endConnection(connection);
    return false;
  }
  if (connection.state == TcpState.FinWait1) {
    connection.state = TcpState.FinWait2;
    if (isOrphan(connection)) armConnection(connection, clock + <i64>TCP_FIN_TIMEOUT_NS);
  } else if (connection.state == TcpState.Closing) startTimeWait(connection);
  return true;
}

/** A client's connection, or that of a process that speaks DNS, that its process has left. */
function isOrphan(connection: Connection): bool {
  if (connection.stream != 0) return streamOf(connection).left;
  return connection.role == SocketRole.Client && !connection.spliced && !isOfFlow(connection);
}

export function startTimeWait(connection: Connection): void {
  connection.state = TcpState.TimeWait;
  dropStream(connection);
  armConnection(connection, clock + <i64>TCP_TIME_WAIT_NS);
}

/** The same acknowledgement again, with nothing new in its segment. */
export function duplicateAcknowledgement(connection: Connection): void {
  const reaction = onDuplicate(connection);
  if (reaction == Reaction.Retransmit) retransmit(connection, Node.TcpInput);
  else if (reaction == Reaction.Output) scheduleOutput(connection);
}

/** RFC 6298 §2, in integers. */
export function sampleRoundTrip(connection: Connection, acknowledgement: u32): void {
  if (!connection.timing || isBefore(acknowledgement, connection.timedEnd)) return;
  connection.timing = false;
  const sample = clock - connection.timedAt;
  if (connection.srtt < 0) {
    connection.srtt = sample;
    connection.rttvar = sample >> 1;
  } else {
    const difference = connection.srtt - sample;
    connection.rttvar = (3 * connection.rttvar + (difference < 0 ? -difference : difference)) >> 2;
    connection.srtt = (7 * connection.srtt + sample) >> 3;
  }
  const rto = connection.srtt + max(GRANULARITY, 4 * connection.rttvar);
  connection.rto = min(max(rto, <i64>TCP_RTO_MIN_NS), <i64>TCP_RTO_MAX_NS);
}
