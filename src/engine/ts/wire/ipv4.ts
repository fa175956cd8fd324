import type { Memory } from "../memory/memory";
import { read16, read32, write16, write32 } from "./bytes";
import { complement, sum } from "./checksum";

export const IPV4_HEADER = 20;

/** Bits of the flags and offset field (RFC 791 §3.1). */
export const DONT_FRAGMENT = 0x4000;
export const MORE_FRAGMENTS = 0x2000;
export const OFFSET_MASK = 0x1fff;

export function version(bytes: Uint8Array, network: number): number {
  return bytes[network] >>> 4;
}

/** Bytes, options included. */
export function headerLength(bytes: Uint8Array, network: number): number {
  return (bytes[network] & 15) << 2;
}

export function totalLength(bytes: Uint8Array, network: number): number {
  return read16(bytes, network + 2);
}

export function setTotalLength(bytes: Uint8Array, network: number, length: number): void {
  write16(bytes, network + 2, length);
}

export function identification(bytes: Uint8Array, network: number): number {
  return read16(bytes, network + 4);
}

/** DF, MF and the fragment offset in units of 8 bytes. */
export function fragmentField(bytes: Uint8Array, network: number): number {
  return read16(bytes, network + 6);
}

export function setFragmentField(bytes: Uint8Array, network: number, field: number): void {
  write16(bytes, network + 6, field);
}

export function ttl(bytes: Uint8Array, network: number): number {
  return bytes[network + 8];
}

export function setTtl(bytes: Uint8Array, network: number, value: number): void {
  bytes[network + 8] = value;
}

export function protocol(bytes: Uint8Array, network: number): number {
  return bytes[network + 9];
}

export function setProtocol(bytes: Uint8Array, network: number, value: number): void {
  bytes[network + 9] = value;
}

export function sourceIp(bytes: Uint8Array, network: number): number {
  return read32(bytes, network + 12);
}

export function setSourceIp(bytes: Uint8Array, network: number, ip: number): void {
  write32(bytes, network + 12, ip);
}

export function destinationIp(bytes: Uint8Array, network: number): number {
  return read32(bytes, network + 16);
}

export function hasValidChecksum(memory: Memory, network: number, length: number): boolean {
  return sum(memory, network, length) === 0xffff;
}

export function updateChecksum(memory: Memory, network: number, length: number): void {
  write16(memory.bytes, network + 10, 0);
  write16(memory.bytes, network + 10, complement(sum(memory, network, length)));
}

/** What a sender knows before the route: IpOutput fills in the rest. */
export function writeDraft(
  bytes: Uint8Array,
  network: number,
  length: number,
  hops: number,
  kind: number,
  source: number,
  destination: number,
): void {
  write16(bytes, network, 0x4500);
  write16(bytes, network + 2, length);
  write32(bytes, network + 4, 0);
  bytes[network + 8] = hops;
  bytes[network + 9] = kind;
  write16(bytes, network + 10, 0);
  write32(bytes, network + 12, source);
  write32(bytes, network + 16, destination);
}

/** 127.0.0.0/8. */
export function isLoopback(ip: number): boolean {
  return ip >>> 24 === 127;
}

/** 224.0.0.0/4. */
export function isMulticast(ip: number): boolean {
  return ip >>> 28 === 14;
}

/** 224.0.0.0 and everything above: no host has such an address. */
export function isNotUnicast(ip: number): boolean {
  return ip >>> 28 >= 14;
}

/** 255.255.255.255 as a signed word. */
export const LIMITED_BROADCAST = -1;
