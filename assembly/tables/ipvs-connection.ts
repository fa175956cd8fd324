/**
 * Connections of IPVS (ip_vs_conn). Keys: client, virtual address and ports of a stack and protocol; and, to find answers, the real
 * address in place of the virtual one. Capacity: `capacity.ipvsConnections`. No timer: one past its deadline is dead, and whoever meets
 * it frees it; a new one that finds no place frees all dead ones first. Addresses and ports are as they lie in headers.
 */
import { CAPACITY_IPVS_CONNECTIONS } from "../abi/image";
import { Forwarding } from "../abi/ipvs";
import { NONE } from "../abi/version";
import { powerOfTwo, reserve } from "../memory/arena";
import { capacity as capacityOf } from "../memory/image";
import { clock } from "../simulation/clock";
import { swap32 } from "../wire/bytes";
import { dieNotAfter, GONE, IN_CONNECTION, remove, Tracked } from "./conntrack";
import { Service, serverOf } from "./virtual-service";

@unmanaged
export class IpvsConnection {
  deadline: i64;
  client: u32;
  virtual: u32;
  real: u32;
  /** As in a request: the client's in the low half. */
  ports: u32;
  /** Protocol | key of the stack << 8; 0: the record is free. */
  kind: u32;
  service: Service;
  /** Index of the real server. */
  server: u32;
  forwarding: u8;
  /** Of TCP: a column of the table of states. */
  state: u8;
  /** What conntrack knows it as, or null. */
  tracked: Tracked;
  /** Address of the next one of the same bucket, or 0; of free records, the next one. */
  next: u32;
  nextReply: u32;
}

const CONNECTION_BYTES: usize = 64;

let base: usize = 0;
let capacity: u32 = 0;
/** Records below this one have been used. */
let fresh: u32 = 0;
let free: u32 = 0;
let requests: usize = 0;
let replies: usize = 0;
let bucketShift: u32 = 0;

export function reserveIpvsConnections(): void {
  if (offsetof<IpvsConnection>() > CONNECTION_BYTES) ERROR("IpvsConnection outgrew its stride");
  capacity = capacityOf(CAPACITY_IPVS_CONNECTIONS);
  base = reserve(capacity, CONNECTION_BYTES);
  const size = powerOfTwo(max<u64>(<u64>capacity * 2, 4));
  requests = reserve(size, 4);
  replies = reserve(size, 4);
  bucketShift = <u32>(64 - ctz(size));
}

@inline export function isNoConnection(connection: IpvsConnection): bool {
  return changetype<usize>(connection) == 0;
}

@inline function connectionAt(index: u32): IpvsConnection {
  return changetype<IpvsConnection>(base + <usize>index * CONNECTION_BYTES);
}

@inline function placeOf(client: u32, other: u32, ports: u32, kind: u32): usize {
  const hash = ((<u64>client | (<u64>other << 32)) ^ rotl<u64>((<u64>ports | (<u64>kind << 32)) * 0x9e3779b97f4a7c15, 31)) * 0xd6e8feb86659fd93;
  return <usize>(hash >> bucketShift) << 2;
}

/** The live connection of a request, or null. */
export function findRequest(client: u32, virtual: u32, ports: u32, kind: u32): IpvsConnection {
  let at = <usize>load<u32>(requests + placeOf(client, virtual, ports, kind));
  while (at != 0) {
    const connection = changetype<IpvsConnection>(at);
    at = connection.next;
    if (connection.client != client || connection.virtual != virtual || connection.ports != ports || connection.kind != kind) continue;
    if (clock < connection.deadline) return connection;
    removeConnection(connection);
  }
  return changetype<IpvsConnection>(0);
}

/** The live connection that a real server answers in, or null; the ports are those of the request. */
export function findReply(client: u32, real: u32, ports: u32, kind: u32): IpvsConnection {
  let at = <usize>load<u32>(replies + placeOf(client, real, ports, kind));
  while (at != 0) {
    const connection = changetype<IpvsConnection>(at);
    at = connection.nextReply;
    if (connection.client != client || connection.real != real || connection.ports != ports || connection.kind != kind) continue;
    if (clock < connection.deadline) return connection;
    removeConnection(connection);
  }
  return changetype<IpvsConnection>(0);
}

