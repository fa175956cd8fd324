/** UDP (RFC 768). */
import { load16, store16, swap16, swap32 } from "./bytes";
import { PROTOCOL_UDP } from "../abi/protocol";
import { complement, sumPseudoHeader, sumWords } from "./checksum";

export const UDP_HEADER: u32 = 8;
export const UDP_LENGTH: usize = 4;
export const UDP_CHECKSUM: usize = 6;

@inline export function sourcePort(transport: usize): u32 {
  return load16(transport);
}

@inline export function destinationPort(transport: usize): u32 {
  return load16(transport + 2);
}

@inline export function writeUdp(udp: usize, source: u32, destination: u32, length: u32): void {
  store<u32>(udp, swap32((source << 16) | destination));
  store<u32>(udp, swap16(length), UDP_LENGTH);
}

/** A sum of zero is sent as all ones: zero means that there is none. */
@inline export function writeUdpChecksum(ip: usize, udp: usize): void {
  const length = load16(udp + UDP_LENGTH);
  store<u16>(udp, 0, UDP_CHECKSUM);
  const checksum = complement(sumPseudoHeader(ip, PROTOCOL_UDP, length) + sumWords(udp, length));
  store<u16>(udp, checksum == 0 ? 0xffff : checksum, UDP_CHECKSUM);
}
