/** What processes do with datagrams, apart from what they say. */
import { PROCESS_PORT_FIRST, PROCESS_PORT_LAST } from "../../../../assembly/abi/limits";
import { RouteType } from "../../../../assembly/abi/program";
import { Node } from "../../../../assembly/abi/node";
import { PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { dropUnbuilt } from "../graph/drop";
import { append } from "../graph/walk";
import type { Kernel } from "../kernel";
import { type Packet, PathMtuDiscovery } from "../memory/packet";
import { outputDevice } from "../nodes/ip-output";
import { fillPayload, takeDatagram, writeDatagram } from "../nodes/socket-output";
import { writeDatagramPayload } from "./payload";
import type { Device } from "../tables/device";
import type { Flow } from "../tables/flow";
import type { Namespace } from "../tables/namespace";
import { transportOf } from "../wire/ip";
import { UDP_HEADER, writeUdp } from "../wire/udp";

/** What a process's datagram has of the one that caused it. */
export interface Cause {
  readonly device: Device | null;
  readonly flow: Flow | null;
  readonly sequence: number;
  readonly bornAt: number;
  readonly trace: number;
  readonly response: boolean;
}

export interface Ends {
  readonly namespace: Namespace;
  /** 0: the route chooses. */
  readonly sourceIp: number;
  readonly sourcePort: number;
  readonly destinationIp: number;
  readonly destinationPort: number;
}

/** What goes on of a packet that is about to be freed. */
export function causeOf(packet: Packet, response = packet.response): Cause {
  const { device, flow, sequence, bornAt, trace } = packet;
  return { device, flow, sequence, bornAt, trace, response };
}

/** A datagram's payload if it lies in the packet's slot as it came; null for one that was put together from fragments. */
export function knownPayload(kernel: Kernel, packet: Packet): Uint8Array | null {
  const { memory } = kernel;
  const isInSlot = packet.network >= packet.frame && packet.network < packet.frame + memory.slotBytes;
  if (!isInSlot) return null;
  const start = transportOf(memory.bytes, packet) + UDP_HEADER;
  return memory.bytes.slice(start, start + packet.payloadLength);
}

/** Sends a datagram; `payload` is its bytes, or how many of the usual ones. */
export function sendDatagram(kernel: Kernel, cause: Cause, ends: Ends, payload: Uint8Array | number): void {
  const { flow } = cause;
  const length = typeof payload === "number" ? payload : payload.length;
  const packet = takeDatagram(kernel, flow, UDP_HEADER + length, ends.destinationIp);
  if (packet === null) {
    dropUnbuilt(kernel, kernel.node, cause.device, flow, cause.sequence);
    return;
  }
  packet.sequence = cause.sequence;
  packet.bornAt = cause.bornAt;
  packet.trace = cause.trace;
  packet.response = cause.response;
  packet.pathMtuDiscovery = flow !== null && flow.record.dontFragment !== 0 ? PathMtuDiscovery.Do : PathMtuDiscovery.Want;
  writeDatagram(kernel, packet, ends.namespace, PROTOCOL_UDP, ends.sourceIp, ends.destinationIp);
  const udp = packet.transport;
  writeUdp(kernel.memory.bytes, udp, ends.sourcePort, ends.destinationPort, UDP_HEADER + length);
  fillPayload(kernel, packet, udp + UDP_HEADER, packet.sequence, length);
  if (typeof payload === "number") writeDatagramPayload(kernel, packet, udp + UDP_HEADER, length);
  else kernel.memory.bytes.set(payload, udp + UDP_HEADER);
  append(kernel, packet, Node.SocketOutput);
}

/** The address to answer from: the one that was asked; a broadcast's is the route's choice. */
export function answerSource(namespace: Namespace, askedIp: number): number {
  return namespace.routeTo(askedIp)?.type === RouteType.Local ? askedIp : 0;
}

/** Whether a process can send there. */
export function hasRoute(namespace: Namespace, destination: number): boolean {
  const route = namespace.routeTo(destination);
  return route !== null && outputDevice(namespace, route) !== null;
}

/** The next port of a process's own that is free, or 0. */
export function takePort(namespace: Namespace, isFree: (port: number) => boolean): number {
  for (let left = PROCESS_PORT_LAST - PROCESS_PORT_FIRST + 1; left > 0; left--) {
    const port = namespace.nextProcessPort();
    if (isFree(port)) return port;
  }
  return 0;
}

export function takeUdpPort(kernel: Kernel, namespace: Namespace): number {
  return takePort(namespace, (port) => !namespace.udpSockets.has(port) && !namespace.udpSockets6.has(port) && kernel.sessions.at(namespace, port) === null);
}
