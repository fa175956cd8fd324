import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import { visit } from "../graph/step";
import { recordHop } from "../graph/trace";
import { enter, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import { type Packet, UNTRACED } from "../memory/packet";
import { EventType } from "../simulation/event-queue";
import { isDue, postpone, setDeadline } from "../simulation/timer";
import { type Session, SessionKind } from "../tables/session";
import { relayAnswer, tryNextServer } from "./forward";
import { proxyAnswer } from "./udp-proxy";

/** Sets a session's timer. */
export function armSession(kernel: Kernel, session: Session, deadline: number): void {
  setDeadline(kernel, session, EventType.SessionTimer, deadline);
}

/** A datagram came for a socket that a process had opened. */
export function sessionWake(kernel: Kernel, session: Session, packet: Packet): void {
  const { socket, namespace } = session;
  if (socket === null || namespace === null || session.port !== packet.askedPort) {
    drop(kernel, packet, Drop.ProcessDrop, Node.ApplicationWake);
    return;
  }
  if (!enter(kernel, namespace.cpu, kernel.now)) {
    drop(kernel, packet, Drop.CpuBacklog, Node.ApplicationWake);
    return;
  }
  visit(kernel, Node.ApplicationWake);
  if (packet.trace !== UNTRACED) recordHop(kernel, packet, Node.ApplicationWake);
  kernel.chargeCopy(packet.payloadLength);
  if (session.kind === SessionKind.Proxy) proxyAnswer(kernel, session, socket, packet);
  else relayAnswer(kernel, session, socket, packet);
  leave(kernel, namespace.cpu);
}

/** A proxy's client has been silent for too long, or an upstream server has. */
export function sessionTimer(kernel: Kernel, session: Session): void {
  if (!isDue(kernel, session, EventType.SessionTimer)) return;
  const { namespace } = session;
  if (namespace === null) return;
  if (!enter(kernel, namespace.cpu, kernel.now)) {
    postpone(kernel, session, EventType.SessionTimer);
    return;
  }
  visit(kernel, Node.Timer);
  if (session.kind === SessionKind.Proxy) kernel.sessions.release(session);
  else tryNextServer(kernel, session, null);
  leave(kernel, namespace.cpu);
}
