import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { FlowKind, SocketRole } from "../../../../assembly/abi/program";
import { drop } from "../graph/drop";
import { visit } from "../graph/step";
import { recordHop } from "../graph/trace";
import { enter, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import { DATAGRAM_MAX } from "../memory/memory";
import { type Packet, UNTRACED } from "../memory/packet";
import { answerSource, causeOf, sendDatagram } from "../processes/datagram";
import { identityBytes } from "../processes/identity";
import { serveQuery } from "../processes/name-server";
import { proxyDatagram } from "../processes/udp-proxy";
import { accountMessage } from "../simulation/source";
import type { Socket } from "../tables/socket";
import { IPV4_HEADER } from "../wire/ipv4";
import { UDP_HEADER } from "../wire/udp";

const MESSAGE_MAX = DATAGRAM_MAX - IPV4_HEADER - UDP_HEADER;

/** sock_def_readable's wake-up has come through: the process reads one datagram and answers it. */
export function wakeSocket(kernel: Kernel, socket: Socket, packet: Packet): void {
  const { cpu } = socket.namespace;
  socket.waiting--;
  if (!enter(kernel, cpu, kernel.now)) {
    drop(kernel, packet, Drop.CpuBacklog, Node.ApplicationWake);
    return;
  }
  visit(kernel, Node.ApplicationWake);
  if (packet.trace !== UNTRACED) recordHop(kernel, packet, Node.ApplicationWake);
  kernel.chargeCopy(packet.payloadLength);
  act(kernel, socket, packet);
  leave(kernel, cpu);
}

function act(kernel: Kernel, socket: Socket, packet: Packet): void {
  switch (socket.role) {
    case SocketRole.Proxy:
      proxyDatagram(kernel, socket, packet);
      return;
    case SocketRole.Resolver:
    case SocketRole.NameServer:
      serveQuery(kernel, socket, packet);
      return;
    case SocketRole.Identity:
      answer(kernel, socket, packet, Math.min(identityBytes(kernel, socket.responseBytes, packet.askerIp, packet.askedIp), MESSAGE_MAX));
      return;
    default: {
      const { flow } = packet;
      const isRequest = flow !== null && flow.record.kind === FlowKind.Request;
      answer(kernel, socket, packet, isRequest ? flow.record.responseBytes : packet.payloadLength);
    }
  }
}

function answer(kernel: Kernel, socket: Socket, request: Packet, length: number): void {
  const { flow, askerIp, askerPort, askedIp } = request;
  const { namespace, port } = socket;
  if (flow !== null && !request.response) {
    flow.outcome.see(namespace, askerIp, askerPort, askedIp, port);
    if (socket.role === SocketRole.Identity) accountMessage(kernel, request, flow, request.payloadLength);
  }
  const cause = causeOf(request, true);
  kernel.pool.release(request);
  const sourceIp = answerSource(namespace, askedIp);
  sendDatagram(kernel, cause, { namespace, sourceIp, sourcePort: port, destinationIp: askerIp, destinationPort: askerPort }, length);
}
