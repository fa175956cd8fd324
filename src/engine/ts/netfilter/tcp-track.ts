import {
  CONNTRACK_TCP_CLOSE_NS,
  CONNTRACK_TCP_CLOSE_WAIT_NS,
  CONNTRACK_TCP_ESTABLISHED_NS,
  CONNTRACK_TCP_FIN_WAIT_NS,
  CONNTRACK_TCP_LAST_ACK_NS,
  CONNTRACK_TCP_SYN_RECEIVED_NS,
  CONNTRACK_TCP_SYN_SENT_NS,
  CONNTRACK_TCP_TIME_WAIT_NS,
  CONNTRACK_TCP_UNACKNOWLEDGED_NS,
} from "../../../../assembly/abi/limits";
import type { Kernel } from "../kernel";
import { ACK, FIN, RST, SYN } from "../wire/tcp";
import { type Entry, TcpEvent, TcpTrack } from "./entry";

/** What the tracker of a protocol makes of a packet. */
export enum Tracked {
  /** It belongs to the connection. */
  Taken,
  /** It does not. */
  Invalid,
  /** The connection is over, and this begins a new one. */
  Again,
}

/** A segment that changes nothing, and one that cannot be. */
const IGNORE = -1;
const INVALID = -2;

/** Next states by letter, so that the tables below can be read like those of nf_conntrack_proto_tcp.c. */
const LETTERS: Readonly<Record<string, number>> = {
  i: IGNORE,
  x: INVALID,
  SS: TcpTrack.SynSent,
  SR: TcpTrack.SynReceived,
  ES: TcpTrack.Established,
  FW: TcpTrack.FinWait,
  CW: TcpTrack.CloseWait,
  LA: TcpTrack.LastAck,
  TW: TcpTrack.TimeWait,
  CL: TcpTrack.Close,
  S2: TcpTrack.SynSent2,
};

/** One row per event, one column per state; docs/ENGINE.md has the same. */
function transitions(rows: readonly string[]): Int8Array {
  return Int8Array.from(rows.flatMap((row) => row.split(" ").map((letter) => LETTERS[letter] ?? INVALID)));
}

const STATES = TcpTrack.SynSent2 + 1;
const FROM_ORIGINAL = transitions([
  "SS SS i i i i i SS SS S2",
  "x x SR x x x x x x SR",
  "x x FW FW LA LA LA TW CL x",
  "ES x ES ES CW CW TW TW CL x",
  "x CL CL CL CL CL CL CL CL CL",
]);
const FROM_REPLY = transitions([
  "x S2 x x x x x SS x S2",
  "x SR i i i i i i i SR",
  "x x FW FW LA LA LA TW CL x",
  "x i SR ES CW CW TW TW CL i",
  "x CL CL CL CL CL CL CL CL CL",
]);

/** By state. */
const TIMEOUTS: readonly number[] = [
  0,
  CONNTRACK_TCP_SYN_SENT_NS,
  CONNTRACK_TCP_SYN_RECEIVED_NS,
  CONNTRACK_TCP_ESTABLISHED_NS,
  CONNTRACK_TCP_FIN_WAIT_NS,
  CONNTRACK_TCP_CLOSE_WAIT_NS,
  CONNTRACK_TCP_LAST_ACK_NS,
  CONNTRACK_TCP_TIME_WAIT_NS,
  CONNTRACK_TCP_CLOSE_NS,
  CONNTRACK_TCP_SYN_SENT_NS,
];

/** A segment is one thing only: RST before SYN before FIN before ACK. */
export function eventOf(control: number): TcpEvent {
  if ((control & RST) !== 0) return TcpEvent.Reset;
  if ((control & SYN) !== 0) return (control & ACK) !== 0 ? TcpEvent.SynAck : TcpEvent.Syn;
  return (control & FIN) !== 0 ? TcpEvent.Fin : TcpEvent.Ack;
}

/** May a connection be made of it? An ACK picks up one that is under way (nf_conntrack_tcp_loose 1). */
export function beginsConnection(event: TcpEvent): boolean {
  return FROM_ORIGINAL[event * STATES] >= 0;
}

/**
 * nf_conntrack_tcp_packet.
 *
 * Differs from Linux: windows are not followed, and an entry that is out of step is not brought back into it.
 */
export function trackTcp(kernel: Kernel, entry: Entry, event: TcpEvent, isReply: boolean): Tracked {
  const old = entry.tcp;
  const next = (isReply ? FROM_REPLY : FROM_ORIGINAL)[event * STATES + old];
  if (next === INVALID) return Tracked.Invalid;
  if (next === IGNORE) return Tracked.Taken;
  if (next === TcpTrack.SynSent && (old === TcpTrack.TimeWait || old === TcpTrack.Close)) {
    const wasReset = entry.lastEvent === TcpEvent.Reset && entry.lastIsReply === isReply;
    return entry.closing || wasReset ? Tracked.Again : Tracked.Taken;
  }
  entry.lastEvent = event;
  entry.lastIsReply = isReply;
  entry.tcp = next;
  if (next === TcpTrack.FinWait && old !== TcpTrack.FinWait) entry.closing = true;
  refresh(kernel, entry, event, old, next);
  return Tracked.Taken;
}

function refresh({ conntrack, clock }: Kernel, entry: Entry, event: TcpEvent, old: TcpTrack, next: TcpTrack): void {
  let timeout = event === TcpEvent.Reset ? CONNTRACK_TCP_CLOSE_NS : TIMEOUTS[next];
  if (!entry.seenReply) {
    if (event === TcpEvent.Reset) {
      // Nothing but a refusal: there is no connection to remember.
      conntrack.remove(entry);
      return;
    }
    // Its own repeated SYN does not keep an entry alive.
    if (event === TcpEvent.Syn && old === TcpTrack.SynSent) return;
    if (next === TcpTrack.Established) timeout = Math.min(timeout, CONNTRACK_TCP_UNACKNOWLEDGED_NS);
  } else if (!entry.assured && next === TcpTrack.Established && (old === TcpTrack.SynReceived || old === TcpTrack.Established)) {
    conntrack.assure(entry);
  }
  conntrack.setDeadline(entry, clock + timeout);
}
