/** docker-proxy's datagrams: a socket towards the target for each client. */
import { Drop } from "../abi/drop";
import { PROXY_SESSION_NS } from "../abi/limits";
import { Node } from "../abi/node";
import { SOCKET_ASKED_SOURCE } from "../abi/program";
import { drop } from "../graph/drop";
import { Packet } from "../memory/pool";
import { clock } from "../simulation/clock";
import { armSession, bindSession, freeSession, isNoSession, Session, SessionKind, sessionOfClient, takeSession } from "../tables/session";
import { Socket } from "../tables/socket";
import {
  answerSource,
  askedIp,
  askerIp,
  askerPort,
  canReach,
  payloadBytes,
  payloadKnown,
  sendDatagram,
  takeOver,
  takeUdpPort,
} from "./datagram";

/** A client's datagram, which `readDatagram` has read. */
export function proxyRequest(socket: Socket, packet: Packet): void {
  let session = sessionOfClient(socket, askerIp, askerPort);
  if (isNoSession(session)) session = openSession(socket);
  if (isNoSession(session)) {
    drop(packet, Drop.ProcessDrop, Node.ApplicationWake);
    return;
  }
  takeOver(packet);
  const node = Node.ApplicationWake;
  sendDatagram(session.namespace, 0, session.port, session.remoteIp, session.remotePort, payloadBytes, payloadKnown, node);
}

function openSession(socket: Socket): Session {
  const session = takeSession(SessionKind.Proxy, socket);
  if (isNoSession(session)) return session;
  const stack = socket.targetStack;
  const port = canReach(stack, socket.targetIp) ? takeUdpPort(stack) : 0;
  if (port == 0) {
    freeSession(session);
    return changetype<Session>(0);
  }
  session.clientIp = askerIp;
  session.clientPort = askerPort;
  session.askedIp = askedIp;
  bindSession(session, stack, port, socket.targetIp, socket.targetPort);
  armSession(session, clock + <i64>PROXY_SESSION_NS);
  return session;
}

/** The target's datagram, likewise. Answers alone keep the session. */
export function proxyAnswer(session: Session, socket: Socket, packet: Packet): void {
  armSession(session, clock + <i64>PROXY_SESSION_NS);
  takeOver(packet);
  const source = socket.flags & SOCKET_ASKED_SOURCE ? answerSource(socket.namespace, session.askedIp) : 0;
  const node = Node.ApplicationWake;
  sendDatagram(socket.namespace, source, socket.port, session.clientIp, session.clientPort, payloadBytes, payloadKnown, node);
}
