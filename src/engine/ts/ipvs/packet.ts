import { ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { IPVS_UDP_NS } from "../../../../assembly/abi/limits";
import { type Quote, readQuote4 } from "../ipv6/quote";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { Side } from "../netfilter/bind";
import { Tuple } from "../netfilter/entry";
import { rewrite } from "../netfilter/translate";
import { read16, write32 } from "../wire/bytes";
import { hasValidIcmpChecksum, ICMP_HEADER, updateIcmpChecksum } from "../wire/icmp";
import { headerLength, protocol, updateChecksum } from "../wire/ipv4";
import { controlBits, TCP_HEADER } from "../wire/tcp";
import { hasUdpChecksum, UDP_HEADER, updateUdpChecksum } from "../wire/udp";
import type { IpvsConnection } from "./connection";
import { nextState, timeoutOf } from "./tcp-state";

/** RFC 792; the kernel still looks for it. */
const SOURCE_QUENCH = 4;
const SOURCE_ADDRESS = 12;
const DESTINATION_ADDRESS = 16;

const wanted = new Tuple();

/** Where the transport header begins. */
export function transportAt({ memory: { bytes } }: Kernel, { network }: Packet): number {
  return network + headerLength(bytes, network);
}

/** Is it a TCP segment or UDP datagram with a whole header? */
export function hasPorts(kernel: Kernel, packet: Packet): boolean {
  const kind = protocol(kernel.memory.bytes, packet.network);
  const available = packet.network + packet.datagramLength - transportAt(kernel, packet);
  return (kind === PROTOCOL_TCP && available >= TCP_HEADER) || (kind === PROTOCOL_UDP && available >= UDP_HEADER);
}

/** What an ICMP error that ip_vs cares about quotes: a TCP segment or UDP datagram; else null. */
export function balancedQuote(kernel: Kernel, packet: Packet): Quote | null {
  const { bytes } = kernel.memory;
  const icmp = transportAt(kernel, packet);
  const end = packet.network + packet.datagramLength;
  if (protocol(bytes, packet.network) !== PROTOCOL_ICMP || icmp + ICMP_HEADER > end) return null;
  const type = bytes[icmp];
  if (type !== ICMP_UNREACHABLE && type !== SOURCE_QUENCH && type !== ICMP_TIME_EXCEEDED) return null;
  const quote = readQuote4(kernel, icmp + ICMP_HEADER, end);
  if (quote === null || quote.isLaterFragment) return null;
  return quote.protocol === PROTOCOL_TCP || quote.protocol === PROTOCOL_UDP ? quote : null;
}

export function hasSoundIcmp(kernel: Kernel, packet: Packet): boolean {
  const icmp = transportAt(kernel, packet);
  return hasValidIcmpChecksum(kernel.memory, icmp, packet.network + packet.datagramLength - icmp);
}

/** The connection of the quoted packet, which one of its ends has sent to the other. */
export function connectionOfQuote(kernel: Kernel, packet: Packet, { source, destination, protocol: kind, transport }: Quote, isReply: boolean): IpvsConnection | null {
  const namespace = packet.device?.namespace;
  if (namespace === undefined) return null;
  const { bytes } = kernel.memory;
  const from = read16(bytes, transport);
  const to = read16(bytes, transport + 2);
  // A client hears of what came from the virtual address; a real server says what it thinks of the client's.
  if (isReply) return kernel.ipvs.find(true, namespace, kind, source, from, destination, to, kernel.clock);
  return kernel.ipvs.find(false, namespace, kind, destination, to, source, from, kernel.clock);
}

/** The destination (of a request) or the source (of a reply) becomes another address; the port stays. */
export function readdress(kernel: Kernel, packet: Packet, side: Side, address: number): void {
  const { memory } = kernel;
  const { network, datagramLength } = packet;
  const transport = transportAt(kernel, packet);
  wanted.set(address, read16(memory.bytes, transport), address, read16(memory.bytes, transport + 2));
  rewrite(memory.bytes, network, network + datagramLength, side, wanted);
  const lacksChecksum = protocol(memory.bytes, network) === PROTOCOL_UDP && !hasUdpChecksum(memory.bytes, transport);
  if (lacksChecksum) updateUdpChecksum(memory, network, transport, network + datagramLength - transport);
}

/** ip_vs_nat_icmp: the same for an error, and for the other side of what it quotes. */
export function readdressError({ memory }: Kernel, { network, datagramLength }: Packet, side: Side, address: number): void {
  const { bytes } = memory;
  const header = headerLength(bytes, network);
  const icmp = network + header;
  const quoted = icmp + ICMP_HEADER;
  write32(bytes, network + (side === Side.Source ? SOURCE_ADDRESS : DESTINATION_ADDRESS), address);
  write32(bytes, quoted + (side === Side.Source ? DESTINATION_ADDRESS : SOURCE_ADDRESS), address);
  updateChecksum(memory, network, header);
  updateChecksum(memory, quoted, headerLength(bytes, quoted));
  updateIcmpChecksum(memory, icmp, network + datagramLength - icmp);
}

/** ip_vs_set_state, and how long the connection lives in it. */
export function touch(kernel: Kernel, packet: Packet, connection: IpvsConnection, isReply: boolean): void {
  let timeout = IPVS_UDP_NS;
  if (connection.protocol === PROTOCOL_TCP) {
    connection.tcp = nextState(connection.tcp, controlBits(kernel.memory.bytes, transportAt(kernel, packet)), isReply, connection.forwarding);
    timeout = timeoutOf(connection.tcp);
  }
  kernel.ipvs.setDeadline(connection, kernel.clock + timeout);
}

