/** Big-endian fields of packets. 32-bit values are signed: equality and bits are what they are used for. */

export function read16(bytes: Uint8Array, address: number): number {
  return (bytes[address] << 8) | bytes[address + 1];
}

export function read32(bytes: Uint8Array, address: number): number {
  return (bytes[address] << 24) | (bytes[address + 1] << 16) | (bytes[address + 2] << 8) | bytes[address + 3];
}

export function write16(bytes: Uint8Array, address: number, value: number): void {
  bytes[address] = value >>> 8;
  bytes[address + 1] = value;
}

export function write32(bytes: Uint8Array, address: number, value: number): void {
  bytes[address] = value >>> 24;
  bytes[address + 1] = value >>> 16;
  bytes[address + 2] = value >>> 8;
  bytes[address + 3] = value;
}
