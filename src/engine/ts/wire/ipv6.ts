import type { AddressTable } from "../memory/address-table";
import { read16, write16, write32 } from "./bytes";

export const IPV6_HEADER = 40;
export const FRAGMENT_HEADER = 8;

/** Offsets (RFC 8200 §3). */
export const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
export const SOURCE6 = 8;
export const DESTINATION6 = 24;

/** Bits of the offset field of a fragment header. */
export const MORE_FRAGMENTS6 = 1;
export const OFFSET_MASK6 = 0xfff8;

/** Bytes behind the fixed header. */
export function payloadLength(bytes: Uint8Array, network: number): number {
  return read16(bytes, network + 4);
}

export function setPayloadLength(bytes: Uint8Array, network: number, length: number): void {
  write16(bytes, network + 4, length);
}

export function hopLimit(bytes: Uint8Array, network: number): number {
  return bytes[network + HOP_LIMIT];
}

export function setHopLimit(bytes: Uint8Array, network: number, hops: number): void {
  bytes[network + HOP_LIMIT] = hops;
}

/** Traffic class and flow label are 0. */
export function writeIpv6(
  addresses: AddressTable,
  bytes: Uint8Array,
  network: number,
  length: number,
  next: number,
  hops: number,
  source: number,
  destination: number,
): void {
  write32(bytes, network, 0x60000000);
  write16(bytes, network + 4, length - IPV6_HEADER);
  bytes[network + NEXT_HEADER] = next;
  bytes[network + HOP_LIMIT] = hops;
  addresses.write(bytes, network + SOURCE6, source);
  addresses.write(bytes, network + DESTINATION6, destination);
}

/** The offset field of a fragment header. */
export function fragmentField6(bytes: Uint8Array, header: number): number {
  return read16(bytes, header + 2);
}

export function writeFragmentHeader(bytes: Uint8Array, at: number, next: number, field: number, identification: number): void {
  write16(bytes, at, next << 8);
  write16(bytes, at + 2, field);
  write32(bytes, at + 4, identification);
}
