import { PROTOCOL_ICMP6 } from "../../../../assembly/abi/protocol";
import type { Memory } from "../memory/memory";
import { read16, write16 } from "./bytes";
import { complement, fold, pseudoSum, sum } from "./checksum";

export const ICMP_HEADER = 8;

/** Offsets (RFC 792). */
export const ICMP_CODE = 1;
export const ICMP_IDENTIFIER = 4;
export const ICMP_SEQUENCE = 6;
/** Low half of the second word: the next hop's MTU in "fragmentation needed" (RFC 1191 §4). */
export const ICMP_NEXT_HOP_MTU = 6;

export function identifier(bytes: Uint8Array, icmp: number): number {
  return read16(bytes, icmp + ICMP_IDENTIFIER);
}

export function nextHopMtu(bytes: Uint8Array, icmp: number): number {
  return read16(bytes, icmp + ICMP_NEXT_HOP_MTU);
}

export function writeIcmp(bytes: Uint8Array, icmp: number, type: number, code: number, first: number, second: number): void {
  bytes[icmp] = type;
  bytes[icmp + ICMP_CODE] = code;
  write16(bytes, icmp + 2, 0);
  write16(bytes, icmp + ICMP_IDENTIFIER, first);
  write16(bytes, icmp + ICMP_SEQUENCE, second);
}

export function hasValidIcmpChecksum(memory: Memory, icmp: number, length: number): boolean {
  return sum(memory, icmp, length) === 0xffff;
}

export function updateIcmpChecksum(memory: Memory, icmp: number, length: number): void {
  write16(memory.bytes, icmp + 2, 0);
  write16(memory.bytes, icmp + 2, complement(sum(memory, icmp, length)));
}

/** ICMPv6 covers the addresses, too (RFC 4443 §2.3). */
export function hasValidIcmp6Checksum(memory: Memory, network: number, icmp: number, length: number): boolean {
  return fold(sum(memory, icmp, length) + pseudoSum(memory.bytes, network, PROTOCOL_ICMP6, length)) === 0xffff;
}

export function updateIcmp6Checksum(memory: Memory, network: number, icmp: number, length: number): void {
  write16(memory.bytes, icmp + 2, 0);
  write16(memory.bytes, icmp + 2, complement(sum(memory, icmp, length) + pseudoSum(memory.bytes, network, PROTOCOL_ICMP6, length)));
}
