/**
 * TCP connections, one record per end. Key: namespace, local address and port, remote address and port. Capacity:
 * `capacity.connections`, the lowest free index first. Events belong to a record, not to one of its uses: at most one of each kind
 * is in the queue, and when it fires, the record says whether it means anything.
 */
import { TCP_HOLES_MAX, TCP_RTO_INITIAL_NS } from "../abi/limits";
import { SocketRole } from "../abi/program";
import { powerOfTwo, reserve } from "../memory/arena";
import { NEVER } from "../simulation/clock";
import { Event } from "../simulation/event-queue";
import { setTimer } from "../simulation/timer";
import { finalize } from "../simulation/random";
import { Namespace } from "./namespace";

/** RFC 9293 §3.3.2. */
export enum TcpState {
  Closed = 0,
  SynSent,
  SynReceived,
  Established,
  FinWait1,
  FinWait2,
  CloseWait,
  Closing,
  LastAck,
  TimeWait,
}

@unmanaged
export class Connection {
  /** Closed: the record is free. */
  state: TcpState;
  index: u32;
  namespace: Namespace;
  localIp: u32;
  remoteIp: u32;
  /** Local port in the high half, as in a segment that it sends. */
  ports: u32;
  /** The next one of the same place in the index, or 0. */
  next: usize;
  flow: u32;
  /** Role of the listening socket; Client: this end connected. */
  role: SocketRole;
  /** The socket that accepted it; of a proxy's connection, the other one. Both may be 0. */
  listener: usize;
  partner: usize;
  /** Bytes that a proxy has not passed on, or a process that speaks DNS has not read. */
  unread: u32;
  /** Sequence variables of RFC 9293 §3.3.1; writeEnd is one beyond the last byte that the process wrote, sndMax beyond what was ever sent. */
  iss: u32;
  irs: u32;
  sndUna: u32;
  sndNxt: u32;
  sndMax: u32;
  sndWnd: u32;
  writeEnd: u32;
  rcvNxt: u32;
  /** What our device carries, and what both ends carry, header included: RFC 9293 §3.7.1. */
  ownMss: u32;
  mss: u32;
  /** The last timestamp received. */
  echo: u32;
  /** Congestion window and the rest of Reno's state. */
  window: u32;
  threshold: u32;
  recover: u32;
  duplicates: u32;
  timedEnd: u32;
  /** Requests read and not answered. */
  owed: u32;
  /** What it says and hears where its process speaks DNS, or 0. */
  stream: usize;
  timedAt: i64;
  /** Smoothed round trip (RFC 6298), -1 before the first sample. */
  srtt: i64;
  rttvar: i64;
  rto: i64;
  deadline: i64;
  dueAt: i64;
  /** Bytes that arrived and do not make a message yet. */
  pending: u64;
  recovering: bool;
  /** A round trip is being measured. */
  timing: bool;
  /** The process has closed its side. */
  closing: bool;
  finReceived: bool;
  /** Timer events of it in the queue. */
  timers: u8;
  outputQueued: bool;
  outputWanted: bool;
  wakeQueued: bool;
  /** A proxy's; it has no partner any more or never got one; its other end will say no more. */
  spliced: bool;
  severed: bool;
  eof: bool;
  /** An acknowledgement waits for the timer. */
  ackDelayed: bool;
  /** Retransmissions in a row, and ranges that arrived out of order. */
  retries: u8;
  holeCount: u8;
}

const FIELDS: usize = 192;
/** Ranges of sequence numbers beyond rcvNxt that have arrived: begin and end, u32 each. */
const CONNECTION_BYTES: usize = FIELDS + <usize>TCP_HOLES_MAX * 8;

let base: usize = 0;
let capacity: u32 = 0;
let buckets: usize = 0;
let bucketMask: u32 = 0;
/** No lower index is free. */
let lowestFree: u32 = 0;

