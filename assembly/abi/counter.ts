/** What the engine counts, as it lies in the module's memory. Every field is an f64 unless its line says otherwise. */

export const DEVICE_COUNTER_RX_PACKETS: i32 = 0;
export const DEVICE_COUNTER_RX_BYTES: i32 = 8;
export const DEVICE_COUNTER_TX_PACKETS: i32 = 16;
export const DEVICE_COUNTER_TX_BYTES: i32 = 24;
export const DEVICE_COUNTER_SIZE: i32 = 32;

/** Where a flow stands. */
export enum FlowState {
  /** Its start time has not come. */
  Waiting = 0,
  Running,
  /** It sent all it had to send. */
  Finished,
  /** Its last connection attempt failed; the next message tries again. */
  Failed,
}

/** The last error that the sending process saw; errno names of Linux. */
export enum FlowError {
  None = 0,
  /** ECONNREFUSED: RST, or ICMP port unreachable. */
  ConnectionRefused,
  /** EHOSTUNREACH: nobody answers ARP, a route that refuses, ICMP host unreachable or prohibited. */
  HostUnreachable,
  /** ENETUNREACH: no route, or ICMP net unreachable. */
  NetworkUnreachable,
  /** ETIMEDOUT. */
  TimedOut,
  /** ECONNRESET. */
  ConnectionReset,
  /** EMSGSIZE. */
  MessageTooLong,
  /** EPROTO: ICMP protocol unreachable, time exceeded, or a parameter problem. */
  ProtocolError,
  /** End of file: the server closed the connection before it said anything. */
  Closed,
  /** EACCES: a ping to a broadcast address. */
  AccessDenied,
  /** EPERM: the packet filter dropped what was sent. */
  NotPermitted,
}

export const FLOW_COUNTER_SENT: i32 = 0;
export const FLOW_COUNTER_SENT_BYTES: i32 = 8;
/** Messages that reached the receiving process, each sequence number once. */
export const FLOW_COUNTER_DELIVERED: i32 = 16;
export const FLOW_COUNTER_DELIVERED_BYTES: i32 = 24;
/** Responses and echo replies that reached the sending process. */
export const FLOW_COUNTER_ANSWERED: i32 = 32;
export const FLOW_COUNTER_ANSWERED_BYTES: i32 = 40;
export const FLOW_COUNTER_DUPLICATES: i32 = 48;
/** Messages that arrived after a later one. */
export const FLOW_COUNTER_REORDERED: i32 = 56;
/** Closed-loop requests given up. */
export const FLOW_COUNTER_TIMEOUTS: i32 = 64;
/** Errors that the sending process saw. */
export const FLOW_COUNTER_ERRORS: i32 = 72;
/** TCP segments sent again. */
export const FLOW_COUNTER_RETRANSMITS: i32 = 80;
/** Messages that the socket refused because its buffer was full. */
export const FLOW_COUNTER_BLOCKED: i32 = 88;
/** Packets of the flow that exist now (datagrams, echoes), or messages written and not complete (TCP). */
export const FLOW_COUNTER_IN_FLIGHT: i32 = 96;
/** One-way for messages, round trip for requests and pings. ns. */
export const FLOW_COUNTER_LATENCY_COUNT: i32 = 104;
export const FLOW_COUNTER_LATENCY_SUM: i32 = 112;
export const FLOW_COUNTER_LATENCY_MIN: i32 = 120;
export const FLOW_COUNTER_LATENCY_MAX: i32 = 128;
/** i32 each. */
export const FLOW_COUNTER_STATE: i32 = 136;
export const FLOW_COUNTER_ERROR: i32 = 140;
/** u32 each, 0 if there was none: who sent the last ICMP error, and the TTL of the last echo reply. */
export const FLOW_COUNTER_ERROR_BY: i32 = 144;
export const FLOW_COUNTER_REPLY_TTL: i32 = 148;
/** What the last server saw that answered: its namespace (NONE: nobody did), who asked, and where it was asked. Ports of echoes are 0. */
export const FLOW_COUNTER_SERVER: i32 = 152;
export const FLOW_COUNTER_PEER_IP: i32 = 156;
export const FLOW_COUNTER_PEER_PORT: i32 = 160;
export const FLOW_COUNTER_LOCAL_IP: i32 = 164;
export const FLOW_COUNTER_LOCAL_PORT: i32 = 168;
/** Bytes that are kept of the last answer to a Query; 0: none. More than DNS_MESSAGE_MAX has one flow at most: the last one that got so long an answer. */
export const FLOW_COUNTER_REPLY_BYTES: i32 = 172;
/** Four words each: the sender of the last ICMP error, who asked and where, if that was IPv6 (the u32 above is 0 then); else zeros. */
export const FLOW_COUNTER_ERROR_BY6: i32 = 176;
export const FLOW_COUNTER_PEER_IP6: i32 = 192;
export const FLOW_COUNTER_LOCAL_IP6: i32 = 208;
export const FLOW_COUNTER_SIZE: i32 = 224;

/** Packets that a rule matched, f64. */
export const RULE_COUNTER_SIZE: i32 = 8;

/** Totals of the engine. */
export const TOTAL_EVENTS: i32 = 0;
/** Packets handed to a socket. */
export const TOTAL_DELIVERED: i32 = 8;
export const TOTAL_DROPPED: i32 = 16;
/** Frames that a device transmitted. */
export const TOTAL_TRANSMITTED: i32 = 24;
export const TOTAL_PACKETS_ALIVE: i32 = 32;
export const TOTAL_PACKETS_PEAK: i32 = 40;
export const TOTAL_PENDING_EVENTS: i32 = 48;
export const TOTAL_SIZE: i32 = 56;
