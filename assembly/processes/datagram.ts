/** Datagrams that processes make because of others. */
import { Drop } from "../abi/drop";
import { PROCESS_PORT_FIRST, PROCESS_PORT_LAST } from "../abi/limits";
import { Node } from "../abi/node";
import { RouteType } from "../abi/program";
import { PROTOCOL_UDP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { dropUnmade } from "../graph/drop";
import { append } from "../graph/walk";
import { destinationIn, headerBytes, sourceIn, transportIn, writeNetwork } from "../memory/network";
import { DontFragment, frameOf, freePacket, Packet, takeDatagram } from "../memory/pool";
import { Device, isNull } from "../tables/device";
import { hasRoute, lookup, outputDevice } from "../tables/fib";
import { flowAt } from "../tables/flow";
import { ipv6Of, Namespace, namespaceAt } from "../tables/namespace";
import { isNoSession, Session, sessionOfPort } from "../tables/session";
import { hasSocket } from "../tables/socket";
import { load16 } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { sayDatagram } from "./say";
import { sourcePort, UDP_HEADER, UDP_LENGTH, writeUdp } from "../wire/udp";

/** A payload on its way from one packet to another. */
export const MESSAGE = memory.data(65536 + 16, 16);

/** What is kept of the packet that is the cause, after it was freed. */
let device: Device = changetype<Device>(0);
let flow: u32 = NONE;
let sequence: u32 = 0;
let bornAt: i64 = 0;
let trace: u32 = NONE;
let response: u8 = 0;
export let askerIp: u32 = 0;
export let askerPort: u32 = 0;
export let askedIp: u32 = 0;
/** Bytes of its payload, and whether they lie in MESSAGE. */
export let payloadBytes: u32 = 0;
export let payloadKnown: bool = false;

/** Notes who sent the datagram, and copies its payload if it lies in the packet's slot. */
export function readDatagram(packet: Packet): void {
  const udp = transportIn(packet);
  askerIp = sourceIn(packet);
  askedIp = destinationIn(packet);
  askerPort = sourcePort(udp);
  payloadBytes = load16(udp + UDP_LENGTH) - UDP_HEADER;
  payloadKnown = packet.network == frameOf(packet) + ETHERNET_HEADER;
  if (payloadKnown) memory.copy(MESSAGE, udp + UDP_HEADER, payloadBytes);
}

/** Frees the packet that is the cause of what follows. */
export function takeOver(packet: Packet): void {
  device = packet.device;
  flow = packet.flow;
  sequence = packet.sequence;
  bornAt = packet.bornAt;
  trace = packet.trace;
  response = packet.response;
  freePacket(packet);
}

/** The cause is the query that a session forwards; `where` is the device of what came last. */
export function takeOverQuery(session: Session, where: Device): void {
  device = where;
  flow = session.flow;
  sequence = session.sequence;
  bornAt = session.bornAt;
  trace = session.trace;
}

export function setResponse(value: u8): void {
  response = value;
}

/** Sends `bytes` bytes of MESSAGE, or of the usual payload. A source of 0 is the route's choice. */
export function sendDatagram(
  namespace: Namespace,
  source: u32,
  fromPort: u32,
  destination: u32,
  toPort: u32,
  bytes: u32,
  isMessage: bool,
  inProgress: Node,
): void {
  const header = headerBytes(namespace);
  const total = header + UDP_HEADER + bytes;
  const packet = takeDatagram(total);
  if (changetype<usize>(packet) == 0) {
    dropUnmade(Drop.NoMemory, inProgress, device, flow, sequence);
    return;
  }
  packet.flow = flow;
  packet.sequence = sequence;
  packet.bornAt = bornAt;
  packet.trace = trace;
  packet.response = response;
  packet.dontFragment = <u8>(flow != NONE && flowAt(flow).dontFragment ? DontFragment.Always : DontFragment.Want);
  const udp = packet.network + header;
  const payload = udp + UDP_HEADER;
  writeNetwork(packet, namespace, total, namespace.ttl, PROTOCOL_UDP, source, destination);
  writeUdp(udp, fromPort, toPort, UDP_HEADER + bytes);
  if (isMessage) memory.copy(payload, MESSAGE, bytes);
  else sayDatagram(payload, flow, response != 0, sequence, bytes);
  append(packet, Node.SocketOutput, inProgress);
}

/** The address to answer from: the one that was asked; for a broadcast the route chooses. */
export function answerSource(namespace: Namespace, asked: u32): u32 {
  const decision = lookup(namespace, asked);
  return hasRoute(decision) && decision.route.type == RouteType.Local ? asked : 0;
}

/** Whether IpOutput would find a device for it. */
export function canReach(namespace: Namespace, destination: u32): bool {
  return !isNull(outputDevice(namespace, lookup(namespace, destination).route));
}

/** The port that a namespace's process tries next; its stacks share them. */
export function nextPort(stack: Namespace): u32 {
  const namespace = namespaceAt(stack.index);
  const port = namespace.processPort;
  namespace.processPort = port == <u32>PROCESS_PORT_FIRST ? <u32>PROCESS_PORT_LAST : port - 1;
  return port;
}

export const PORTS_TO_TRY: u32 = <u32>(PROCESS_PORT_LAST - PROCESS_PORT_FIRST + 1);

function isFree(stack: Namespace, port: u32): bool {
  return !hasSocket(stack, PROTOCOL_UDP, port) && isNoSession(sessionOfPort(stack, port));
}

/** A free UDP port, or 0. */
export function takeUdpPort(namespace: Namespace): u32 {
  for (let left = PORTS_TO_TRY; left != 0; left--) {
    const port = nextPort(namespace);
    const ipv4 = namespaceAt(namespace.index);
    if (isFree(ipv4, port) && isFree(ipv6Of(ipv4), port)) return port;
  }
  return 0;
}
