/** ICMP (RFC 792). */
import { load16, swap32 } from "./bytes";
import { complement, sumWords } from "./checksum";

export const ICMP_HEADER: u32 = 8;
export const ICMP_CHECKSUM: usize = 2;
/** Of echoes; in errors, the second half of the second word is the next hop's MTU (RFC 1191 §4). */
export const ICMP_IDENTIFIER: usize = 4;
export const ICMP_INFO: usize = 6;

@inline export function icmpIdentifier(icmp: usize): u32 {
  return load16(icmp + ICMP_IDENTIFIER);
}

@inline export function writeIcmpHeader(icmp: usize, type: u32, code: u32, identifier: u32, info: u32): void {
  store<u32>(icmp, type | (code << 8));
  store<u32>(icmp, swap32((identifier << 16) | info), ICMP_IDENTIFIER);
}

@inline export function writeIcmpChecksum(icmp: usize, bytes: u32): void {
  store<u16>(icmp, 0, ICMP_CHECKSUM);
  store<u16>(icmp, complement(sumWords(icmp, bytes)), ICMP_CHECKSUM);
}
