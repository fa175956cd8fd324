/** A resolver's connections to other servers, one for each that it asks about a question. */
import {
  DNS_HEADER,
  DNS_PORT,
  DNS_SERVFAIL,
  DNS_UPSTREAM_TIMEOUT_NS,
  RESOLVER_FLAGS,
  RESOLVER_LEGACY,
  RESOLVER_UPSTREAM_COUNT,
  RESOLVER_UPSTREAM_FIRST,
} from "../abi/dns";
import { Node } from "../abi/node";
import { clock, NEVER } from "../simulation/clock";
import { copyCost } from "../simulation/cpu";
import { freeConnection, hasFreeConnection, TcpState } from "../tables/connection";
import { armStream, connectionOf, freeStream, hasFreeStream, LENGTH, Stream, StreamKind, takeStream, wholeBytes } from "../tables/stream";
import { resolverAt, upstreamAddress, upstreamAt, upstreamStack } from "../tables/zone";
import { openFrom, queueWake } from "../tcp/splice";
import { canReach, MESSAGE } from "./datagram";
import { beginAnswer, endAnswer, flagsOf, idOf } from "./dns-message";
import { isWanted } from "./forward";
import { leave, rouse, say } from "./stream";
import { goOn, listenerOf, quit, servesNames } from "./stream-server";

@inline function newestOf(server: Stream): Stream {
  return changetype<Stream>(server.newest);
}

@inline function serverOf(stream: Stream): Stream {
  return changetype<Stream>(stream.server);
}

function isLegacy(server: Stream): bool {
  return (load<u32>(resolverAt(listenerOf(server).resolver), RESOLVER_FLAGS) & RESOLVER_LEGACY) != 0;
}

function isConnecting(stream: Stream): bool {
  return connectionOf(stream).state == TcpState.SynSent;
}

/** Whether somebody is being asked for a server that waits. */
export function isServed(server: Stream): bool {
  return server.newest != 0 && !newestOf(server).done;
}

/** The next one is asked; with nobody left the client hears what there is to say. */
export function nextUpstream(server: Stream, inProgress: Node): void {
  if (openNext(server, inProgress)) return;
  if (server.held != 0) {
    const held = changetype<Stream>(server.held);
    answer(server, loadMessage(held));
  } else if (isLegacy(server)) {
    done(server);
  } else {
    loadMessage(server);
    answer(server, endAnswer(beginAnswer(), 0, DNS_SERVFAIL));
  }
}

/** Copies the first message of a stream to MESSAGE; returns its length. */
function loadMessage(stream: Stream): u32 {
  const bytes = wholeBytes(stream) - LENGTH;
  memory.copy(MESSAGE, stream.heard + LENGTH, bytes);
  return bytes;
}

/** The client gets MESSAGE. */
function answer(server: Stream, bytes: u32): void {
  say(server, bytes);
  done(server);
}

function done(server: Stream): void {
  leaveUpstreams(server);
  goOn(server);
}

function openNext(server: Stream, inProgress: Node): bool {
  const resolver = resolverAt(listenerOf(server).resolver);
  const first = load<u32>(resolver, RESOLVER_UPSTREAM_FIRST);
  const count = load<u32>(resolver, RESOLVER_UPSTREAM_COUNT);
  while (server.tried < count) {
    const upstream = upstreamAt(first + server.tried++);
    const stack = upstreamStack(upstream);
    const address = upstreamAddress(upstream);
    if (!canReach(stack, address) || !hasFreeConnection() || !hasFreeStream()) continue;
    const connection = openFrom(stack, address, DNS_PORT, connectionOf(server).flow, inProgress);
    if (changetype<usize>(connection) == 0) continue;
    const stream = takeStream(StreamKind.Upstream, connection);
    stream.server = changetype<usize>(server);
    stream.older = server.newest;
    server.newest = changetype<usize>(stream);
    armStream(stream, clock + <i64>DNS_UPSTREAM_TIMEOUT_NS);
    return true;
  }
  return false;
}

