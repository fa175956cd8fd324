import { DNS_STREAM_BYTES } from "../../../../assembly/abi/dns";
import { read16 } from "../wire/bytes";
import type { Connection } from "./connection";
import { NO_DEADLINE } from "./neighbour";

const NOTHING = new Uint8Array(0);
/** Bytes of a message's length, in front of it (RFC 1035 §4.2.2). */
export const LENGTH_BYTES = 2;

/** Whose end of a connection it is. */
export enum StreamKind {
  /** A flow's that asks. */
  Client,
  /** A name server's, which accepted it. */
  Server,
  /** A resolver's, which opened it to pass a question on. */
  Upstream,
}

/** What one end of a connection says and hears byte by byte, as its process speaks DNS. */
export class Stream {
  kind = StreamKind.Client;
  /** Null: the record is free. */
  connection: Connection | null = null;
  /** From the first byte on that the process has not read: those in order (`connection.unread`), and some that came too early. */
  readonly heard = new Uint8Array(DNS_STREAM_BYTES);
  /** What the process wrote last, and the sequence number of its first byte. */
  said: Uint8Array = NOTHING;
  saidFrom = 0;
  /** The process has closed its end. */
  hasLeft = false;
  deadline = NO_DEADLINE;
  dueAt = NO_DEADLINE;
  timersQueued = 0;

  /** Of a server: how many questions it has read, and whether it waits for somebody else's answer to the one that is heard. */
  questions = 0;
  isWaiting = false;
  /** How many servers were tried for it, the connection to the last one, and the one whose answer is held. */
  tried = 0;
  newest: Stream | null = null;
  held: Stream | null = null;

  /** Of an upstream: for whom, the one that was asked before it, whether it has the question, and whether nothing more is wanted of it. */
  server: Stream | null = null;
  older: Stream | null = null;
  hasAsked = false;
  isDone = false;

  constructor(readonly index: number) {}

  /** The first message and its length, if the whole of it is there. */
  get whole(): Uint8Array | null {
    const unread = this.connection?.unread ?? 0;
    if (unread < LENGTH_BYTES) return null;
    const end = LENGTH_BYTES + read16(this.heard, 0);
    return end <= unread ? this.heard.slice(0, end) : null;
  }
}

/** Streams of all connections; the lowest free record is taken first. They are made when they are first needed. */
export class StreamTable {
  readonly streams: Stream[] = [];

  constructor(private readonly capacity: number) {}

  get isFull(): boolean {
    return this.streams.length === this.capacity && this.streams.every(({ connection }) => connection !== null);
  }

  /** The table must not be full. */
  take(kind: StreamKind, connection: Connection): Stream {
    let stream = this.streams.find((candidate) => candidate.connection === null);
    if (stream === undefined) {
      stream = new Stream(this.streams.length);
      this.streams.push(stream);
    }
    stream.kind = kind;
    stream.connection = connection;
    stream.said = NOTHING;
    stream.hasLeft = stream.isWaiting = stream.hasAsked = stream.isDone = false;
    stream.questions = stream.tried = 0;
    stream.newest = stream.held = stream.server = stream.older = null;
    connection.stream = stream;
    return stream;
  }

  release(stream: Stream): void {
    if (stream.connection !== null) stream.connection.stream = null;
    stream.connection = null;
    stream.deadline = NO_DEADLINE;
  }
}