/** A record that nobody finds yet, or null. */
export function takeConnection(): IpvsConnection {
  if (free == 0 && fresh == capacity) removeDead();
  if (free != 0) {
    const connection = changetype<IpvsConnection>(<usize>free);
    free = connection.next;
    return connection;
  }
  if (fresh == capacity) return changetype<IpvsConnection>(0);
  fresh++;
  return connectionAt(fresh - 1);
}

function removeDead(): void {
  for (let index: u32 = 0; index < fresh; index++) {
    const connection = connectionAt(index);
    if (connection.kind != 0 && clock >= connection.deadline) removeConnection(connection);
  }
}

/** From now on it is found by what it was filled with. */
export function insertConnection(connection: IpvsConnection): void {
  const address = <u32>changetype<usize>(connection);
  connection.tracked = changetype<Tracked>(0);
  const bucket = requests + placeOf(connection.client, connection.virtual, connection.ports, connection.kind);
  connection.next = load<u32>(bucket);
  store<u32>(bucket, address);
  if (connection.forwarding != Forwarding.Masquerade) return;
  const replyBucket = replies + placeOf(connection.client, connection.real, connection.ports, connection.kind);
  connection.nextReply = load<u32>(replyBucket);
  store<u32>(replyBucket, address);
}

/** It is found no more, and neither is what conntrack knows it as. */
export function removeConnection(connection: IpvsConnection): void {
  unlink(connection, requests + placeOf(connection.client, connection.virtual, connection.ports, connection.kind), offsetof<IpvsConnection>("next"));
  if (connection.forwarding == Forwarding.Masquerade) {
    unlink(connection, replies + placeOf(connection.client, connection.real, connection.ports, connection.kind), offsetof<IpvsConnection>("nextReply"));
  }
  const tracked = connection.tracked;
  if (changetype<usize>(tracked) != 0) remove(tracked);
  connection.kind = 0;
  connection.next = free;
  free = <u32>changetype<usize>(connection);
}

function unlink(connection: IpvsConnection, bucket: usize, field: usize): void {
  let link = bucket;
  while (load<u32>(link) != <u32>changetype<usize>(connection)) link = <usize>load<u32>(link) + field;
  store<u32>(link, load<u32>(changetype<usize>(connection) + field));
}

export function setConnectionDeadline(connection: IpvsConnection, deadline: i64): void {
  connection.deadline = deadline;
  if (changetype<usize>(connection.tracked) != 0) dieNotAfter(connection.tracked, deadline);
}

/** What conntrack knows the connection as from now on. One that is found no more is none. */
export function joinTracked(connection: IpvsConnection, tracked: Tracked): void {
  const before = connection.tracked;
  if (before == tracked) return;
  if (changetype<usize>(before) != 0) before.status &= ~IN_CONNECTION;
  connection.tracked = changetype<Tracked>(0);
  if (tracked.status & GONE) return;
  assert(!(tracked.status & IN_CONNECTION), "ipvs: an entry of conntrack is in one connection at most");
  tracked.status |= IN_CONNECTION;
  tracked.connection = <u32>changetype<usize>(connection);
  connection.tracked = tracked;
  dieNotAfter(tracked, connection.deadline);
}

/** An entry of conntrack goes: its connection lives on without. */
export function leaveConnection(tracked: Tracked): void {
  tracked.status &= ~IN_CONNECTION;
  changetype<IpvsConnection>(<usize>tracked.connection).tracked = changetype<Tracked>(0);
}

@inline export function deadlineOfConnection(tracked: Tracked): i64 {
  return changetype<IpvsConnection>(<usize>tracked.connection).deadline;
}

/** Connections stay with their real servers where those are now; without one they go (expire_nodest_conn). */
export function followServices(): void {
  for (let index: u32 = 0; index < fresh; index++) {
    const connection = connectionAt(index);
    if (connection.kind == 0) continue;
    const successor = connection.service.successor;
    const service = changetype<Service>(<usize>successor);
    const server = successor == 0 ? NONE : serverOf(service, swap32(connection.real));
    if (server == NONE) {
      removeConnection(connection);
      continue;
    }
    connection.service = service;
    connection.server = server;
  }
}
