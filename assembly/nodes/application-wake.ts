/** sock_def_readable, schedule, recvmsg: a process wakes, reads one datagram, and does with it what its socket's role says. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { FlowKind, SocketRole } from "../abi/program";
import { NONE } from "../abi/version";
import { drop } from "../graph/drop";
import { finish, walk } from "../graph/walk";
import { Packet } from "../memory/pool";
import { answerSource, askedIp, askerIp, askerPort, payloadBytes, readDatagram, sendDatagram, setResponse, takeOver } from "../processes/datagram";
import { identityBytes } from "../processes/identity";
import { serveQuery } from "../processes/name-server";
import { proxyRequest } from "../processes/udp-proxy";
import { now } from "../simulation/clock";
import { copyCost, enter } from "../simulation/cpu";
import { accountReceived, see } from "../tables/counters";
import { flowAt } from "../tables/flow";
import { Socket } from "../tables/socket";

/** 65,535 without an IPv4 and a UDP header. */
const MESSAGE_MAX: u32 = 65507;

/** The socket of the Wake event in progress. */
let socket: Socket = changetype<Socket>(0);

/** A Wake event. */
export function wake(at: Socket, packet: Packet): void {
  socket = at;
  at.waiting--;
  if (!enter(at.namespace.cpu, now)) {
    drop(packet, Drop.CpuBacklog, Node.ApplicationWake);
    return;
  }
  walk(packet, Node.ApplicationWake);
  finish();
}

export function applicationWake(packet: Packet): Node {
  readDatagram(packet);
  copyCost(payloadBytes);
  const role = socket.role;
  if (role == SocketRole.Proxy) proxyRequest(socket, packet);
  else if (role == SocketRole.Resolver || role == SocketRole.NameServer) serveQuery(socket, packet);
  else answer(packet, role == SocketRole.Identity);
  return Node.Done;
}

/** The answer is as long as the flow wants it, as what was asked, or as the names of both ends. */
function answer(packet: Packet, isIdentity: bool): void {
  let bytes = payloadBytes;
  if (packet.flow != NONE) {
    const flow = flowAt(packet.flow);
    if (packet.response == 0) see(flow, socket.namespace, askerIp, askerPort, askedIp, socket.port);
    if (packet.response == 0 && isIdentity) accountReceived(packet, payloadBytes, Node.ApplicationWake);
    if (flow.kind == FlowKind.Request) bytes = flow.responseBytes;
  }
  if (isIdentity) bytes = min(identityBytes(socket.namespace, socket.responseBytes, askerIp, askedIp), MESSAGE_MAX);
  takeOver(packet);
  setResponse(1);
  const namespace = socket.namespace;
  sendDatagram(namespace, answerSource(namespace, askedIp), socket.port, askerIp, askerPort, bytes, false, Node.ApplicationWake);
}
