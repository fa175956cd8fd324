import { PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { walkHeaders } from "../ipv6/headers";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { read16 } from "../wire/bytes";
import { ICMP_HEADER, ICMP_IDENTIFIER } from "../wire/icmp";
import { isLaterFragment } from "../wire/ip";
import { DESTINATION6, fragmentField6, OFFSET_MASK6, SOURCE6 } from "../wire/ipv6";
import { UDP_HEADER } from "../wire/udp";
import { Side } from "./bind";
import type { Tuple } from "./entry";
import { adjust, checksumOf, rewriteWord } from "./translate";
import { hasIdentifier } from "./tuple";

const ICMP_CHECKSUM = 2;

/** nf_nat_packet of IPv6: no header has a checksum of its own, but all transports cover the addresses. */
export function translate6(kernel: Kernel, packet: Packet, side: Side, tuple: Tuple): void {
  const { bytes } = kernel.memory;
  const { network, protocol6, transport } = packet;
  const available = isLaterFragment(bytes, packet) ? 0 : network + packet.datagramLength - transport;
  rewrite(kernel, network, protocol6, transport, available, side, tuple);
  if (side === Side.Source) packet.source6 = tuple.source;
  else packet.destination6 = tuple.destination;
}

/** What an error quotes; the error's own checksum is made anew afterwards. */
export function rewriteQuote6(kernel: Kernel, network: number, end: number, side: Side, tuple: Tuple): void {
  const { bytes } = kernel.memory;
  const headers = walkHeaders(bytes, network, end);
  if (headers === null) return;
  const { fragment, protocol, transport } = headers;
  const isLater = fragment !== 0 && (fragmentField6(bytes, fragment) & OFFSET_MASK6) !== 0;
  rewrite(kernel, network, protocol, transport, isLater ? 0 : end - transport, side, tuple);
}

/** The address alone, of a packet whose checksum is made anew. */
export function writeAddress6({ memory, addresses }: Kernel, packet: Packet, side: Side, tuple: Tuple): void {
  const address = side === Side.Source ? tuple.source : tuple.destination;
  addresses.write(memory.bytes, packet.network + (side === Side.Source ? SOURCE6 : DESTINATION6), address);
  if (side === Side.Source) packet.source6 = address;
  else packet.destination6 = address;
}

function rewrite(kernel: Kernel, network: number, kind: number, transport: number, available: number, side: Side, tuple: Tuple): void {
  const { bytes } = kernel.memory;
  const isIcmp = kind === PROTOCOL_ICMP6;
  const checksum = isIcmp ? (available >= ICMP_HEADER ? transport + ICMP_CHECKSUM : 0) : checksumOf(bytes, kind, transport, available);
  rewriteAddress(kernel, network, kind === PROTOCOL_UDP, checksum, side, tuple);
  if (isIcmp) {
    const isAsked = available >= ICMP_HEADER && hasIdentifier(kind, bytes[transport]);
    if (isAsked) rewriteWord(bytes, transport + ICMP_IDENTIFIER, tuple.sourcePort, checksum, false);
    return;
  }
  if (available < UDP_HEADER || (kind !== PROTOCOL_TCP && kind !== PROTOCOL_UDP)) return;
  const port = side === Side.Source ? tuple.sourcePort : tuple.destinationPort;
  rewriteWord(bytes, side === Side.Source ? transport : transport + 2, port, checksum, kind === PROTOCOL_UDP);
}

function rewriteAddress({ memory, addresses }: Kernel, network: number, isUdp: boolean, checksum: number, side: Side, tuple: Tuple): void {
  const { bytes } = memory;
  const at = network + (side === Side.Source ? SOURCE6 : DESTINATION6);
  const address = side === Side.Source ? tuple.source : tuple.destination;
  if (addresses.find(bytes, at) === address) return;
  let change = 0;
  for (let i = 0; i < 16; i += 2) change += ~read16(bytes, at + i) & 0xffff;
  addresses.write(bytes, at, address);
  for (let i = 0; i < 16; i += 2) change += read16(bytes, at + i);
  if (checksum !== 0) adjust(bytes, checksum, change, isUdp);
}
