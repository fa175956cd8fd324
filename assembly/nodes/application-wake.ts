/** sock_def_readable, schedule, recvmsg: a process wakes, reads one datagram, and answers it. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { FlowKind, RouteType } from "../abi/program";
import { PROTOCOL_UDP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { drop, dropUnmade } from "../graph/drop";
import { append, finish, walk } from "../graph/walk";
import { DontFragment, freePacket, Packet, takeDatagram } from "../memory/pool";
import { now } from "../simulation/clock";
import { copyCost, enter } from "../simulation/cpu";
import { hasRoute, lookup } from "../tables/fib";
import { flowAt } from "../tables/flow";
import { Namespace } from "../tables/namespace";
import { Socket } from "../tables/socket";
import { load16 } from "../wire/bytes";
import { destinationOf, headerLength, IPV4_HEADER, sourceOf, writeIpv4 } from "../wire/ipv4";
import { sourcePort, UDP_HEADER, UDP_LENGTH, writeUdp } from "../wire/udp";
import { writePayload } from "../wire/payload";

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
  const ip = packet.network;
  const udp = ip + headerLength(ip);
  const asked = load16(udp + UDP_LENGTH) - UDP_HEADER;
  copyCost(asked);
  const namespace = socket.namespace;
  const destination = sourceOf(ip);
  const destinationPort = sourcePort(udp);
  const source = answerSource(namespace, destinationOf(ip));
  const flow = packet.flow;
  const sequence = packet.sequence;
  const bornAt = packet.bornAt;
  const trace = packet.trace;
  const device = packet.device;
  let bytes = asked;
  let dontFragment = DontFragment.Want;
  if (flow != NONE) {
    if (flowAt(flow).kind == FlowKind.Request) bytes = flowAt(flow).responseBytes;
    if (flowAt(flow).dontFragment) dontFragment = DontFragment.Always;
  }
  freePacket(packet);

  const total = IPV4_HEADER + UDP_HEADER + bytes;
  const answer = takeDatagram(total);
  if (changetype<usize>(answer) == 0) {
    dropUnmade(Drop.NoMemory, Node.ApplicationWake, device, flow, sequence);
    return Node.Done;
  }
  answer.flow = flow;
  answer.sequence = sequence;
  answer.bornAt = bornAt;
  answer.trace = trace;
  answer.response = 1;
  answer.namespace = namespace.index;
  answer.dontFragment = <u8>dontFragment;
  writeIpv4(answer.network, total, namespace.ttl, PROTOCOL_UDP, source, destination);
  writeUdp(answer.network + IPV4_HEADER, socket.port, destinationPort, UDP_HEADER + bytes);
  writePayload(answer.network + IPV4_HEADER + UDP_HEADER, sequence, flow, bytes);
  append(answer, Node.SocketOutput, Node.ApplicationWake);
  return Node.Done;
}

/** The address that was asked; for a broadcast the route chooses. */
function answerSource(namespace: Namespace, asked: u32): u32 {
  const decision = lookup(namespace, asked);
  return hasRoute(decision) && decision.route.type == RouteType.Local ? asked : 0;
}
