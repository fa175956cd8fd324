import { Node } from "../../../../assembly/abi/node";
import { PROTOCOL_ICMP, PROTOCOL_ICMP6 } from "../../../../assembly/abi/protocol";
import type { Kernel } from "../kernel";
import { isIpv6 } from "../memory/address-table";
import type { Packet } from "../memory/packet";
import { writeDatagramPayload } from "../processes/payload";
import type { Flow } from "../tables/flow";
import type { Namespace } from "../tables/namespace";
import { IPV4_HEADER, writeDraft } from "../wire/ipv4";
import { IPV6_HEADER, writeIpv6 } from "../wire/ipv6";
import { UDP_HEADER, writeUdp } from "../wire/udp";

/** udp_sendmsg, tcp_transmit_skb: the process's bytes are copied into the packet, which is complete but for its route. */
export function socketOutput(kernel: Kernel, packet: Packet): Node {
  kernel.chargeCopy(packet.payloadLength);
  return packet.isIpv6 ? Node.Ip6Output : Node.IpOutput;
}

/**
 * A packet for a datagram to `destination` with `length` bytes after the IP header, or null. What no slot can hold is built in the
 * scratch area, which holds one datagram at a time.
 */
export function takeDatagram(kernel: Kernel, flow: Flow | null, length: number, destination: number): Packet | null {
  const total = (isIpv6(destination) ? IPV6_HEADER : IPV4_HEADER) + length;
  const isOversize = kernel.isOversize(total);
  if (isOversize && !kernel.pool.scratchIsFree) return null;
  const packet = kernel.pool.take(flow, kernel.clock);
  if (packet === null) return null;
  if (isOversize) kernel.pool.useScratch(packet);
  packet.datagramLength = packet.frameLength = total;
  return packet;
}

/** Writes what is known of the header, of the destination's family. A source of 0 is chosen by the route. */
export function writeDatagram(
  kernel: Kernel,
  packet: Packet,
  namespace: Namespace,
  protocol: number,
  source: number,
  destination: number,
): void {
  packet.namespace = namespace;
  if (isIpv6(destination)) {
    writeDatagram6(kernel, packet, namespace, protocol, source, destination);
    return;
  }
  packet.transport = packet.network + IPV4_HEADER;
  writeDraft(kernel.memory.bytes, packet.network, packet.datagramLength, namespace.ttl, protocol, source, destination);
}

function writeDatagram6(kernel: Kernel, packet: Packet, namespace: Namespace, protocol: number, source: number, destination: number): void {
  const { addresses, memory } = kernel;
  const { network, datagramLength } = packet;
  packet.isIpv6 = true;
  packet.source6 = source;
  packet.destination6 = destination;
  packet.protocol6 = protocol === PROTOCOL_ICMP ? PROTOCOL_ICMP6 : protocol;
  packet.fragmentHeader = 0;
  packet.transport = network + IPV6_HEADER;
  writeIpv6(addresses, memory.bytes, network, datagramLength, packet.protocol6, namespace.hopLimit, source, destination);
}

/** Writes UDP's header and `length` bytes of payload. */
export function writeUdpMessage(kernel: Kernel, packet: Packet, sourcePort: number, destinationPort: number, length: number): void {
  const udp = packet.transport;
  writeUdp(kernel.memory.bytes, udp, sourcePort, destinationPort, UDP_HEADER + length);
  fillPayload(kernel, packet, udp + UDP_HEADER, packet.sequence, length);
  writeDatagramPayload(kernel, packet, udp + UDP_HEADER, length);
}

/** Payload byte p of a flow's message or stream is p + flow modulo 256, so that what arrives can be told from noise. */
export function fillPayload(kernel: Kernel, packet: Packet, at: number, position: number, length: number): void {
  packet.payloadLength = length;
  kernel.memory.fill(at, position + (packet.flow === null ? -1 : packet.flow.index), length);
}
