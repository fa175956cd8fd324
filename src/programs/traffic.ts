/** What programs send, and what came of it: the words are those of a recording's rows. */

export interface Traffic {
  /** Echo requests, one per interval, until one is answered or an error comes back. */
  echo(place: string, address: string, options: EchoOptions): Promise<EchoOutcome>;
  /** Connects, or sends a datagram, asks, and reads the answer. */
  exchange(place: string, protocol: "tcp" | "udp", address: string, port: number, options: ExchangeOptions): Promise<ExchangeOutcome>;
  /** A datagram that may pass so many routers only: who sends it back. */
  hop(place: string, address: string, port: number, ttl: number, timeoutMs: number): Promise<HopOutcome>;
  /** One question to a name server. */
  query(place: string, server: string, name: string, type: string, timeoutMs: number, how?: QueryHow): Promise<QueryOutcome>;
  /** Does nothing for a while. */
  pause(milliseconds: number): Promise<void>;
}

/** In a datagram, unless it says otherwise. */
export interface QueryHow {
  /** Questions with the same one are asked from one port. */
  readonly socket?: QuerySocket;
  readonly overTcp?: boolean;
  /** How long an answer in a datagram may be (EDNS); 512 bytes unless given. */
  readonly udpSize?: number;
}

/** A datagram socket that a program goes on using; it gets its port with the first question. */
export interface QuerySocket {
  port?: number;
}

export interface EchoOptions {
  /** Bytes of payload. */
  readonly size: number;
  readonly firstSequence: number;
  readonly count: number;
  readonly intervalMs: number;
  /** How long to wait for an answer in all. */
  readonly timeoutMs: number;
  /** Set DF, and refuse what is longer than the path takes. */
  readonly dontFragment: boolean;
}

export interface EchoOutcome {
  readonly result: string;
  /** Of the answer. */
  readonly ttl?: number;
  /** Its round trip, and how long it took to know; undefined where clocks do not count. */
  readonly timeMs?: number;
  readonly elapsedMs?: number;
  /** Who sent the ICMP error. */
  readonly by?: string;
}

export interface HopOutcome {
  readonly result: string;
  readonly timeMs?: number;
  readonly by?: string;
}

export interface ExchangeOptions {
  /** The name that was asked for, as it stands in the request. */
  readonly host: string;
  readonly timeoutMs: number;
}

export interface ExchangeOutcome {
  readonly result: string;
  readonly elapsedMs?: number;
  /** What the server says: its own host name, the source address it saw, the address it was reached at. */
  readonly server?: string;
  readonly peer?: string;
  readonly local?: string;
}

export interface DnsAnswer {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly data: string;
}

export interface QueryOutcome {
  /** `ok` if any answer came. */
  readonly result: string;
  readonly rcode?: string;
  readonly answers?: readonly DnsAnswer[];
  readonly authoritative?: boolean;
  /** There are more records than the answer holds. */
  readonly truncated?: boolean;
}
