/** What comes out of a run, record by record. */

/** Why `run` came back. */
export enum Stop {
  /** The time asked for was reached. */
  Until = 0,
  /** The budget of events was used up; call again. */
  Budget,
  /** The event or capture buffer wants draining; call again. */
  Drain,
}

/** What an event record tells. */
export enum EventKind {
  /** A packet died. */
  Drop = 0,
  /** A message reached a process. Recorded for traced packets only. */
  Deliver,
  /** A traced packet visited a node. */
  Hop,
  /** A rule matched a traced packet, or a policy decided: `Target` where the reason is, the rule (NONE: the policy) where the sequence is, the chain where the length is. */
  Rule,
  /** IPVS sends a traced packet to a real server, whose index is where the sequence is; its service where the length is. */
  Schedule,
}

/** f64, ns. */
export const EVENT_TIME: i32 = 0;
/** u8 each. */
export const EVENT_KIND: i32 = 8;
export const EVENT_NODE: i32 = 9;
export const EVENT_REASON: i32 = 10;
/** u32 each. Number of the packet among the traced ones, NONE if not traced. */
export const EVENT_PACKET: i32 = 12;
export const EVENT_DEVICE: i32 = 16;
export const EVENT_FLOW: i32 = 20;
export const EVENT_SEQUENCE: i32 = 24;
/** Bytes of the frame, or of the message for a delivery. */
export const EVENT_LENGTH: i32 = 28;
export const EVENT_SIZE: i32 = 32;

/** Direction of a captured frame, as pcapng's epb_flags has it. */
export const CAPTURE_INBOUND: i32 = 1;
export const CAPTURE_OUTBOUND: i32 = 2;

/** f64, ns. */
export const CAPTURE_TIME: i32 = 0;
/** u32. */
export const CAPTURE_DEVICE: i32 = 8;
/** u8 each: direction, drop reason (0: none), node where it was dropped. */
export const CAPTURE_DIRECTION: i32 = 12;
export const CAPTURE_REASON: i32 = 13;
export const CAPTURE_NODE: i32 = 14;
/** u32 each: bytes stored, and bytes of the frame. The frame follows the header, padded to a multiple of 8. */
export const CAPTURE_STORED: i32 = 16;
export const CAPTURE_LENGTH: i32 = 20;
export const CAPTURE_HEADER: i32 = 24;
