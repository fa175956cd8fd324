/**
 * Datagram sockets that processes open: docker-proxy's, one per client, and those of a resolver's queries. Keys: (namespace, local
 * port), and for a proxy (socket, client). Capacity: `capacity.sessions`, the lowest free index first.
 */
import { DNS_MESSAGE_MAX } from "../abi/dns";
import { powerOfTwo, reserve } from "../memory/arena";
import { NEVER } from "../simulation/clock";
import { Event } from "../simulation/event-queue";
import { setTimer } from "../simulation/timer";
import { finalize } from "../simulation/random";
import { Namespace } from "./namespace";
import { Socket } from "./socket";

export enum SessionKind {
  Proxy = 0,
  Forward,
}

@unmanaged
export class Session {
  index: u32;
  kind: SessionKind;
  /** Whose process it is; 0: the record is free. */
  socket: usize;
  /** Null while it has no end of its own. */
  namespace: Namespace;
  port: u32;
  remoteIp: u32;
  remotePort: u32;
  clientIp: u32;
  clientPort: u32;
  askedIp: u32;
  /** Of the query that is forwarded. */
  flow: u32;
  sequence: u32;
  trace: u32;
  queryBytes: u32;
  bornAt: i64;
  deadline: i64;
  dueAt: i64;
  /** Upstream servers that were tried. */
  tried: u32;
  /** Timer events of it in the queue. */
  timers: u8;
  /** The next of the same place in the index, or 0. */
  next: usize;
}

const SESSION_BYTES: usize = 96;

let base: usize = 0;
let queries: usize = 0;
let capacity: u32 = 0;
let buckets: usize = 0;
let bucketMask: u32 = 0;
/** Sessions that have an end of their own. */
let bound: u32 = 0;

export function reserveSessions(entries: u32): void {
  if (offsetof<Session>() > SESSION_BYTES) ERROR("Session outgrew its stride");
  capacity = entries;
  base = reserve(entries, SESSION_BYTES);
  queries = reserve(entries, DNS_MESSAGE_MAX);
  const size = powerOfTwo(max<u64>(entries, 16));
  buckets = reserve(size, 4);
  bucketMask = <u32>(size - 1);
}

@inline export function isNoSession(session: Session): bool {
  return changetype<usize>(session) == 0;
}

@inline export function hasSessions(): bool {
  return bound != 0;
}

@inline function sessionAt(index: u32): Session {
  return changetype<Session>(base + <usize>index * SESSION_BYTES);
}

@inline export function socketOf(session: Session): Socket {
  return changetype<Socket>(session.socket);
}

/** Where its query is kept. */
export function queryOf(session: Session): usize {
  return queries + <usize>session.index * DNS_MESSAGE_MAX;
}

/** A record without an end of its own, or null. */
export function takeSession(kind: SessionKind, socket: Socket): Session {
  for (let index: u32 = 0; index < capacity; index++) {
    const session = sessionAt(index);
    if (session.socket != 0) continue;
    session.index = index;
    session.kind = kind;
    session.socket = changetype<usize>(socket);
    session.namespace = changetype<Namespace>(0);
    session.tried = 0;
    session.deadline = NEVER;
    return session;
  }
  return changetype<Session>(0);
}

/** Gives it an end in a namespace, in place of the one that it had. */
export function bindSession(session: Session, namespace: Namespace, port: u32, remoteIp: u32, remotePort: u32): void {
  unbind(session);
  session.namespace = namespace;
  session.port = port;
  session.remoteIp = remoteIp;
  session.remotePort = remotePort;
  const bucket = bucketOf(namespace, port);
  session.next = load<u32>(bucket);
  store<u32>(bucket, <u32>changetype<usize>(session));
  bound++;
}

function unbind(session: Session): void {
  if (changetype<usize>(session.namespace) == 0) return;
  let link = bucketOf(session.namespace, session.port);
  while (load<u32>(link) != <u32>changetype<usize>(session)) link = <usize>load<u32>(link) + offsetof<Session>("next");
  store<u32>(link, <u32>session.next);
  session.namespace = changetype<Namespace>(0);
  bound--;
}

@inline function bucketOf(namespace: Namespace, port: u32): usize {
  return buckets + (<usize>(finalize((namespace.key << 16) ^ port) & bucketMask) << 2);
}

/** Who has a port of a namespace, or null. */
export function sessionOfPort(namespace: Namespace, port: u32): Session {
  let at = <usize>load<u32>(bucketOf(namespace, port));
  while (at != 0) {
    const session = changetype<Session>(at);
    if (session.port == port && session.namespace == namespace) break;
    at = session.next;
  }
  return changetype<Session>(at);
}

/** Who receives what a server sends to a port of a namespace, or null. */
export function findSession(namespace: Namespace, port: u32, remoteIp: u32, remotePort: u32): Session {
  const session = sessionOfPort(namespace, port);
  const isIts = !isNoSession(session) && session.remoteIp == remoteIp && session.remotePort == remotePort;
  return isIts ? session : changetype<Session>(0);
}

/** A proxy's session with a client, or null. */
export function sessionOfClient(socket: Socket, clientIp: u32, clientPort: u32): Session {
  for (let index: u32 = 0; index < capacity; index++) {
    const session = sessionAt(index);
    if (session.socket != changetype<usize>(socket) || session.kind != SessionKind.Proxy) continue;
    if (session.clientIp == clientIp && session.clientPort == clientPort) return session;
  }
  return changetype<Session>(0);
}

export function freeSession(session: Session): void {
  unbind(session);
  session.socket = 0;
  session.deadline = NEVER;
}

/** The process of a socket is gone. */
export function freeSessionsOf(socket: Socket): void {
  for (let index: u32 = 0; index < capacity; index++) {
    const session = sessionAt(index);
    if (session.socket == changetype<usize>(socket)) freeSession(session);
  }
}

export function armSession(session: Session, deadline: i64): void {
  setTimer(session, deadline, Event.SessionTimer, <u32>changetype<usize>(session));
}
