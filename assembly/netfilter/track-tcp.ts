/**
 * nf_conntrack_tcp_packet: as much of TCP as timeouts need.
 *
 * Differs from Linux: no windows, no resynchronising.
 */
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
} from "../abi/limits";
import { clock } from "../simulation/clock";
import { assure, isReply, remove, SEEN_REPLY, setDeadline, trackedOf, ASSURED } from "../tables/conntrack";
import { ACK, FIN, RST, SYN } from "../wire/tcp";

/** What the protocol says of a packet. */
export enum Verdict {
  Fine = 0,
  Invalid,
  /** The connection is over, and this is the first packet of the next one. */
  Again,
}

enum Event {
  Syn = 0,
  SynAck,
  Fin,
  Ack,
  Rst,
}

enum State {
  None = 0,
  SynSent,
  SynReceived,
  Established,
  FinWait,
  CloseWait,
  LastAck,
  TimeWait,
  Close,
  SynSent2,
  Invalid,
  Ignore,
}

const STATES: usize = 10;
const EVENTS: usize = 5;
const SS = <u8>State.SynSent;
const SR = <u8>State.SynReceived;
const ES = <u8>State.Established;
const FW = <u8>State.FinWait;
const CW = <u8>State.CloseWait;
const LA = <u8>State.LastAck;
const TW = <u8>State.TimeWait;
const CL = <u8>State.Close;
const S2 = <u8>State.SynSent2;
const IV = <u8>State.Invalid;
const IG = <u8>State.Ignore;

/** tcp_conntracks of nf_conntrack_proto_tcp.c: by direction, event and state. */
const TRANSITIONS = memory.data<u8>([
  SS, SS, IG, IG, IG, IG, IG, SS, SS, S2,
  IV, IV, SR, IV, IV, IV, IV, IV, IV, SR,
  IV, IV, FW, FW, LA, LA, LA, TW, CL, IV,
  ES, IV, ES, ES, CW, CW, TW, TW, CL, IV,
  IV, CL, CL, CL, CL, CL, CL, CL, CL, CL,
  IV, S2, IV, IV, IV, IV, IV, SS, IV, S2,
  IV, SR, IG, IG, IG, IG, IG, IG, IG, SR,
  IV, IV, FW, FW, LA, LA, LA, TW, CL, IV,
  IV, IG, SR, ES, CW, CW, TW, TW, CL, IG,
  IV, CL, CL, CL, CL, CL, CL, CL, CL, CL,
]);

/** Combinations of flags that mean something, without PSH, ECE and CWR: a bit per value (tcp_valid_flags). */
const VALID_FLAGS: u64 =
  (<u64>1 << 0x02) | (<u64>1 << 0x22) | (<u64>1 << 0x12) | (<u64>1 << 0x04) | (<u64>1 << 0x14) | (<u64>1 << 0x11) | (<u64>1 << 0x31) | (<u64>1 << 0x10) | (<u64>1 << 0x30);

@inline export function hasValidFlags(flags: u32): bool {
  return ((VALID_FLAGS >> <u64>(flags & 0x37)) & 1) != 0;
}

/** Whether a connection may begin with such a segment: a SYN, or one from its middle (nf_conntrack_tcp_loose 1). */
@inline export function mayBegin(flags: u32): bool {
  const kind = flags & (SYN | ACK | FIN | RST);
  return kind == SYN || kind == ACK;
}

@inline function eventOf(flags: u32): Event {
  if (flags & RST) return Event.Rst;
  if (flags & SYN) return flags & ACK ? Event.SynAck : Event.Syn;
  return flags & FIN ? Event.Fin : Event.Ack;
}

@inline function timeoutOf(state: State): f64 {
  switch (state) {
    case State.Established:
      return CONNTRACK_TCP_ESTABLISHED_NS;
    case State.SynReceived:
      return CONNTRACK_TCP_SYN_RECEIVED_NS;
    case State.FinWait:
      return CONNTRACK_TCP_FIN_WAIT_NS;
    case State.CloseWait:
      return CONNTRACK_TCP_CLOSE_WAIT_NS;
    case State.LastAck:
      return CONNTRACK_TCP_LAST_ACK_NS;
    case State.TimeWait:
      return CONNTRACK_TCP_TIME_WAIT_NS;
    case State.Close:
      return CONNTRACK_TCP_CLOSE_NS;
    default:
      return CONNTRACK_TCP_SYN_SENT_NS;
  }
}

/** A segment with such flags belongs to the connection of a tuple. */
export function trackTcp(tuple: usize, flags: u32): Verdict {
  const tracked = trackedOf(tuple);
  const ofReply = isReply(tuple);
  const event = eventOf(flags);
  const old = <State>tracked.tcpState;
  const next = <State>load<u8>(TRANSITIONS + ((ofReply ? EVENTS : 0) + <usize>event) * STATES + <usize>old);
  if (next == State.Invalid) return Verdict.Invalid;
  if (next == State.Ignore) return Verdict.Fine;
  if (next == State.SynSent && (old == State.TimeWait || old == State.Close)) {
    const wasReset = tracked.lastEvent == <u8>Event.Rst && tracked.lastReply == <u8>ofReply;
    return tracked.sawFinWait != 0 || wasReset ? Verdict.Again : Verdict.Fine;
  }
  tracked.tcpState = <u8>next;
  tracked.lastEvent = <u8>event;
  tracked.lastReply = <u8>ofReply;
  if (next == State.FinWait && old != State.FinWait) tracked.sawFinWait = 1;
  let timeout = timeoutOf(next);
  if (!(tracked.status & SEEN_REPLY)) {
    if (event == Event.Rst) {
      remove(tracked);
      return Verdict.Fine;
    }
    if (event == Event.Syn && old == State.SynSent) return Verdict.Fine;
    if (next == State.Established) timeout = min(timeout, CONNTRACK_TCP_UNACKNOWLEDGED_NS);
  } else if (!(tracked.status & ASSURED) && next == State.Established && (old == State.SynReceived || old == State.Established)) {
    assure(tracked);
  }
  setDeadline(tracked, clock + <i64>timeout);
  return Verdict.Fine;
}
