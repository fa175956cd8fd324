/** DNS over TCP: bytes that come and go on connections whose processes speak it, and when those run. */
import { DNS_FIRST_QUESTION_NS, DNS_STREAM_BYTES } from "../abi/dns";
import { Node } from "../abi/node";
import { finish } from "../graph/walk";
import { transportIn } from "../memory/network";
import { Packet } from "../memory/pool";
import { RETRY } from "../nodes/timer";
import { clock, NEVER, now } from "../simulation/clock";
import { copyCost, enter, visit } from "../simulation/cpu";
import { takeTimer } from "../simulation/timer";
import { Connection, freeConnection, isBefore } from "../tables/connection";
import { armStream, connectionOf, freeStream, LENGTH, Stream, StreamKind, streamOf, wholeBytes } from "../tables/stream";
import { isOfFlow } from "../tcp/close";
import { completeQuery } from "../tcp/deliver";
import { scheduleOutput } from "../tcp/output";
import { sendAck, sendSegment } from "../tcp/segment";
import { queueWake } from "../tcp/splice";
import { store16 } from "../wire/bytes";
import { ACK, dataOffset, RST } from "../wire/tcp";
import { MESSAGE } from "./datagram";
import { expireUpstream, forgetUpstream, isUpstreamDue, leaveUpstreams, runUpstream } from "./stream-forward";
import { isServerDue, runServer } from "./stream-server";

const HALF: u32 = <u32>DNS_STREAM_BYTES / 2;

/** Takes the data of a segment, which `bytes` there are of. False: they reach beyond what can be kept. */
export function hear(connection: Connection, packet: Packet, sequence: u32, bytes: u32): bool {
  const stream = streamOf(connection);
  if (stream.left) return true;
  const begin = connection.rcvNxt - connection.unread;
  const end = sequence + bytes - begin;
  if (<i32>end > DNS_STREAM_BYTES) return false;
  const fresh = isBefore(sequence, connection.rcvNxt) ? connection.rcvNxt : sequence;
  const place = fresh - begin;
  if (<i32>(end - place) <= 0) return true;
  const tcp = transportIn(packet);
  memory.copy(stream.heard + place, tcp + dataOffset(tcp) + (fresh - sequence), end - place);
  return true;
}

/** `bytes` more are in order. */
export function takeHeard(connection: Connection, packet: Packet, bytes: u32): void {
  const stream = streamOf(connection);
  const isClient = stream.kind == StreamKind.Client;
  if (isClient) copyCost(bytes);
  if (stream.left) return;
  connection.unread += bytes;
  if (!isClient) {
    rouse(stream);
    return;
  }
  const whole = wholeBytes(stream);
  if (whole == 0 || !isOfFlow(connection)) return;
  completeQuery(connection, packet, stream.heard + LENGTH, whole);
}

/** Whether the process of a stream has something to do. */
export function isDue(stream: Stream): bool {
  if (stream.kind == StreamKind.Client) return false;
  return stream.kind == StreamKind.Server ? isServerDue(stream) : isUpstreamDue(stream);
}

/** Wakes the process if it has something to do. */
export function rouse(stream: Stream): void {
  if (isDue(stream)) queueWake(connectionOf(stream));
}

/** New bytes are acknowledged: a server may have waited for that. */
export function noteAcknowledged(connection: Connection): void {
  const stream = streamOf(connection);
  if (stream.kind == StreamKind.Server && !stream.waiting) rouse(stream);
}

/** The handshake is over. */
export function noteEstablished(connection: Connection): void {
  const stream = streamOf(connection);
  if (stream.kind == StreamKind.Server) armStream(stream, clock + <i64>DNS_FIRST_QUESTION_NS);
  else rouse(stream);
}

/** A TcpWake, within its walk. */
export function runStream(stream: Stream): void {
  if (stream.kind == StreamKind.Server) runServer(stream);
  else runUpstream(stream);
}

/** A StreamTimer event. */
export function streamTimer(stream: Stream): void {
  if (!takeTimer(stream)) return;
  if (stream.deadline > now) {
    armStream(stream, stream.deadline);
  } else if (!enter(connectionOf(stream).namespace.cpu, now)) {
    armStream(stream, now + RETRY);
  } else {
    stream.deadline = NEVER;
    visit(Node.Timer);
    if (stream.kind == StreamKind.Server) leave(stream);
    else expireUpstream(stream);
    finish();
  }
}

/** Says `bytes` bytes of MESSAGE, with their length in front; everything before them is acknowledged. */
export function writeMessage(stream: Stream, bytes: u32): void {
  const connection = connectionOf(stream);
  store16(stream.said, bytes);
  memory.copy(stream.said + LENGTH, MESSAGE, bytes);
  stream.saidFrom = connection.writeEnd;
  connection.writeEnd += LENGTH + bytes;
}

export function say(stream: Stream, bytes: u32): void {
  writeMessage(stream, bytes);
  scheduleOutput(connectionOf(stream));
}

/** The first `bytes` bytes are read. */
export function discard(stream: Stream, bytes: u32): void {
  const connection = connectionOf(stream);
  const wasNarrow = connection.unread > HALF;
  connection.unread -= bytes;
  memory.copy(stream.heard, stream.heard + bytes, <usize>DNS_STREAM_BYTES - bytes);
  if (wasNarrow && connection.unread <= HALF) sendAck(connection, Node.ApplicationWake);
}

/** The process closes its end of the connection. */
export function leave(stream: Stream): void {
  const connection = connectionOf(stream);
  stream.left = true;
  stream.deadline = NEVER;
  connection.unread = 0;
  connection.closing = true;
  scheduleOutput(connection);
}

/** close(2): unread bytes make it a reset. */
export function hangUp(stream: Stream): void {
  const connection = connectionOf(stream);
  if (connection.unread == 0) {
    leave(stream);
    return;
  }
  sendSegment(connection, connection.sndNxt, 0, RST | ACK, Node.ApplicationWake);
  dropStream(connection);
  freeConnection(connection);
}

/** The connection is about to go, or has nothing to say any more. */
export function dropStream(connection: Connection): void {
  if (connection.stream == 0) return;
  const stream = streamOf(connection);
  if (stream.kind == StreamKind.Server) leaveUpstreams(stream);
  else if (stream.kind == StreamKind.Upstream) forgetUpstream(stream);
  freeStream(stream);
}
