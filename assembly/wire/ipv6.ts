/** IPv6 (RFC 8200 §3, §4) and what ICMPv6 and neighbour discovery put behind it. */
import { NEXT_FRAGMENT } from "../abi/protocol";
import { load16, store16, store32 } from "./bytes";
import { complement, sumPseudoHeader, sumWords } from "./checksum";
import { ICMP_CHECKSUM } from "./icmp";
import { PROTOCOL_ICMP6 } from "../abi/protocol";

export const IPV6_HEADER: u32 = 40;
export const IP6_LENGTH: usize = 4;
export const IP6_NEXT: usize = 6;
export const IP6_HOP_LIMIT: usize = 7;
export const IP6_SOURCE: usize = 8;
export const IP6_DESTINATION: usize = 24;

export const FRAGMENT_HEADER: u32 = 8;
/** Of the fragment header's second half-word: the offset in bytes, and "more". */
export const FRAGMENT_OFFSET: u32 = 0xfff8;
export const FRAGMENT_MORE: u32 = 1;

@inline export function payloadLength6(ip: usize): u32 {
  return load16(ip + IP6_LENGTH);
}

/** Addresses are given by where their bytes lie. */
export function writeIpv6(ip: usize, payload: u32, hopLimit: u32, protocol: u32, source: usize, destination: usize): void {
  store<u32>(ip, 0x60);
  store16(ip + IP6_LENGTH, payload);
  store<u8>(ip, <u8>protocol, IP6_NEXT);
  store<u8>(ip, <u8>hopLimit, IP6_HOP_LIMIT);
  v128.store(ip + IP6_SOURCE, v128.load(source));
  v128.store(ip + IP6_DESTINATION, v128.load(destination));
}

export function writeFragmentHeader(to: usize, next: u32, offset: u32, more: bool, id: u32): void {
  store<u16>(to, <u16>next);
  store16(to + 2, offset | (more ? FRAGMENT_MORE : 0));
  store32(to + 4, id);
}

/** Where the second half-word of a fragment header is. */
@inline export function fragmentField(header: usize): u32 {
  return load16(header + 2);
}

/** The sum covers addresses, so it is written when they are known. */
export function writeIcmp6Checksum(ip: usize, icmp: usize, bytes: u32): void {
  store<u16>(icmp, 0, ICMP_CHECKSUM);
  store<u16>(icmp, complement(sumPseudoHeader(ip, PROTOCOL_ICMP6, bytes) + sumWords(icmp, bytes)), ICMP_CHECKSUM);
}

/** Bytes of an extension header; 0: it does not fit into what is there. */
export function extensionLength(header: usize, kind: u32, available: u32): u32 {
  if (available < 8) return 0;
  const length = kind == <u32>NEXT_FRAGMENT ? FRAGMENT_HEADER : (<u32>load<u8>(header, 1) + 1) << 3;
  return length <= available ? length : 0;
}