export function isUpstreamDue(stream: Stream): bool {
  if (stream.server == 0 || stream.done || isConnecting(stream)) return false;
  return !stream.asked || connectionOf(stream).eof || wholeBytes(stream) != 0;
}

export function runUpstream(stream: Stream): void {
  const server = serverOf(stream);
  if (!servesNames(listenerOf(server))) {
    quit(server);
  } else if (!stream.asked) {
    stream.asked = true;
    const bytes = loadMessage(server);
    copyCost(LENGTH + bytes);
    say(stream, bytes);
    armStream(stream, clock + <i64>DNS_UPSTREAM_TIMEOUT_NS);
    rouse(stream);
  } else if (wholeBytes(stream) == 0) {
    fail(stream, Node.ApplicationWake);
  } else {
    judge(stream, server);
  }
}

function judge(stream: Stream, server: Stream): void {
  const bytes = wholeBytes(stream);
  copyCost(bytes);
  const legacy = isLegacy(server);
  const message = stream.heard + LENGTH;
  const isAnswer = bytes >= LENGTH + <u32>DNS_HEADER && (legacy || idOf(message) == idOf(server.heard + LENGTH));
  if (!isAnswer) {
    fail(stream, Node.ApplicationWake);
    return;
  }
  if (isWanted(flagsOf(message), legacy)) {
    const length = loadMessage(stream);
    retire(stream, server);
    answer(server, length);
    return;
  }
  retire(stream, server);
  if (legacy) server.held = changetype<usize>(stream);
  nextUpstream(server, Node.ApplicationWake);
}

/** It had the question, and gave no answer. */
function fail(stream: Stream, inProgress: Node): void {
  const server = serverOf(stream);
  retire(stream, server);
  server.held = 0;
  nextUpstream(server, inProgress);
}

/** Docker 20.10 closes the connections of a question when it is done with it; later ones at once. */
function retire(stream: Stream, server: Stream): void {
  stream.done = true;
  stream.deadline = NEVER;
  if (isLegacy(server)) return;
  unlink(stream, server);
  leave(stream);
}

/** Closes what was opened for a question, from the last one to the first. */
export function leaveUpstreams(server: Stream): void {
  server.waiting = false;
  server.held = 0;
  while (server.newest != 0) {
    const stream = newestOf(server);
    unlink(stream, server);
    if (isConnecting(stream)) freeQuietly(stream);
    else leave(stream);
  }
}

function freeQuietly(stream: Stream): void {
  const connection = connectionOf(stream);
  freeStream(stream);
  freeConnection(connection);
}

/** Its StreamTimer: no connection or no answer in time. */
export function expireUpstream(stream: Stream): void {
  const server = serverOf(stream);
  if (!servesNames(listenerOf(server))) {
    quit(server);
  } else if (isConnecting(stream)) {
    unlink(stream, server);
    freeQuietly(stream);
    nextUpstream(server, Node.Timer);
  } else {
    fail(stream, Node.Timer);
  }
}

/** Its connection goes; a server that waited for it goes on. */
export function forgetUpstream(stream: Stream): void {
  if (stream.server == 0) return;
  const server = serverOf(stream);
  const isPending = !stream.done;
  if (server.held == changetype<usize>(stream) || (isPending && stream.asked)) server.held = 0;
  unlink(stream, server);
  if (isPending) queueWake(connectionOf(server));
}

/** Takes a stream out of the chain of those that were asked. */
function unlink(stream: Stream, server: Stream): void {
  const own = changetype<usize>(stream);
  if (server.newest == own) {
    server.newest = stream.older;
  } else {
    let newer = newestOf(server);
    while (newer.older != own) newer = changetype<Stream>(newer.older);
    newer.older = stream.older;
  }
  stream.server = 0;
  stream.older = 0;
}
