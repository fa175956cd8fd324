/** What happens to the sockets that processes have opened. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { NONE } from "../abi/version";
import { drop } from "../graph/drop";
import { recordHop } from "../graph/trace";
import { finish } from "../graph/walk";
import { transportIn } from "../memory/network";
import { Packet } from "../memory/pool";
import { RETRY } from "../nodes/timer";
import { NEVER, now } from "../simulation/clock";
import { copyCost, enter, visit } from "../simulation/cpu";
import { takeTimer } from "../simulation/timer";
import { noDevice } from "../tables/device";
import { armSession, freeSession, Session, SessionKind, socketOf } from "../tables/session";
import { destinationPort } from "../wire/udp";
import { payloadBytes, readDatagram } from "./datagram";
import { askNext, relay } from "./forward";
import { proxyAnswer } from "./udp-proxy";

/** A SessionWake event. */
export function sessionWake(session: Session, packet: Packet): void {
  const port = destinationPort(transportIn(packet));
  if (session.socket == 0 || session.port != port || changetype<usize>(session.namespace) == 0) {
    drop(packet, Drop.ProcessDrop, Node.ApplicationWake);
    return;
  }
  if (!enter(session.namespace.cpu, now)) {
    drop(packet, Drop.CpuBacklog, Node.ApplicationWake);
    return;
  }
  visit(Node.ApplicationWake);
  if (packet.trace != NONE) recordHop(packet, Node.ApplicationWake);
  readDatagram(packet);
  copyCost(payloadBytes);
  if (session.kind == SessionKind.Proxy) proxyAnswer(session, socketOf(session), packet);
  else relay(session, socketOf(session), packet);
  finish();
}

/** A SessionTimer event. */
export function sessionTimer(session: Session): void {
  if (!takeTimer(session)) return;
  if (session.deadline > now) {
    armSession(session, session.deadline);
  } else if (!enter(session.namespace.cpu, now)) {
    armSession(session, now + RETRY);
  } else {
    session.deadline = NEVER;
    visit(Node.Timer);
    if (session.kind == SessionKind.Proxy) freeSession(session);
    else askNext(session, noDevice, Node.Timer);
    finish();
  }
}
