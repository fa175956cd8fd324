/** docker-proxy over TCP: a connection that it accepted and the one that it opened for it, and the bytes between them. */
import { TCP_DELAYED_ACK_NS, TCP_RECEIVE_WINDOW, TCP_SEND_BUFFER } from "../abi/limits";
import { Node } from "../abi/node";
import { SocketRole } from "../abi/program";
import { canReach, nextPort, PORTS_TO_TRY } from "../processes/datagram";
import { rouse } from "../processes/stream";
import { clock } from "../simulation/clock";
import { copyCost } from "../simulation/cpu";
import { Event, pushEvent } from "../simulation/event-queue";
import { armConnection, Connection, findConnection, freeConnection, hasFreeConnection, isNoConnection, TcpState } from "../tables/connection";
import { Namespace } from "../tables/namespace";
import { Socket } from "../tables/socket";
import { streamOf } from "../tables/stream";
import { localAddress, openConnection } from "./connect";
import { scheduleOutput } from "./output";
import { sendAck, sendSegment } from "./segment";
import { ACK, RST } from "../wire/tcp";

const HALF_WINDOW: u32 = <u32>TCP_RECEIVE_WINDOW / 2;

@inline function partnerOf(connection: Connection): Connection {
  return changetype<Connection>(connection.partner);
}

export function queueWake(connection: Connection): void {
  if (connection.wakeQueued) return;
  connection.wakeQueued = true;
  pushEvent(clock, Event.TcpWake, <u32>changetype<usize>(connection), 0);
}

/** The process reads only what it can pass on to somebody. */
function notify(connection: Connection): void {
  if (connection.partner != 0 && partnerOf(connection).state != TcpState.SynSent) queueWake(connection);
}

/** `bytes` more are in order. */
export function receiveSpliced(connection: Connection, bytes: u32): void {
  if (connection.severed) return;
  connection.unread += bytes;
  notify(connection);
}

/** The FIN came. True: it wants an acknowledgement at once. */
export function finishSpliced(connection: Connection, wasEstablished: bool, bytes: u32): bool {
  connection.eof = true;
  if (connection.stream != 0) rouse(streamOf(connection));
  else notify(connection);
  const isQuiet = connection.sndNxt == connection.writeEnd && connection.sndUna == connection.sndNxt;
  if (!wasEstablished || bytes != 0 || !isQuiet) return true;
  connection.ackDelayed = true;
  armConnection(connection, clock + <i64>TCP_DELAYED_ACK_NS);
  return false;
}

/** What a new acknowledgement means for the one whose bytes wait for room. */
export function noteRoom(connection: Connection): void {
  if (connection.partner != 0 && partnerOf(connection).unread != 0) queueWake(partnerOf(connection));
}

/** A TcpWake of a spliced connection, within its walk. */
export function pump(connection: Connection): void {
  if (connection.partner == 0) {
    if (connection.role == SocketRole.Proxy && !connection.severed && !open(connection)) hangUp(connection);
    return;
  }
  const partner = partnerOf(connection);
  if (partner.state == TcpState.SynSent) return;
  const room = TCP_SEND_BUFFER - <i32>(partner.writeEnd - partner.sndUna);
  const bytes: u32 = room > 0 ? min(connection.unread, <u32>room) : 0;
  const wasNarrow = connection.unread > HALF_WINDOW;
  copyCost(bytes);
  connection.unread -= bytes;
  partner.writeEnd += bytes;
  if (bytes != 0) scheduleOutput(partner);
  if (wasNarrow && connection.unread <= HALF_WINDOW) sendAck(connection, Node.ApplicationWake);
  if (!connection.eof || connection.unread != 0 || partner.closing) return;
  partner.closing = true;
  scheduleOutput(partner);
}

/** Connects to the target. False: there is no way. */
function open(accepted: Connection): bool {
  const proxy = changetype<Socket>(accepted.listener);
  const namespace = proxy.targetStack;
  if (!canReach(namespace, proxy.targetIp) || !hasFreeConnection()) return false;
  const opened = openFrom(namespace, proxy.targetIp, proxy.targetPort, accepted.flow, Node.ApplicationWake);
  if (isNoConnection(opened)) return false;
  opened.spliced = true;
  opened.partner = changetype<usize>(accepted);
  accepted.partner = changetype<usize>(opened);
  return true;
}

/** A process's connection because of a flow, from the next free port; null if there is none. A record is free. */
export function openFrom(stack: Namespace, remote: u32, toPort: u32, flow: u32, inProgress: Node): Connection {
  const local = localAddress(stack, remote);
  for (let left = PORTS_TO_TRY; left != 0; left--) {
    const ports = (nextPort(stack) << 16) | toPort;
    if (isNoConnection(findConnection(stack, local, remote, ports))) return openConnection(stack, local, remote, ports, flow, inProgress);
  }
  return changetype<Connection>(0);
}

/** close(2) with bytes unread is a reset. */
function hangUp(connection: Connection): void {
  connection.severed = true;
  if (connection.unread != 0) {
    sendSegment(connection, connection.sndNxt, 0, RST | ACK, Node.ApplicationWake);
    freeConnection(connection);
    return;
  }
  connection.closing = true;
  scheduleOutput(connection);
}

/** A spliced connection is about to end: what becomes of the other one. */
export function sever(connection: Connection, hasFailed: bool): void {
  if (connection.partner == 0) return;
  const partner = partnerOf(connection);
  connection.partner = 0;
  connection.severed = true;
  partner.partner = 0;
  partner.severed = true;
  if (connection.state == TcpState.SynSent) {
    hangUp(partner);
    return;
  }
  partner.unread = 0;
  if (!hasFailed) partner.writeEnd += connection.unread;
  partner.closing = true;
  scheduleOutput(partner);
}
