/** Congestion control of a connection: Reno (RFC 5681) with NewReno's partial acknowledgements (RFC 6582), in bytes. */
import { TCP_INITIAL_WINDOW_SEGMENTS } from "../abi/limits";
import { Connection } from "./connection";

const WINDOW_MAX: u32 = 1 << 30;
const DUPLICATES_FOR_RETRANSMIT: u32 = 3;

/** What the caller has to do about an acknowledgement. */
export enum Reaction {
  None = 0,
  /** Send the first segment in flight again. */
  Retransmit,
  /** The window grew: more may be sent. */
  Output,
}

/** Payload of a full segment. */
@inline export function segmentBytes(connection: Connection): u32 {
  return connection.mss - 12;
}

export function startWindow(connection: Connection): void {
  connection.window = TCP_INITIAL_WINDOW_SEGMENTS * segmentBytes(connection);
  connection.threshold = WINDOW_MAX;
  connection.recovering = false;
  connection.duplicates = 0;
}

/** New data were acknowledged: `acked` bytes, up to `acknowledgement`. */
export function onAcknowledged(connection: Connection, acked: u32, acknowledgement: u32): Reaction {
  const segment = segmentBytes(connection);
  const window = connection.window;
  connection.duplicates = 0;
  if (!connection.recovering) {
    const growth = window < connection.threshold ? min(acked, segment) : max<u32>(1, <u32>((<u64>segment * segment) / window));
    connection.window = min(window + growth, WINDOW_MAX);
    return Reaction.None;
  }
  if (<i32>(acknowledgement - connection.recover) >= 0) {
    connection.window = connection.threshold;
    connection.recovering = false;
    return Reaction.None;
  }
  const deflated = <i64>window - <i64>acked + <i64>segment;
  connection.window = <u32>min<i64>(max<i64>(segment, deflated), WINDOW_MAX);
  return Reaction.Retransmit;
}

/** The same acknowledgement once more. */
export function onDuplicate(connection: Connection): Reaction {
  const segment = segmentBytes(connection);
  connection.duplicates++;
  if (connection.recovering) {
    connection.window = min(connection.window + segment, WINDOW_MAX);
    return Reaction.Output;
  }
  if (connection.duplicates != DUPLICATES_FOR_RETRANSMIT) return Reaction.None;
  lowerThreshold(connection);
  connection.recover = connection.sndMax;
  connection.recovering = true;
  connection.window = min(connection.threshold + DUPLICATES_FOR_RETRANSMIT * segment, WINDOW_MAX);
  return Reaction.Retransmit;
}

export function onTimeout(connection: Connection): void {
  lowerThreshold(connection);
  connection.window = segmentBytes(connection);
  connection.recovering = false;
  connection.duplicates = 0;
}

function lowerThreshold(connection: Connection): void {
  connection.threshold = max((connection.sndNxt - connection.sndUna) >> 1, 2 * segmentBytes(connection));
}
