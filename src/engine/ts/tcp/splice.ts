/** docker-proxy's connections: one that it accepted, one that it opened, and what passes between them. */
import { TCP_DELAYED_ACK_NS, TCP_RECEIVE_WINDOW, TCP_RTO_INITIAL_NS, TCP_SEND_BUFFER } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import type { Kernel } from "../kernel";
import { hasRoute, takePort } from "../processes/datagram";
import { notice } from "../processes/stream";
import { EventType } from "../simulation/event-queue";
import { type Connection, TcpState } from "../tables/connection";
import type { Flow } from "../tables/flow";
import type { Namespace } from "../tables/namespace";
import type { Socket } from "../tables/socket";
import { close, localIp, ownMss, segmentMax } from "./lifecycle";
import { scheduleOutput } from "./output";
import { sendAck, sendReset, sendSyn } from "./segment";
import { arm } from "./timer";

/** The proxy's process is to look after a connection. */
export function pushWake(kernel: Kernel, connection: Connection): void {
  if (connection.wakeQueued) return;
  connection.wakeQueued = true;
  kernel.queue.push(kernel.clock, EventType.TcpWake, connection.index, 0);
}

/** Something came that the proxy would read, if it reads at all: while it connects to the target, it does not. */
function notify(kernel: Kernel, connection: Connection): void {
  const { partner } = connection;
  if (partner !== null && partner.state !== TcpState.SynSent) pushWake(kernel, connection);
}

/** Bytes came in order. */
export function receiveSpliced(kernel: Kernel, connection: Connection, bytes: number): void {
  if (connection.isSevered) return;
  connection.unread += bytes;
  notify(kernel, connection);
}

/** The other end will say no more; the proxy, or whoever speaks DNS, still may. Says whether that is to be acknowledged now. */
export function receiveSplicedFin(kernel: Kernel, connection: Connection, wasOpen: boolean, length: number): boolean {
  connection.eof = true;
  if (connection.stream === null) notify(kernel, connection);
  else notice(kernel, connection.stream);
  const isIdle = connection.sndNxt === connection.writeEnd && connection.inFlight === 0;
  if (!wasOpen || length > 0 || !isIdle) return true;
  connection.ackDelayed = true;
  arm(kernel, connection, kernel.clock + TCP_DELAYED_ACK_NS);
  return false;
}

/** The proxy's process runs: it connects to the target, or passes on what it can. Its walk has begun. */
export function serveSpliced(kernel: Kernel, connection: Connection): void {
  const { partner, listener } = connection;
  if (partner === null && listener !== null && !connection.isSevered) {
    if (!open(kernel, connection, listener)) hangUp(kernel, connection);
    return;
  }
  if (partner === null || partner.state === TcpState.SynSent) return;
  const room = TCP_SEND_BUFFER - ((partner.writeEnd - partner.sndUna) | 0);
  const length = Math.max(0, Math.min(connection.unread, room));
  const wasNarrow = connection.unread > TCP_RECEIVE_WINDOW / 2;
  kernel.chargeCopy(length);
  partner.writeEnd = (partner.writeEnd + length) | 0;
  connection.unread -= length;
  if (length > 0) scheduleOutput(kernel, partner);
  if (wasNarrow && connection.unread <= TCP_RECEIVE_WINDOW / 2) sendAck(kernel, connection);
  if (!connection.eof || connection.unread > 0 || partner.closing) return;
  partner.closing = true;
  scheduleOutput(kernel, partner);
}

/** Connects to the proxy's target. False if there is no way. */
function open(kernel: Kernel, accepted: Connection, { namespace, targetIp, targetPort }: Socket): boolean {
  if (!hasRoute(namespace, targetIp) || kernel.connections.isFull) return false;
  const opened = connectFrom(kernel, namespace, targetIp, targetPort, accepted.flow, (connection) => {
    connection.isSpliced = true;
    connection.partner = accepted;
    accepted.partner = connection;
  });
  return opened !== null;
}

/** A process connects to a server because of a flow; null if there is no port. A record is free, and there is a way. */
export function connectFrom(kernel: Kernel, namespace: Namespace, ip: number, toPort: number, flow: Flow | null, prepare: (opened: Connection) => void): Connection | null {
  const { connections } = kernel;
  const local = localIp(kernel, namespace, ip);
  const port = takePort(namespace, (candidate) => connections.find(namespace, local, candidate, ip, toPort) === null);
  if (port === 0) return null;
  const opened = connections.take(namespace, local, port, ip, toPort);
  opened.begin(kernel.tcpRandom.next());
  opened.flow = flow;
  prepare(opened);
  opened.ownMss = ownMss(kernel, namespace, ip);
  opened.mss = Math.min(opened.ownMss, segmentMax(kernel, ip));
  opened.state = TcpState.SynSent;
  sendSyn(kernel, opened);
  opened.rto = TCP_RTO_INITIAL_NS;
  arm(kernel, opened, kernel.clock + opened.rto);
  return opened;
}

/** The proxy gives a client up: closing a socket with unread bytes resets its connection. */
function hangUp(kernel: Kernel, connection: Connection): void {
  connection.isSevered = true;
  if (connection.unread > 0) {
    const { node } = kernel;
    kernel.node = Node.ApplicationWake;
    sendReset(kernel, connection);
    kernel.node = node;
    close(kernel, connection);
    return;
  }
  connection.closing = true;
  scheduleOutput(kernel, connection);
}

/** A spliced connection ends: its partner goes on alone, and only to its own end. */
export function sever(kernel: Kernel, connection: Connection, hasFailed: boolean): void {
  const { partner } = connection;
  if (partner === null) return;
  connection.partner = partner.partner = null;
  connection.isSevered = partner.isSevered = true;
  if (connection.state === TcpState.SynSent) {
    hangUp(kernel, partner);
    return;
  }
  partner.unread = 0;
  if (!hasFailed) partner.writeEnd = (partner.writeEnd + connection.unread) | 0;
  partner.closing = true;
  scheduleOutput(kernel, partner);
}
