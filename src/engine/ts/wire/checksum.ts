import type { Memory } from "../memory/memory";
import { read16 } from "./bytes";

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Folds a sum of 16-bit words into 16 bits, carries added back (RFC 1071 §1). */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/**
 * One's complement sum of the 16-bit words from `address`, an odd last byte padded with zero (RFC 1071). The sum does not
 * depend on byte order but for one swap at the end (§2 B), so whole words are read in the machine's own order.
 */
export function sum(memory: Memory, address: number, length: number): number {
  const { bytes, words } = memory;
  let high = 0;
  let low = 0;
  let at = address;
  const end = address + length;
  if ((address & 3) === 0) {
    const lastWord = (address + length) >> 2;
    for (let i = address >> 2; i < lastWord; i++) {
      const word = words[i];
      high += word >>> 16;
      low += word & 0xffff;
    }
    at = lastWord << 2;
  }
  let total = fold(high) + fold(low);
  if (LITTLE_ENDIAN) {
    total = fold(total);
    total = ((total & 0xff) << 8) | (total >>> 8);
  }
  for (; at + 1 < end; at += 2) total += read16(bytes, at);
  if (at < end) total += bytes[at] << 8;
  return fold(total);
}

/** The checksum field for data whose sum, field excluded, is given. */
export function complement(total: number): number {
  return ~fold(total) & 0xffff;
}

/** Sum of the pseudo header of UDP and TCP (RFC 768, RFC 9293 §3.1, RFC 8200 §8.1); both addresses lie side by side in either header. */
export function pseudoSum(bytes: Uint8Array, network: number, protocol: number, length: number): number {
  if (bytes[network] >>> 4 === 6) return pseudoSum6(bytes, network + 8, protocol, length);
  const source = network + 12;
  return read16(bytes, source) + read16(bytes, source + 2) + read16(bytes, source + 4) + read16(bytes, source + 6) + protocol + length;
}

function pseudoSum6(bytes: Uint8Array, source: number, protocol: number, length: number): number {
  let total = protocol + length;
  for (let at = source; at < source + 32; at += 2) total += read16(bytes, at);
  return total;
}
