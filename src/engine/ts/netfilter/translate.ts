import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { read16, read32, write16, write32 } from "../wire/bytes";
import { fold } from "../wire/checksum";
import { hasValidIcmp6Checksum, hasValidIcmpChecksum, ICMP_HEADER, ICMP_IDENTIFIER, updateIcmp6Checksum, updateIcmpChecksum } from "../wire/icmp";
import { fragmentField, headerLength, OFFSET_MASK, protocol } from "../wire/ipv4";
import { TCP_HEADER } from "../wire/tcp";
import { UDP_HEADER } from "../wire/udp";
import { Side } from "./bind";
import { type Entry, Tuple } from "./entry";
import { rewriteQuote6, translate6, writeAddress6 } from "./translate6";
import { hasIdentifier, invert } from "./tuple";

/** Offsets in the IPv4, TCP, UDP and ICMP headers. */
const SOURCE_ADDRESS = 12;
const DESTINATION_ADDRESS = 16;
const IPV4_CHECKSUM = 10;
const TCP_CHECKSUM = 16;
const UDP_CHECKSUM = 6;
const ICMP_CHECKSUM = 2;
/** RFC 792. */
const ICMP_REDIRECT = 5;

const look = new Tuple();

/** Has this end of the connection been translated, as a packet of that direction meets it? */
function isTranslated({ snat, dnat }: Entry, side: Side, isReply: boolean): boolean {
  return (side === Side.Source) === isReply ? dnat : snat;
}

/** nf_nat_packet: makes one end of the packet look as the other direction of its connection expects it. */
export function translate(kernel: Kernel, packet: Packet, entry: Entry, side: Side): void {
  if (!isTranslated(entry, side, packet.ctReply)) return;
  invert(entry.protocol, entry.tuple(!packet.ctReply), look);
  if (packet.isIpv6) {
    translate6(kernel, packet, side, look);
    return;
  }
  const { bytes } = kernel.memory;
  const { network } = packet;
  rewrite(bytes, network, network + packet.datagramLength, side, look);
}

/** nf_nat_icmp_reply_translation: an error about a packet of the connection. False if it has to be dropped. */
export function translateError(kernel: Kernel, packet: Packet, entry: Entry, side: Side): boolean {
  if (packet.isIpv6) return translateError6(kernel, packet, entry, side);
  const { memory } = kernel;
  const { bytes } = memory;
  const { network } = packet;
  const icmp = network + headerLength(bytes, network);
  const end = network + packet.datagramLength;
  if (!hasValidIcmpChecksum(memory, icmp, end - icmp)) return false;
  if (bytes[icmp] === ICMP_REDIRECT && (entry.snat || entry.dnat)) return false;
  if (!isTranslated(entry, side, packet.ctReply)) return true;
  const other = entry.tuple(!packet.ctReply);
  rewrite(bytes, icmp + ICMP_HEADER, end, side === Side.Source ? Side.Destination : Side.Source, other);
  updateIcmpChecksum(memory, icmp, end - icmp);
  invert(entry.protocol, other, look);
  rewriteAddress(bytes, network, 0, side, look);
  return true;
}

/** The same of ICMPv6. */
function translateError6(kernel: Kernel, packet: Packet, entry: Entry, side: Side): boolean {
  const { memory } = kernel;
  const { network, transport: icmp } = packet;
  const end = network + packet.datagramLength;
  if (!hasValidIcmp6Checksum(memory, network, icmp, end - icmp)) return false;
  if (!isTranslated(entry, side, packet.ctReply)) return true;
  const other = entry.tuple(!packet.ctReply);
  rewriteQuote6(kernel, icmp + ICMP_HEADER, end, side === Side.Source ? Side.Destination : Side.Source, other);
  invert(entry.protocol, other, look);
  writeAddress6(kernel, packet, side, look);
  updateIcmp6Checksum(memory, network, icmp, end - icmp);
  return true;
}

/** Writes address and port of one end into the datagram that ends at `end`, and puts its checksums right. */
export function rewrite(bytes: Uint8Array, network: number, end: number, side: Side, tuple: Tuple): void {
  const transport = network + headerLength(bytes, network);
  const isFirst = (fragmentField(bytes, network) & OFFSET_MASK) === 0;
  const kind = protocol(bytes, network);
  const available = isFirst ? end - transport : 0;
  rewriteAddress(bytes, network, checksumOf(bytes, kind, transport, available), side, tuple);
  if (kind === PROTOCOL_ICMP) {
    const isAsked = available >= ICMP_HEADER && hasIdentifier(PROTOCOL_ICMP, bytes[transport]);
    if (isAsked) rewriteWord(bytes, transport + ICMP_IDENTIFIER, tuple.sourcePort, transport + ICMP_CHECKSUM, false);
    return;
  }
  if (available < UDP_HEADER || (kind !== PROTOCOL_TCP && kind !== PROTOCOL_UDP)) return;
  const port = side === Side.Source ? tuple.sourcePort : tuple.destinationPort;
  const checksum = checksumOf(bytes, kind, transport, available);
  rewriteWord(bytes, side === Side.Source ? transport : transport + 2, port, checksum, kind === PROTOCOL_UDP);
}

/** Where the checksum over the addresses is; 0: nowhere. */
export function checksumOf(bytes: Uint8Array, kind: number, transport: number, available: number): number {
  if (kind === PROTOCOL_TCP && available >= TCP_HEADER) return transport + TCP_CHECKSUM;
  const hasChecksum = kind === PROTOCOL_UDP && available >= UDP_HEADER && read16(bytes, transport + UDP_CHECKSUM) !== 0;
  return hasChecksum ? transport + UDP_CHECKSUM : 0;
}

function rewriteAddress(bytes: Uint8Array, network: number, checksum: number, side: Side, tuple: Tuple): void {
  const at = network + (side === Side.Source ? SOURCE_ADDRESS : DESTINATION_ADDRESS);
  const address = side === Side.Source ? tuple.source : tuple.destination;
  const old = read32(bytes, at);
  if (old === address) return;
  write32(bytes, at, address);
  const change = (~(old >>> 16) & 0xffff) + (~old & 0xffff) + (address >>> 16) + (address & 0xffff);
  adjust(bytes, network + IPV4_CHECKSUM, change, false);
  if (checksum !== 0) adjust(bytes, checksum, change, bytes[network + 9] === PROTOCOL_UDP);
}

export function rewriteWord(bytes: Uint8Array, at: number, value: number, checksum: number, isUdp: boolean): void {
  const old = read16(bytes, at);
  if (old === value) return;
  write16(bytes, at, value);
  if (checksum !== 0) adjust(bytes, checksum, (~old & 0xffff) + value, isUdp);
}

/** RFC 1624, equation 3: the checksum after words of the sum went (complemented) and came. UDP has no checksum 0. */
export function adjust(bytes: Uint8Array, at: number, change: number, isUdp: boolean): void {
  const checksum = ~fold((~read16(bytes, at) & 0xffff) + change) & 0xffff;
  write16(bytes, at, isUdp && checksum === 0 ? 0xffff : checksum);
}
