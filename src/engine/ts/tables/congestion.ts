import { TCP_INITIAL_WINDOW_SEGMENTS } from "../../../../assembly/abi/limits";
import { before, type Connection } from "./connection";

/** Reno (RFC 5681) with NewReno's recovery (RFC 6582), in bytes. */

const WINDOW_MAX = 2 ** 30;
/** RFC 5681 §3.2. */
const DUPLICATE_ACKS = 3;

export function beginCongestion(connection: Connection): void {
  connection.cwnd = TCP_INITIAL_WINDOW_SEGMENTS * connection.segmentBytes;
  connection.ssthresh = WINDOW_MAX;
  connection.duplicateAcks = 0;
  connection.inRecovery = false;
}

/** New data of `bytes` bytes was acknowledged. Says whether the next hole is to be sent again (a partial acknowledgement). */
export function acknowledge(connection: Connection, bytes: number): boolean {
  const segment = connection.segmentBytes;
  connection.duplicateAcks = 0;
  if (!connection.inRecovery) {
    const growth =
      connection.cwnd < connection.ssthresh ? Math.min(bytes, segment) : Math.max(1, Math.floor((segment * segment) / connection.cwnd));
    connection.cwnd = Math.min(connection.cwnd + growth, WINDOW_MAX);
    return false;
  }
  if (!before(connection.sndUna, connection.recover)) {
    connection.cwnd = connection.ssthresh;
    connection.inRecovery = false;
    return false;
  }
  connection.cwnd = Math.min(Math.max(segment, connection.cwnd - bytes + segment), WINDOW_MAX);
  return true;
}

/** What a duplicate acknowledgement asks for. */
export enum Answer {
  Nothing,
  Retransmit,
  Send,
}

export function acknowledgeAgain(connection: Connection): Answer {
  const segment = connection.segmentBytes;
  connection.duplicateAcks++;
  if (connection.inRecovery) {
    connection.cwnd = Math.min(connection.cwnd + segment, WINDOW_MAX);
    return Answer.Send;
  }
  if (connection.duplicateAcks !== DUPLICATE_ACKS) return Answer.Nothing;
  connection.ssthresh = halfOfFlight(connection);
  connection.recover = connection.sndMax;
  connection.inRecovery = true;
  connection.cwnd = Math.min(connection.ssthresh + DUPLICATE_ACKS * segment, WINDOW_MAX);
  return Answer.Retransmit;
}

/** The retransmission timer fired. Call it before `sndNxt` is set back. */
export function timeOut(connection: Connection): void {
  connection.ssthresh = halfOfFlight(connection);
  connection.cwnd = connection.segmentBytes;
  connection.inRecovery = false;
  connection.duplicateAcks = 0;
}

function halfOfFlight(connection: Connection): number {
  return Math.max(Math.floor(connection.inFlight / 2), 2 * connection.segmentBytes);
}
