/** What is asked of a packet's headers, whichever its family is. IPv6 packets have what the walk along their headers found. */
import type { AddressTable } from "../memory/address-table";
import type { Packet } from "../memory/packet";
import { destinationIp, fragmentField, headerLength, MORE_FRAGMENTS, OFFSET_MASK, protocol, sourceIp } from "./ipv4";
import { fragmentField6, MORE_FRAGMENTS6, OFFSET_MASK6, SOURCE6 } from "./ipv6";

/** The source's number; 0: none yet. */
export function sourceOf(bytes: Uint8Array, packet: Packet): number {
  return packet.isIpv6 ? packet.source6 : sourceIp(bytes, packet.network);
}

export function destinationOf(bytes: Uint8Array, packet: Packet): number {
  return packet.isIpv6 ? packet.destination6 : destinationIp(bytes, packet.network);
}

export function protocolOf(bytes: Uint8Array, packet: Packet): number {
  return packet.isIpv6 ? packet.protocol6 : protocol(bytes, packet.network);
}

/** Where the transport header begins. */
export function transportOf(bytes: Uint8Array, packet: Packet): number {
  return packet.isIpv6 ? packet.transport : packet.network + headerLength(bytes, packet.network);
}

/** Bytes from the transport header to the end. */
export function transportLength(bytes: Uint8Array, packet: Packet): number {
  return packet.network + packet.datagramLength - transportOf(bytes, packet);
}

export function isFragment(bytes: Uint8Array, packet: Packet): boolean {
  if (!packet.isIpv6) return (fragmentField(bytes, packet.network) & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0;
  return packet.fragmentHeader !== 0 && (fragmentField6(bytes, packet.fragmentHeader) & (MORE_FRAGMENTS6 | OFFSET_MASK6)) !== 0;
}

/** A fragment without a transport header of its own. */
export function isLaterFragment(bytes: Uint8Array, packet: Packet): boolean {
  if (!packet.isIpv6) return (fragmentField(bytes, packet.network) & OFFSET_MASK) !== 0;
  return packet.fragmentHeader !== 0 && (fragmentField6(bytes, packet.fragmentHeader) & OFFSET_MASK6) !== 0;
}

/** Puts a source into a draft that had none. */
export function setSource6(addresses: AddressTable, bytes: Uint8Array, packet: Packet, source: number): void {
  addresses.write(bytes, packet.network + SOURCE6, source);
  packet.source6 = source;
}
