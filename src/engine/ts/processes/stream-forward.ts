import { DNS_HEADER, DNS_PORT, DNS_SERVFAIL, DNS_UPSTREAM_TIMEOUT_NS } from "../../../../assembly/abi/dns";
import { answerMessage, EMPTY_FORM, flagsOf, idOf, questionNameEnd } from "../dns/message";
import type { DnsResolver } from "../dns/zones";
import type { Kernel } from "../kernel";
import { NO_DEADLINE } from "../tables/neighbour";
import type { Connection } from "../tables/connection";
import { LENGTH_BYTES, type Stream, StreamKind } from "../tables/stream";
import { close } from "../tcp/lifecycle";
import { connectFrom, pushWake } from "../tcp/splice";
import { hasRoute } from "./datagram";
import { isUsable } from "./forward";
import { armStream, framed, isConnecting, leave, notice, say } from "./stream";
import { giveUp, goOn, resolverOf } from "./stream-server";

/** A question that waits goes to the next server that can be asked. If there is none, the client is told what there is to tell. */
export function passOn(kernel: Kernel, stream: Stream, resolver: DnsResolver): void {
  if (askNext(kernel, stream, resolver)) return;
  const { held, whole } = stream;
  if (held !== null) finish(kernel, stream, held.whole);
  else if (resolver.isLegacy || whole === null) finish(kernel, stream, null);
  else finish(kernel, stream, failure(whole.subarray(LENGTH_BYTES)));
}

function failure(query: Uint8Array): Uint8Array {
  return framed(answerMessage(query, questionNameEnd(query), DNS_SERVFAIL, EMPTY_FORM, []));
}

function askNext(kernel: Kernel, stream: Stream, { upstreams }: DnsResolver): boolean {
  const flow = stream.connection?.flow ?? null;
  while (stream.tried < upstreams.length) {
    const { namespace, ip } = upstreams[stream.tried++];
    if (!hasRoute(namespace, ip) || kernel.connections.isFull || kernel.streams.isFull) continue;
    const connection = connectFrom(kernel, namespace, ip, DNS_PORT, flow, (opened) => {
      const upstream = kernel.streams.take(StreamKind.Upstream, opened);
      upstream.server = stream;
      upstream.older = stream.newest;
      stream.newest = upstream;
    });
    if (connection === null || connection.stream === null) continue;
    armStream(kernel, connection.stream, kernel.clock + DNS_UPSTREAM_TIMEOUT_NS);
    return true;
  }
  return false;
}

/** Whether a resolver has something to do about a server that it asks. */
export function wantsUpstream(stream: Stream): boolean {
  const { connection, server, isDone, hasAsked, whole } = stream;
  if (connection === null || server === null || isDone || isConnecting(stream)) return false;
  return !hasAsked || connection.eof || whole !== null;
}

/** The resolver's process runs: it writes the question, or reads the answer. */
export function serveUpstream(kernel: Kernel, stream: Stream): void {
  const { server } = stream;
  if (server === null) return;
  const resolver = resolverOf(kernel, server);
  if (resolver === null) giveUp(kernel, server);
  else if (stream.hasAsked) readAnswer(kernel, stream, server, resolver);
  else ask(kernel, stream, server);
}

function ask(kernel: Kernel, stream: Stream, { whole }: Stream): void {
  if (whole === null) return;
  stream.hasAsked = true;
  kernel.chargeCopy(whole.length);
  say(kernel, stream, whole);
  armStream(kernel, stream, kernel.clock + DNS_UPSTREAM_TIMEOUT_NS);
  notice(kernel, stream);
}

function readAnswer(kernel: Kernel, stream: Stream, server: Stream, resolver: DnsResolver): void {
  const { whole } = stream;
  const question = server.whole;
  if (whole === null || question === null) {
    fail(kernel, stream, server, resolver);
    return;
  }
  kernel.chargeCopy(whole.length);
  const message = whole.subarray(LENGTH_BYTES);
  const isIts = message.length >= DNS_HEADER && (resolver.isLegacy || idOf(message) === idOf(question.subarray(LENGTH_BYTES)));
  if (!isIts) {
    fail(kernel, stream, server, resolver);
    return;
  }
  const isGood = isUsable(flagsOf(message), resolver.isLegacy);
  putAside(kernel, stream, server, resolver);
  if (isGood) {
    finish(kernel, server, whole);
    return;
  }
  if (resolver.isLegacy) server.held = stream;
  passOn(kernel, server, resolver);
}

/** It did not answer, though it had the question or could have had it. */
function fail(kernel: Kernel, stream: Stream, server: Stream, resolver: DnsResolver): void {
  putAside(kernel, stream, server, resolver);
  server.held = null;
  passOn(kernel, server, resolver);
}

/** Nothing more is wanted of a server. 20.10 closes all of them at the end, others at once. */
function putAside(kernel: Kernel, stream: Stream, server: Stream, { isLegacy }: DnsResolver): void {
  stream.isDone = true;
  stream.deadline = NO_DEADLINE;
  if (isLegacy) return;
  unlink(stream, server);
  leave(kernel, stream);
}

/** The client gets an answer, its length included, or nothing; then its next question is read. */
function finish(kernel: Kernel, server: Stream, answer: Uint8Array | null): void {
  if (answer !== null) say(kernel, server, answer);
  abandon(kernel, server);
  goOn(kernel, server);
}

/** Whoever was asked for a question is left, the last one first. */
export function abandon(kernel: Kernel, server: Stream): void {
  let next = server.newest;
  server.newest = server.held = null;
  server.isWaiting = false;
  while (next !== null) {
    const stream = next;
    next = stream.older;
    stream.server = stream.older = null;
    if (isConnecting(stream) && stream.connection !== null) close(kernel, stream.connection);
    else leave(kernel, stream);
  }
}

/** No answer in time, or not even a connection. */
export function upstreamTimer(kernel: Kernel, stream: Stream, connection: Connection): void {
  const { server } = stream;
  if (server === null) return;
  const resolver = resolverOf(kernel, server);
  if (resolver === null) {
    giveUp(kernel, server);
  } else if (isConnecting(stream)) {
    unlink(stream, server);
    close(kernel, connection);
    passOn(kernel, server, resolver);
  } else {
    fail(kernel, stream, server, resolver);
  }
}

/** The connection to a server that was asked goes. */
export function loseUpstream(kernel: Kernel, stream: Stream): void {
  const { server } = stream;
  if (server === null) return;
  if (server.held === stream || (stream.hasAsked && !stream.isDone)) server.held = null;
  unlink(stream, server);
  if (!stream.isDone && server.connection !== null) pushWake(kernel, server.connection);
}

function unlink(stream: Stream, server: Stream): void {
  if (server.newest === stream) {
    server.newest = stream.older;
  } else {
    for (let newer = server.newest; newer !== null; newer = newer.older) {
      if (newer.older === stream) newer.older = stream.older;
    }
  }
  stream.server = stream.older = null;
}
