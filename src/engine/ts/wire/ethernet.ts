import { read16, read32, write16, write32 } from "./bytes";

export const ETHERNET_HEADER = 14;

/** First two bytes of a MAC address. */
export function macHigh(bytes: Uint8Array, address: number): number {
  return read16(bytes, address);
}

/** Last four bytes of a MAC address. */
export function macLow(bytes: Uint8Array, address: number): number {
  return read32(bytes, address + 2);
}

export function writeMac(bytes: Uint8Array, address: number, high: number, low: number): void {
  write16(bytes, address, high);
  write32(bytes, address + 2, low);
}

/** Where the source address lies in a frame; the destination is at 0. */
export const SOURCE = 6;

export function etherType(bytes: Uint8Array, frame: number): number {
  return read16(bytes, frame + 12);
}

/** The I/G bit: multicast and broadcast. */
export function isGroup(high: number): boolean {
  return (high & 0x0100) !== 0;
}

export function isBroadcast(high: number, low: number): boolean {
  return high === 0xffff && low === -1;
}

export function writeEthernet(
  bytes: Uint8Array,
  frame: number,
  destinationHigh: number,
  destinationLow: number,
  sourceHigh: number,
  sourceLow: number,
  type: number,
): void {
  writeMac(bytes, frame, destinationHigh, destinationLow);
  writeMac(bytes, frame + SOURCE, sourceHigh, sourceLow);
  write16(bytes, frame + 12, type);
}
