/** IPv4 (RFC 791 §3.1). Addresses are in reading order, as in the program's records. */
import { complement, sumWords } from "./checksum";
import { load16, load32, store16, store32 } from "./bytes";

export const IPV4_HEADER: u32 = 20;
export const IP_TOTAL: usize = 2;
export const IP_ID: usize = 4;
export const IP_FRAGMENT: usize = 6;
export const IP_TTL: usize = 8;
export const IP_PROTOCOL: usize = 9;
export const IP_CHECKSUM: usize = 10;
export const IP_SOURCE: usize = 12;
export const IP_DESTINATION: usize = 16;

/** Flags and offset share a word. */
export const IP_DF: u32 = 0x4000;
export const IP_MF: u32 = 0x2000;
export const IP_OFFSET_MASK: u32 = 0x1fff;

export const IP_BROADCAST: u32 = 0xffffffff;

@inline export function headerLength(ip: usize): u32 {
  return (<u32>load<u8>(ip) & 15) << 2;
}

@inline export function totalLength(ip: usize): u32 {
  return load16(ip + IP_TOTAL);
}

@inline export function protocolOf(ip: usize): u32 {
  return <u32>load<u8>(ip, IP_PROTOCOL);
}

@inline export function sourceOf(ip: usize): u32 {
  return load32(ip + IP_SOURCE);
}

@inline export function destinationOf(ip: usize): u32 {
  return load32(ip + IP_DESTINATION);
}

@inline export function fragmentWord(ip: usize): u32 {
  return load16(ip + IP_FRAGMENT);
}

/** 127.0.0.0/8. */
@inline export function isLoopback(ip: u32): bool {
  return ip >>> 24 == 127;
}

/** 224.0.0.0/4. */
@inline export function isMulticast(ip: u32): bool {
  return ip >>> 28 == 14;
}

/** Multicast, reserved and the limited broadcast. */
@inline export function isClassDOrAbove(ip: u32): bool {
  return ip >= 0xe0000000;
}

export function writeChecksum(ip: usize): void {
  store<u16>(ip, 0, IP_CHECKSUM);
  store<u16>(ip, complement(sumWords(ip, headerLength(ip))), IP_CHECKSUM);
}

/** ip_decrease_ttl: the TTL is the high byte of its word, so the checksum grows by 0x0100 in network order (RFC 1141). */
@inline export function decreaseTtl(ip: usize): void {
  store<u8>(ip, load<u8>(ip, IP_TTL) - 1, IP_TTL);
  // As loaded, 0x0100 of the network is 1 here.
  const sum = <u32>load<u16>(ip, IP_CHECKSUM) + 1;
  store<u16>(ip, <u16>(sum + <u32>(sum >= 0xffff)), IP_CHECKSUM);
}

/** A header without options. Identification, flags, and checksum are left to the output. */
@inline export function writeIpv4(ip: usize, total: u32, ttl: u32, protocol: u32, source: u32, destination: u32): void {
  store<u16>(ip, 0x45);
  store16(ip + IP_TOTAL, total);
  store<u32>(ip, 0, IP_ID);
  store<u32>(ip, ttl | (protocol << 8), IP_TTL);
  store32(ip + IP_SOURCE, source);
  store32(ip + IP_DESTINATION, destination);
}
