import { PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import type { Memory } from "../memory/memory";
import { read16, write16 } from "./bytes";
import { complement, fold, pseudoSum, sum } from "./checksum";

export const UDP_HEADER = 8;

export function sourcePort(bytes: Uint8Array, udp: number): number {
  return read16(bytes, udp);
}

export function destinationPort(bytes: Uint8Array, udp: number): number {
  return read16(bytes, udp + 2);
}

export function udpLength(bytes: Uint8Array, udp: number): number {
  return read16(bytes, udp + 4);
}

export function writeUdp(bytes: Uint8Array, udp: number, source: number, destination: number, length: number): void {
  write16(bytes, udp, source);
  write16(bytes, udp + 2, destination);
  write16(bytes, udp + 4, length);
  write16(bytes, udp + 6, 0);
}

/** A checksum of 0 says that there is none, so a computed 0 is sent as all ones (RFC 768). */
export function updateUdpChecksum(memory: Memory, network: number, udp: number, length: number): void {
  write16(memory.bytes, udp + 6, 0);
  const checksum = complement(sum(memory, udp, length) + pseudoSum(memory.bytes, network, PROTOCOL_UDP, length));
  write16(memory.bytes, udp + 6, checksum === 0 ? 0xffff : checksum);
}

export function hasValidUdpChecksum(memory: Memory, network: number, udp: number, length: number): boolean {
  // IPv6 has no datagrams without a checksum (RFC 8200 §8.1).
  if (read16(memory.bytes, udp + 6) === 0) return memory.bytes[network] >>> 4 !== 6;
  return fold(sum(memory, udp, length) + pseudoSum(memory.bytes, network, PROTOCOL_UDP, length)) === 0xffff;
}

/** Without one the sender says that nobody needs to look; of IPv6, only some believe it. */
export function hasUdpChecksum(bytes: Uint8Array, udp: number): boolean {
  return read16(bytes, udp + 6) !== 0;
}
