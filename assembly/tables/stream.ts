/**
 * What ends of TCP connections say and hear byte by byte, where processes speak DNS: a record and two buffers each. Capacity:
 * `capacity.streams`, the lowest free index first.
 */
import { DNS_STREAM_BYTES } from "../abi/dns";
import { reserve } from "../memory/arena";
import { NEVER } from "../simulation/clock";
import { Event } from "../simulation/event-queue";
import { setTimer } from "../simulation/timer";
import { load16 } from "../wire/bytes";
import { Connection } from "./connection";

export enum StreamKind {
  /** A flow's that asks. */
  Client = 0,
  /** A name server's. */
  Server,
  /** A resolver's towards another server. */
  Upstream,
}

/** Bytes of a message's length, in front of it. */
export const LENGTH: u32 = 2;

@unmanaged
export class Stream {
  kind: StreamKind;
  /** 0: the record is free. */
  connection: usize;
  /** What its process has not read, of which `connection.unread` bytes are in order, and what it said last. */
  heard: usize;
  said: usize;
  /** Sequence number of the first byte at `said`. */
  saidFrom: u32;
  /** Of a server: questions that it read, and servers that it tried for the last one. */
  questions: u32;
  tried: u32;
  /** The stream to the last of those servers, and the one with an answer that is held; 0: none. */
  newest: usize;
  held: usize;
  /** Of such a stream: whose question it is, and the one before it. */
  server: usize;
  older: usize;
  deadline: i64;
  dueAt: i64;
  /** Timer events of it in the queue. */
  timers: u8;
  /** The process has closed its end. */
  left: bool;
  /** A server waits for somebody else's answer; somebody else has the question; nothing more is wanted of it. */
  waiting: bool;
  asked: bool;
  done: bool;
}

const RECORD: usize = 72;
/** A buffer's bytes, and some for what copies by words. */
const BUFFER: usize = (<usize>DNS_STREAM_BYTES + 31) & ~15;

let base: usize = 0;
let buffers: usize = 0;
let capacity: u32 = 0;

export function reserveStreams(entries: u32): void {
  if (offsetof<Stream>() > RECORD) ERROR("Stream outgrew its stride");
  capacity = entries;
  base = reserve(entries, RECORD);
  buffers = reserve(<u64>entries * 2, BUFFER);
}

@inline export function streamOf(connection: Connection): Stream {
  return changetype<Stream>(connection.stream);
}

@inline export function connectionOf(stream: Stream): Connection {
  return changetype<Connection>(stream.connection);
}

function firstFree(): u32 {
  let index: u32 = 0;
  while (index < capacity && changetype<Stream>(base + <usize>index * RECORD).connection != 0) index++;
  return index;
}

export function hasFreeStream(): bool {
  return firstFree() < capacity;
}

/** There is a free one. */
export function takeStream(kind: StreamKind, connection: Connection): Stream {
  const index = firstFree();
  const stream = changetype<Stream>(base + <usize>index * RECORD);
  stream.kind = kind;
  stream.connection = changetype<usize>(connection);
  stream.heard = buffers + <usize>index * 2 * BUFFER;
  stream.said = stream.heard + BUFFER;
  stream.questions = 0;
  stream.tried = 0;
  stream.newest = 0;
  stream.held = 0;
  stream.server = 0;
  stream.older = 0;
  stream.deadline = NEVER;
  stream.left = false;
  stream.waiting = false;
  stream.asked = false;
  stream.done = false;
  connection.stream = changetype<usize>(stream);
  return stream;
}

export function freeStream(stream: Stream): void {
  connectionOf(stream).stream = 0;
  stream.connection = 0;
  stream.deadline = NEVER;
}

/** Bytes of the first message with its length, if all of it is there; else 0. */
export function wholeBytes(stream: Stream): u32 {
  const unread = connectionOf(stream).unread;
  if (unread < LENGTH) return 0;
  const bytes = LENGTH + load16(stream.heard);
  return bytes <= unread ? bytes : 0;
}

export function armStream(stream: Stream, deadline: i64): void {
  setTimer(stream, deadline, Event.StreamTimer, <u32>changetype<usize>(stream));
}
