/** DNS over TCP: what is heard and said on connections whose processes speak it. */
import { DNS_FIRST_QUESTION_NS, DNS_STREAM_BYTES } from "../../../../assembly/abi/dns";
import { Node } from "../../../../assembly/abi/node";
import { visit } from "../graph/step";
import { enter, leave as leaveCpu } from "../graph/walk";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { EventType } from "../simulation/event-queue";
import { isDue, postpone, setDeadline } from "../simulation/timer";
import { accountExchange } from "../simulation/source";
import { before, type Connection, TcpState } from "../tables/connection";
import { NO_DEADLINE } from "../tables/neighbour";
import { LENGTH_BYTES, type Stream, StreamKind } from "../tables/stream";
import { close } from "../tcp/lifecycle";
import { scheduleOutput } from "../tcp/output";
import { sendAck, sendReset } from "../tcp/segment";
import { pushWake } from "../tcp/splice";
import { transportOf } from "../wire/ip";
import { dataOffset } from "../wire/tcp";
import { abandon, loseUpstream, serveUpstream, upstreamTimer, wantsUpstream } from "./stream-forward";
import { isReady, serveStream } from "./stream-server";

/** Puts down a segment's data where they belong in the stream. False if there is no room for them. */
export function hear(kernel: Kernel, { connection, heard, hasLeft }: Stream, packet: Packet, sequence: number, length: number): boolean {
  if (connection === null || hasLeft) return true;
  const first = (connection.rcvNxt - connection.unread) | 0;
  const end = (sequence + length - first) | 0;
  if (end > DNS_STREAM_BYTES) return false;
  const known = before(sequence, connection.rcvNxt) ? (connection.rcvNxt - sequence) | 0 : 0;
  if (known >= length) return true;
  const { bytes } = kernel.memory;
  const tcp = transportOf(bytes, packet);
  const data = tcp + dataOffset(bytes, tcp);
  heard.set(bytes.subarray(data + known, data + length), (sequence + known - first) | 0);
  return true;
}

/** So many bytes more are in order. */
export function receiveHeard(kernel: Kernel, stream: Stream, packet: Packet, length: number): void {
  const { connection } = stream;
  if (connection === null) return;
  if (stream.kind === StreamKind.Client) kernel.chargeCopy(length);
  if (stream.hasLeft) return;
  connection.unread += length;
  if (stream.kind === StreamKind.Client) takeReply(kernel, stream, connection, packet);
  else notice(kernel, stream);
}

/** The client has its answer as soon as the whole of it is there. */
function takeReply(kernel: Kernel, stream: Stream, connection: Connection, packet: Packet): void {
  const { whole } = stream;
  const { flow } = connection;
  if (whole === null || flow === null || flow.connection !== connection) return;
  kernel.replies.keep(flow, whole.subarray(LENGTH_BYTES));
  flow.connection = null;
  leave(kernel, stream);
  accountExchange(kernel, packet, flow, whole.length);
}

/** Lets a process run that has something to do. */
export function notice(kernel: Kernel, stream: Stream): void {
  const { connection } = stream;
  if (connection !== null && hasWork(stream)) pushWake(kernel, connection);
}

export function hasWork(stream: Stream): boolean {
  switch (stream.kind) {
    case StreamKind.Client:
      return false;
    case StreamKind.Server:
      return stream.isWaiting ? stream.newest === null || stream.newest.isDone : isReady(stream);
    case StreamKind.Upstream:
      return wantsUpstream(stream);
  }
}

/** A TcpWake; the walk has begun. */
export function wakeStream(kernel: Kernel, stream: Stream): void {
  if (stream.kind === StreamKind.Server) serveStream(kernel, stream);
  else serveUpstream(kernel, stream);
}

/** The handshake is over: the server reads, the resolver writes. */
export function connected(kernel: Kernel, stream: Stream): void {
  if (stream.kind === StreamKind.Server) armStream(kernel, stream, kernel.clock + DNS_FIRST_QUESTION_NS);
  else notice(kernel, stream);
}

/** Everything that was said has been acknowledged, or some of it. */
export function acknowledged(kernel: Kernel, stream: Stream): void {
  if (stream.kind === StreamKind.Server && !stream.isWaiting) notice(kernel, stream);
}

export function armStream(kernel: Kernel, stream: Stream, deadline: number): void {
  setDeadline(kernel, stream, EventType.StreamTimer, deadline);
}

/** Nobody has asked for too long, or an upstream server is silent. */
export function streamTimer(kernel: Kernel, stream: Stream): void {
  if (!isDue(kernel, stream, EventType.StreamTimer)) return;
  const { connection } = stream;
  if (connection === null || connection.namespace === null) return;
  const { cpu } = connection.namespace;
  if (!enter(kernel, cpu, kernel.now)) {
    postpone(kernel, stream, EventType.StreamTimer);
    return;
  }
  visit(kernel, Node.Timer);
  if (stream.kind === StreamKind.Server) leave(kernel, stream);
  else upstreamTimer(kernel, stream, connection);
  leaveCpu(kernel, cpu);
}

/** Writes a message, its length included. All that was said before is acknowledged. */
export function write(stream: Stream, connection: Connection, bytes: Uint8Array): void {
  stream.said = bytes;
  stream.saidFrom = connection.writeEnd;
  connection.writeEnd = (connection.writeEnd + bytes.length) | 0;
}

export function say(kernel: Kernel, stream: Stream, bytes: Uint8Array): void {
  const { connection } = stream;
  if (connection === null) return;
  write(stream, connection, bytes);
  scheduleOutput(kernel, connection);
}

/** The process has read so many bytes. */
export function consume(kernel: Kernel, { connection, heard }: Stream, length: number): void {
  if (connection === null) return;
  const wasNarrow = connection.unread > DNS_STREAM_BYTES / 2;
  heard.copyWithin(0, length);
  connection.unread -= length;
  if (wasNarrow && connection.unread <= DNS_STREAM_BYTES / 2) byProcess(kernel, () => sendAck(kernel, connection));
}

/** The process closes its end. */
export function leave(kernel: Kernel, stream: Stream): void {
  const { connection } = stream;
  stream.hasLeft = true;
  stream.deadline = NO_DEADLINE;
  if (connection === null) return;
  connection.unread = 0;
  connection.closing = true;
  scheduleOutput(kernel, connection);
}

/** The same, and what it has not read is refused. */
export function hangUp(kernel: Kernel, stream: Stream): void {
  const { connection } = stream;
  if (connection === null) return;
  if (connection.unread === 0) {
    leave(kernel, stream);
    return;
  }
  byProcess(kernel, () => sendReset(kernel, connection));
  close(kernel, connection);
}

/** Whatever the node in progress is, the process has woken up for this. */
function byProcess(kernel: Kernel, act: () => void): void {
  const { node } = kernel;
  kernel.node = Node.ApplicationWake;
  act();
  kernel.node = node;
}

/** A connection goes, and its stream with it. */
export function releaseStream(kernel: Kernel, stream: Stream): void {
  if (stream.kind === StreamKind.Server) abandon(kernel, stream);
  if (stream.kind === StreamKind.Upstream) loseUpstream(kernel, stream);
  kernel.streams.release(stream);
}

/** Bytes of a new message with its length in front. */
export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES + message.length);
  bytes[0] = message.length >>> 8;
  bytes[1] = message.length & 0xff;
  bytes.set(message, LENGTH_BYTES);
  return bytes;
}

/** Whether a connection is being set up by our own SYN. */
export function isConnecting({ connection }: Stream): boolean {
  return connection !== null && connection.state === TcpState.SynSent;
}
