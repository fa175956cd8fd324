import { Drop } from "../../../../assembly/abi/drop";
import { PROXY_SESSION_NS } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { SOCKET_ASKED_SOURCE } from "../../../../assembly/abi/program";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { type Session, SessionKind } from "../tables/session";
import type { Socket } from "../tables/socket";
import { answerSource, causeOf, type Ends, hasRoute, knownPayload, sendDatagram, takeUdpPort } from "./datagram";
import { armSession } from "./session";

/** A client's datagram goes on to the target, by a socket of this client's own. */
export function proxyDatagram(kernel: Kernel, socket: Socket, packet: Packet): void {
  const { askerIp, askerPort } = packet;
  const session = kernel.sessions.ofClient(socket, askerIp, askerPort) ?? open(kernel, socket, packet);
  if (session === null) {
    drop(kernel, packet, Drop.ProcessDrop, Node.ApplicationWake);
    return;
  }
  const { namespace } = socket;
  const ends = { namespace, sourceIp: 0, sourcePort: session.port, destinationIp: session.remoteIp, destinationPort: session.remotePort };
  passOn(kernel, packet, ends);
}

/** The target's datagram goes back to the client. */
export function proxyAnswer(kernel: Kernel, session: Session, socket: Socket, packet: Packet): void {
  // The proxy gives its read a new deadline whenever one has come: datagrams of the client do not count.
  armSession(kernel, session, kernel.clock + PROXY_SESSION_NS);
  const { namespace, flags, port } = socket;
  const sourceIp = (flags & SOCKET_ASKED_SOURCE) === 0 ? 0 : answerSource(namespace, session.askedIp);
  passOn(kernel, packet, { namespace, sourceIp, sourcePort: port, destinationIp: session.clientIp, destinationPort: session.clientPort });
}

function open(kernel: Kernel, socket: Socket, packet: Packet): Session | null {
  const { namespace, targetIp, targetPort } = socket;
  const session = kernel.sessions.take(SessionKind.Proxy, socket);
  if (session === null) return null;
  const port = hasRoute(namespace, targetIp) ? takeUdpPort(kernel, namespace) : 0;
  if (port === 0) {
    kernel.sessions.release(session);
    return null;
  }
  kernel.sessions.serve(session, packet.askerIp, packet.askerPort, packet.askedIp);
  kernel.sessions.bind(session, namespace, port, targetIp, targetPort);
  armSession(kernel, session, kernel.clock + PROXY_SESSION_NS);
  return session;
}

function passOn(kernel: Kernel, packet: Packet, ends: Ends): void {
  const cause = causeOf(packet);
  const payload = knownPayload(kernel, packet) ?? packet.payloadLength;
  kernel.pool.release(packet);
  sendDatagram(kernel, cause, ends, payload);
}
