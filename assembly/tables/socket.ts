/**
 * Sockets. Key: stack, protocol and port; among those of one key an exact address wins over any address, then the lowest
 * index. Capacity: `capacity.sockets`. A patch may append or replace one: the index of keys is then built anew.
 */
import { Section } from "../abi/image";
import { Family } from "../abi/netfilter";
import {
  SOCKET_FAMILY,
  SOCKET_FLAGS,
  SOCKET_FLOW,
  SOCKET_IP,
  SOCKET_IP6,
  SOCKET_NAMESPACE,
  SOCKET_PORT,
  SOCKET_PROTOCOL,
  SOCKET_RESOLVER,
  SOCKET_RESPONSE_BYTES,
  SOCKET_ROLE,
  SOCKET_SIZE,
  SOCKET_TARGET_FAMILY,
  SOCKET_TARGET_IP,
  SOCKET_TARGET_IP6,
  SOCKET_TARGET_PORT,
  SocketRole,
} from "../abi/program";
import { PROTOCOL_TCP } from "../abi/protocol";
import { reserve } from "../memory/arena";
import { HashTable } from "../memory/hash-table";
import { record, recordCount } from "../memory/image";
import { noteTarget6, noteWords6 } from "./address6";
import { Namespace, namespaceAt, stackOf } from "./namespace";
import { freeSessionsOf, hasSessions } from "./session";

@unmanaged
export class Socket {
  namespace: Namespace;
  protocol: u32;
  ip: u32;
  port: u32;
  role: SocketRole;
  flow: u32;
  /** Datagrams that wait for the process. */
  waiting: u32;
  /** The next one of the same key, or null. */
  next: usize;
  /** Of a proxy. */
  targetStack: Namespace;
  targetIp: u32;
  targetPort: u32;
  /** Of an identity server. */
  responseBytes: u32;
  /** Of a name server. */
  resolver: u32;
  flags: u32;
}

const SOCKET_BYTES: usize = 64;
const TABLE = changetype<HashTable>(memory.data(16, 8));

let base: usize = 0;
/** The records that are in force, SOCKET_SIZE bytes each. */
let records: usize = 0;
export let socketCount: u32 = 0;

export function reserveSockets(entries: u32): void {
  if (offsetof<Socket>() > SOCKET_BYTES) ERROR("Socket outgrew its stride");
  base = reserve(entries, SOCKET_BYTES);
  records = reserve(entries, SOCKET_SIZE);
  TABLE.reserve(entries);
}

@inline export function isNoSocket(socket: Socket): bool {
  return changetype<usize>(socket) == 0;
}

@inline function socketAt(index: u32): Socket {
  return changetype<Socket>(base + <usize>index * SOCKET_BYTES);
}

@inline function keyOf(namespace: Namespace, protocol: u32, port: u32): u64 {
  return (<u64>(namespace.key + 1) << 32) | (protocol << 16) | port;
}

/** Who receives what is sent to an address and a port, or null. Of TCP sockets only those that listen count. */
@inline export function findSocket(namespace: Namespace, protocol: u32, ip: u32, port: u32): Socket {
  let any: usize = 0;
  for (let at = <usize>TABLE.find(keyOf(namespace, protocol, port)); at != 0; at = changetype<Socket>(at).next) {
    const socket = changetype<Socket>(at);
    if (protocol == PROTOCOL_TCP && socket.role == SocketRole.Client) continue;
    if (socket.ip == ip) return socket;
    if (socket.ip == 0 && any == 0) any = at;
  }
  return changetype<Socket>(any);
}

/** Whether anybody has bound the port, to whatever address. */
export function hasSocket(namespace: Namespace, protocol: u32, port: u32): bool {
  return TABLE.find(keyOf(namespace, protocol, port)) != 0;
}

/** Those of the program; what waits at one that is replaced stays. */
export function fillSockets(): void {
  const count = recordCount(Section.Sockets);
  socketCount = max(socketCount, count);
  for (let index: u32 = 0; index < count; index++) writeSocket(index, record(Section.Sockets, index, SOCKET_SIZE));
  indexSockets();
}

/** Appends or replaces; what waits at a replaced socket stays. */
export function setSocket(index: u32, from: usize): void {
  writeSocket(index, from);
  if (index == socketCount) socketCount++;
  indexSockets();
}

function writeSocket(index: u32, from: usize): void {
  const socket = socketAt(index);
  const record = records + <usize>index * SOCKET_SIZE;
  if (hasSessions() && memory.compare(record, from, SOCKET_SIZE) != 0) freeSessionsOf(socket);
  memory.copy(record, from, SOCKET_SIZE);
  const namespace = namespaceAt(load<u32>(from, SOCKET_NAMESPACE));
  const isIpv6 = load<u32>(from, SOCKET_FAMILY) == Family.Ipv6;
  const targetsIpv6 = load<u32>(from, SOCKET_TARGET_FAMILY) == Family.Ipv6;
  socket.namespace = stackOf(namespace, isIpv6);
  socket.targetStack = stackOf(namespace, targetsIpv6);
  socket.protocol = load<u32>(from, SOCKET_PROTOCOL);
  socket.ip = isIpv6 ? noteWords6(from + SOCKET_IP6) : load<u32>(from, SOCKET_IP);
  socket.port = load<u32>(from, SOCKET_PORT);
  socket.role = load<u32>(from, SOCKET_ROLE);
  socket.flow = load<u32>(from, SOCKET_FLOW);
  socket.targetIp = targetsIpv6 ? noteTarget6(from + SOCKET_TARGET_IP6) : load<u32>(from, SOCKET_TARGET_IP);
  socket.targetPort = load<u32>(from, SOCKET_TARGET_PORT);
  socket.responseBytes = load<u32>(from, SOCKET_RESPONSE_BYTES);
  socket.resolver = load<u32>(from, SOCKET_RESOLVER);
  socket.flags = load<u32>(from, SOCKET_FLAGS);
}

function indexSockets(): void {
  TABLE.clear();
  for (let index: u32 = 0; index < socketCount; index++) {
    const socket = socketAt(index);
    const key = keyOf(socket.namespace, socket.protocol, socket.port);
    socket.next = 0;
    let last = <usize>TABLE.find(key);
    if (last == 0) {
      TABLE.insert(key, <u32>changetype<usize>(socket));
      continue;
    }
    while (changetype<Socket>(last).next != 0) last = changetype<Socket>(last).next;
    changetype<Socket>(last).next = changetype<usize>(socket);
  }
}
