/** A resolver's queries to its upstream servers. */
import {
  DNS_AUTHORITATIVE,
  DNS_HEADER,
  DNS_NOERROR,
  DNS_NXDOMAIN,
  DNS_PORT,
  DNS_RCODE,
  DNS_REFUSED,
  DNS_RESPONSE,
  DNS_SERVFAIL,
  DNS_UPSTREAM_TIMEOUT_NS,
  RESOLVER_FLAGS,
  RESOLVER_LEGACY,
  RESOLVER_UPSTREAM_COUNT,
  RESOLVER_UPSTREAM_FIRST,
} from "../abi/dns";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { drop } from "../graph/drop";
import { freePacket, Packet } from "../memory/pool";
import { clock } from "../simulation/clock";
import { Device } from "../tables/device";
import { armSession, bindSession, freeSession, isNoSession, queryOf, Session, SessionKind, socketOf, takeSession } from "../tables/session";
import { Socket } from "../tables/socket";
import { resolverAt, upstreamAddress, upstreamAt, upstreamStack } from "../tables/zone";
import { load16 } from "../wire/bytes";
import {
  answerSource,
  askedIp,
  askerIp,
  askerPort,
  canReach,
  MESSAGE,
  payloadBytes,
  payloadKnown,
  sendDatagram,
  setResponse,
  takeOverQuery,
  takeUdpPort,
} from "./datagram";
import { answerQuery } from "./name-server";
import { beginAnswer, endAnswer, flagsOf, idOf } from "./dns-message";

/** A query in MESSAGE that no zone answers. */
export function forward(socket: Socket, packet: Packet): void {
  const session = takeSession(SessionKind.Forward, socket);
  if (isNoSession(session)) {
    if (isLegacy(socket)) drop(packet, Drop.ProcessDrop, Node.ApplicationWake);
    else answerQuery(socket, packet, endAnswer(beginAnswer(), 0, DNS_REFUSED));
    return;
  }
  session.clientIp = askerIp;
  session.clientPort = askerPort;
  session.askedIp = askedIp;
  session.flow = packet.flow;
  session.sequence = packet.sequence;
  session.bornAt = packet.bornAt;
  session.trace = packet.trace;
  session.queryBytes = payloadBytes;
  memory.copy(queryOf(session), MESSAGE, payloadBytes);
  const device = packet.device;
  freePacket(packet);
  askNext(session, device, Node.ApplicationWake);
}

/** The next server is asked, or the client learns that nobody helps. */
export function askNext(session: Session, device: Device, inProgress: Node): void {
  if (tryUpstreams(session, device, inProgress)) return;
  const socket = socketOf(session);
  if (isLegacy(socket)) {
    freeSession(session);
    return;
  }
  memory.copy(MESSAGE, queryOf(session), session.queryBytes);
  answerClient(session, socket, device, endAnswer(beginAnswer(), 0, DNS_SERVFAIL), inProgress);
}

/** An upstream server's answer, which `readDatagram` has read. */
export function relay(session: Session, socket: Socket, packet: Packet): void {
  const isAnswer = payloadKnown && payloadBytes >= <u32>DNS_HEADER && (flagsOf(MESSAGE) & DNS_RESPONSE) != 0;
  if (!isAnswer || idOf(MESSAGE) != idOf(queryOf(session))) {
    drop(packet, Drop.ProcessDrop, Node.ApplicationWake);
    return;
  }
  const device = packet.device;
  const bytes = payloadBytes;
  freePacket(packet);
  const flags = flagsOf(MESSAGE);
  const node = Node.ApplicationWake;
  const legacy = isLegacy(socket);
  if (isWanted(flags, legacy)) {
    answerClient(session, socket, device, bytes, node);
    return;
  }
  if (!legacy) {
    askNext(session, device, node);
    return;
  }
  // The query takes the answer's place in MESSAGE if it goes out once more.
  memory.copy(LAST, MESSAGE, bytes);
  if (tryUpstreams(session, device, node)) return;
  memory.copy(MESSAGE, LAST, bytes);
  answerClient(session, socket, device, bytes, node);
}

/** Whether an answer with these flags is passed on, and no other server asked. */
export function isWanted(flags: u32, legacy: bool): bool {
  const code = flags & DNS_RCODE;
  if (!legacy) return code != DNS_SERVFAIL && code != DNS_REFUSED;
  return code == DNS_NOERROR || (code == DNS_NXDOMAIN && (flags & DNS_AUTHORITATIVE) != 0);
}

/** An answer that nobody would want if there were a better one. */
const LAST = memory.data(65536, 16);

function isLegacy(socket: Socket): bool {
  return (load<u32>(resolverAt(socket.resolver), RESOLVER_FLAGS) & RESOLVER_LEGACY) != 0;
}

function tryUpstreams(session: Session, device: Device, inProgress: Node): bool {
  const resolver = resolverAt(socketOf(session).resolver);
  const count = load<u32>(resolver, RESOLVER_UPSTREAM_COUNT);
  while (session.tried < count) {
    const upstream = upstreamAt(load<u32>(resolver, RESOLVER_UPSTREAM_FIRST) + session.tried++);
    const namespace = upstreamStack(upstream);
    const server = upstreamAddress(upstream);
    const port = canReach(namespace, server) ? takeUdpPort(namespace) : 0;
    if (port == 0) continue;
    bindSession(session, namespace, port, server, DNS_PORT);
    armSession(session, clock + <i64>DNS_UPSTREAM_TIMEOUT_NS);
    memory.copy(MESSAGE, queryOf(session), session.queryBytes);
    takeOverQuery(session, device);
    setResponse(0);
    sendDatagram(namespace, 0, port, server, DNS_PORT, session.queryBytes, true, inProgress);
    return true;
  }
  return false;
}

function answerClient(session: Session, socket: Socket, device: Device, bytes: u32, inProgress: Node): void {
  takeOverQuery(session, device);
  setResponse(1);
  const namespace = socket.namespace;
  const source = answerSource(namespace, session.askedIp);
  freeSession(session);
  sendDatagram(namespace, source, socket.port, session.clientIp, session.clientPort, bytes, true, inProgress);
}
