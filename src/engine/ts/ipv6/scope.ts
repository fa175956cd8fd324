import { type AddressTable, LOOPBACK6 } from "../memory/address-table";

/** Scopes as RFC 4007 numbers them. */
export const SCOPE_INTERFACE = 1;
export const SCOPE_LINK = 2;
const SCOPE_GLOBAL = 14;

/** ff00::/8. */
export function isGroup6(addresses: AddressTable, address: number): boolean {
  return addresses.word(address, 0) >>> 24 === 0xff;
}

/** fe80::/10. */
export function isLinkLocal6(addresses: AddressTable, address: number): boolean {
  return addresses.word(address, 0) >>> 22 === 0x3fa;
}

export function scopeOf(addresses: AddressTable, address: number): number {
  if (address === LOOPBACK6) return SCOPE_INTERFACE;
  if (isLinkLocal6(addresses, address)) return SCOPE_LINK;
  const high = addresses.word(address, 0) >>> 16;
  if (high === 0xff01) return SCOPE_INTERFACE;
  return high === 0xff02 ? SCOPE_LINK : SCOPE_GLOBAL;
}

/** Does it stay on its link: link-local, or a group that no router passes on? */
export function isOfLink(addresses: AddressTable, address: number): boolean {
  return isLinkLocal6(addresses, address) || (isGroup6(addresses, address) && scopeOf(addresses, address) <= SCOPE_LINK);
}

/** Leading bits that two addresses have in common. */
export function commonPrefix(addresses: AddressTable, a: number, b: number): number {
  for (let i = 0; i < 4; i++) {
    const difference = addresses.word(a, i) ^ addresses.word(b, i);
    if (difference !== 0) return 32 * i + Math.clz32(difference);
  }
  return 128;
}

const GROUP_HIGH = 0xff020000;

/** ff02::1. */
export const ALL_NODES = [GROUP_HIGH, 0, 0, 1];

/** ff02::1:ff00:0/104 with the last 24 bits of an address (RFC 4291 §2.7.1). */
export function solicitedGroup(addresses: AddressTable, address: number): number {
  return addresses.group([GROUP_HIGH, 0, 1, 0xff000000 | (addresses.word(address, 3) & 0xffffff)]);
}

export function isSolicitedGroup(addresses: AddressTable, group: number): boolean {
  const high = addresses.word(group, 0) >>> 0;
  return high === GROUP_HIGH && addresses.word(group, 1) === 0 && addresses.word(group, 2) === 1 && addresses.word(group, 3) >>> 24 === 0xff;
}

/** ff01::1 and ff02::1. */
export function isAllNodes(addresses: AddressTable, group: number): boolean {
  const high = addresses.word(group, 0) >>> 16;
  if (high !== 0xff01 && high !== 0xff02) return false;
  const isPlain = (addresses.word(group, 0) & 0xffff) === 0;
  return isPlain && addresses.word(group, 1) === 0 && addresses.word(group, 2) === 0 && addresses.word(group, 3) === 1;
}