export function reserveConnections(entries: u32): void {
  if (offsetof<Connection>() > FIELDS) ERROR("Connection outgrew its stride");
  capacity = entries;
  base = reserve(entries, CONNECTION_BYTES);
  const size = powerOfTwo(max<u64>(<u64>entries * 2, 16));
  bucketMask = <u32>(size - 1);
  buckets = reserve(size, 4);
}

@inline export function isNoConnection(connection: Connection): bool {
  return changetype<usize>(connection) == 0;
}

@inline export function connectionAt(index: u32): Connection {
  return changetype<Connection>(base + <usize>index * CONNECTION_BYTES);
}

@inline function bucketOf(namespace: Namespace, localIp: u32, remoteIp: u32, ports: u32): usize {
  const hash = finalize(localIp ^ rotl<u32>(remoteIp, 13) ^ (ports * 0x9e3779b1) ^ (namespace.key * 0x85ebca77));
  return buckets + (<usize>(hash & bucketMask) << 2);
}

/** `ports` has the local one in its high half. */
export function findConnection(namespace: Namespace, localIp: u32, remoteIp: u32, ports: u32): Connection {
  let at = <usize>load<u32>(bucketOf(namespace, localIp, remoteIp, ports));
  while (at != 0) {
    const connection = changetype<Connection>(at);
    if (connection.ports == ports && connection.remoteIp == remoteIp && connection.localIp == localIp && connection.namespace == namespace) break;
    at = connection.next;
  }
  return changetype<Connection>(at);
}

export function hasFreeConnection(): bool {
  while (lowestFree < capacity && connectionAt(lowestFree).state != TcpState.Closed) lowestFree++;
  return lowestFree < capacity;
}

/** The free record of the lowest index, with everything but its sequence numbers and sizes at its start; there is one. */
export function takeConnection(namespace: Namespace, localIp: u32, remoteIp: u32, ports: u32, state: TcpState): Connection {
  assert(hasFreeConnection(), "connections: a record is free");
  const connection = connectionAt(lowestFree);
  connection.index = lowestFree;
  connection.state = state;
  connection.namespace = namespace;
  connection.localIp = localIp;
  connection.remoteIp = remoteIp;
  connection.ports = ports;
  connection.echo = 0;
  connection.retries = 0;
  connection.timing = false;
  connection.srtt = -1;
  connection.rttvar = 0;
  connection.rto = <i64>TCP_RTO_INITIAL_NS;
  connection.deadline = NEVER;
  connection.pending = 0;
  connection.owed = 0;
  connection.holeCount = 0;
  connection.closing = false;
  connection.finReceived = false;
  connection.outputWanted = false;
  connection.listener = 0;
  connection.partner = 0;
  connection.stream = 0;
  connection.unread = 0;
  connection.spliced = false;
  connection.severed = false;
  connection.eof = false;
  connection.ackDelayed = false;
  const bucket = bucketOf(namespace, localIp, remoteIp, ports);
  connection.next = load<u32>(bucket);
  store<u32>(bucket, <u32>changetype<usize>(connection));
  return connection;
}

export function freeConnection(connection: Connection): void {
  let link = bucketOf(connection.namespace, connection.localIp, connection.remoteIp, connection.ports);
  while (load<u32>(link) != <u32>changetype<usize>(connection)) link = <usize>load<u32>(link) + offsetof<Connection>("next");
  store<u32>(link, <u32>connection.next);
  connection.state = TcpState.Closed;
  connection.deadline = NEVER;
  connection.owed = 0;
  connection.outputWanted = false;
  lowestFree = min(lowestFree, connection.index);
}

/** Sets the retransmission timer. */
export function armConnection(connection: Connection, deadline: i64): void {
  setTimer(connection, deadline, Event.TcpTimer, <u32>changetype<usize>(connection));
}

/** Address of the `index`-th range that arrived out of order: begin, end. */
@inline export function holeAt(connection: Connection, index: u32): usize {
  return changetype<usize>(connection) + FIELDS + (<usize>index << 3);
}

/** Whether sequence number a comes before b (RFC 9293 §3.4). */
@inline export function isBefore(a: u32, b: u32): bool {
  return <i32>(a - b) < 0;
}
