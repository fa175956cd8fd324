import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { FlowKind, RouteType } from "../../../../assembly/abi/program";
import { PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { drop, dropUnbuilt } from "../graph/drop";
import { visit } from "../graph/step";
import { recordHop } from "../graph/trace";
import { append, enter, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import { type Packet, PathMtuDiscovery, UNTRACED } from "../memory/packet";
import type { Socket } from "../tables/socket";
import { UDP_HEADER } from "../wire/udp";
import { takeDatagram, writeDatagram, writeUdpMessage } from "./socket-output";

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
  answer(kernel, socket, packet);
  leave(kernel, cpu);
}

function answer(kernel: Kernel, socket: Socket, request: Packet): void {
  const { device, flow, sequence, bornAt, trace, askerIp, askerPort, askedIp } = request;
  const { namespace } = socket;
  const isRequest = flow !== null && flow.record.kind === FlowKind.Request;
  const length = isRequest ? flow.record.responseBytes : request.payloadLength;
  kernel.pool.release(request);
  const packet = takeDatagram(kernel, flow, UDP_HEADER + length);
  if (packet === null) {
    dropUnbuilt(kernel, Node.ApplicationWake, device, flow, sequence);
    return;
  }
  packet.sequence = sequence;
  packet.bornAt = bornAt;
  packet.trace = trace;
  packet.response = true;
  packet.pathMtuDiscovery = flow !== null && flow.record.dontFragment !== 0 ? PathMtuDiscovery.Do : PathMtuDiscovery.Want;
  // The answer to a broadcast comes from the address that the route chooses.
  const source = namespace.fib.find(askedIp)?.type === RouteType.Local ? askedIp : 0;
  writeDatagram(kernel, packet, namespace, PROTOCOL_UDP, source, askerIp);
  writeUdpMessage(kernel, packet, socket.port, askerPort, length);
  append(kernel, packet, Node.SocketOutput);
}
