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
} from "../../../../assembly/abi/dns";
import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { answerMessage, EMPTY_FORM, flagsOf, idOf, questionNameEnd } from "../dns/message";
import type { DnsResolver } from "../dns/zones";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { type Session, SessionKind } from "../tables/session";
import type { Socket } from "../tables/socket";
import { answerSource, type Ends, hasRoute, knownPayload, sendDatagram, takeUdpPort } from "./datagram";
import { answerQuery } from "./name-server";
import { armSession } from "./session";

/** A query that no zone answers: the first upstream server gets it. */
export function forward(kernel: Kernel, socket: Socket, packet: Packet, query: Uint8Array, nameEnd: number): void {
  const resolver = kernel.dns.resolvers[socket.resolver];
  const session = kernel.sessions.take(SessionKind.Forward, socket);
  if (session === null) {
    if (resolver.isLegacy) drop(kernel, packet, Drop.ProcessDrop, Node.ApplicationWake);
    else answerQuery(kernel, socket, packet, answerMessage(query, nameEnd, DNS_REFUSED, EMPTY_FORM, []));
    return;
  }
  kernel.sessions.serve(session, packet.askerIp, packet.askerPort, packet.askedIp);
  session.flow = packet.flow;
  session.sequence = packet.sequence;
  session.bornAt = packet.bornAt;
  session.trace = packet.trace;
  session.query = query;
  const { device } = packet;
  kernel.pool.release(packet);
  tryNextServer(kernel, session, device);
}

/** The next upstream server that can be asked, or the end of the attempts. `device` is that of the packet that led here. */
export function tryNextServer(kernel: Kernel, session: Session, device: Device | null): void {
  if (askNext(kernel, session, device)) return;
  const { socket, query } = session;
  if (socket === null) return;
  if (resolverOf(kernel, socket).isLegacy) {
    kernel.sessions.release(session);
    return;
  }
  finish(kernel, session, socket, device, answerMessage(query, questionNameEnd(query), DNS_SERVFAIL, EMPTY_FORM, []));
}

/** An upstream server's answer: the client gets it, or another server is asked. */
export function relayAnswer(kernel: Kernel, session: Session, socket: Socket, packet: Packet): void {
  const answer = knownPayload(kernel, packet);
  const isAnswer =
    answer !== null && answer.length >= DNS_HEADER && (flagsOf(answer) & DNS_RESPONSE) !== 0 && idOf(answer) === idOf(session.query);
  if (!isAnswer) {
    drop(kernel, packet, Drop.ProcessDrop, Node.ApplicationWake);
    return;
  }
  const { device } = packet;
  const { isLegacy } = resolverOf(kernel, socket);
  kernel.pool.release(packet);
  if (isUsable(flagsOf(answer), isLegacy)) finish(kernel, session, socket, device, answer);
  else if (!isLegacy) tryNextServer(kernel, session, device);
  else if (!askNext(kernel, session, device)) finish(kernel, session, socket, device, answer);
}

/** Whether an upstream server's answer is passed on without asking another one. */
export function isUsable(flags: number, isLegacy: boolean): boolean {
  const code = flags & DNS_RCODE;
  if (!isLegacy) return code !== DNS_SERVFAIL && code !== DNS_REFUSED;
  return code === DNS_NOERROR || (code === DNS_NXDOMAIN && (flags & DNS_AUTHORITATIVE) !== 0);
}

function askNext(kernel: Kernel, session: Session, device: Device | null): boolean {
  const { socket } = session;
  if (socket === null) return false;
  const { upstreams } = resolverOf(kernel, socket);
  while (session.tried < upstreams.length) {
    const { namespace, ip } = upstreams[session.tried++];
    const port = hasRoute(namespace, ip) ? takeUdpPort(kernel, namespace) : 0;
    if (port === 0) continue;
    kernel.sessions.bind(session, namespace, port, ip, DNS_PORT);
    const ends = { namespace, sourceIp: 0, sourcePort: port, destinationIp: ip, destinationPort: DNS_PORT };
    armSession(kernel, session, kernel.clock + DNS_UPSTREAM_TIMEOUT_NS);
    sendDatagram(kernel, { ...causeOfQuery(session, device), response: false }, ends, session.query);
    return true;
  }
  return false;
}

function finish(kernel: Kernel, session: Session, socket: Socket, device: Device | null, message: Uint8Array): void {
  const { namespace, port } = socket;
  const { clientIp, clientPort, askedIp } = session;
  const cause = { ...causeOfQuery(session, device), response: true };
  const ends: Ends = {
    namespace,
    sourceIp: answerSource(namespace, askedIp),
    sourcePort: port,
    destinationIp: clientIp,
    destinationPort: clientPort,
  };
  kernel.sessions.release(session);
  sendDatagram(kernel, cause, ends, message);
}

function causeOfQuery({ flow, sequence, bornAt, trace }: Session, device: Device | null) {
  return { device, flow, sequence, bornAt, trace };
}

function resolverOf(kernel: Kernel, socket: Socket): DnsResolver {
  return kernel.dns.resolvers[socket.resolver];
}
