/**
 * IPv6 addresses by number. Key: the 16 bytes as they lie in headers. Value: an index from 0, which is what all other tables know an
 * address by. Capacity: `capacity.addresses6`; none is ever given back. `::` is 0 and `::1` is 1.
 */
import { CAPACITY_ADDRESSES6 } from "../abi/image";
import { NONE } from "../abi/version";
import { powerOfTwo, reserve } from "../memory/arena";
import { capacity } from "../memory/image";

export const UNSPECIFIED: u32 = 0;
export const LOCALHOST6: u32 = 1;
/** Scopes of addresses (RFC 4291 §2.7, RFC 6724 §3.1). */
export const SCOPE_HOST: u32 = 1;
export const SCOPE_LINK: u32 = 2;
export const SCOPE_GLOBAL: u32 = 14;

const ADDRESS_BYTES: usize = 16;

let base: usize = 0;
/** Number + 1 by hash, u32 each; 0: free. */
let index: usize = 0;
let mask: u32 = 0;
let places: u32 = 0;
let taken: u32 = 0;
/** An address in the order of bytes of a header. */
const SWAPPED = memory.data(16, 16);

export function reserveAddresses6(): void {
  places = max<u32>(capacity(CAPACITY_ADDRESSES6), 2);
  base = reserve(places, ADDRESS_BYTES);
  const size = powerOfTwo(<u64>places * 2);
  mask = <u32>(size - 1);
  index = reserve(size, 4);
}

export function fillAddresses6(): void {
  memory.fill(SWAPPED, 0, 16);
  note6(SWAPPED);
  store<u8>(SWAPPED, 1, 15);
  note6(SWAPPED);
}

/** Where the bytes of an address lie. */
@inline export function bytesOf6(number: u32): usize {
  return base + <usize>number * ADDRESS_BYTES;
}

function slotOf(at: usize): u32 {
  const hash = (load<u64>(at) * 0x9e3779b97f4a7c15) ^ rotl<u64>(load<u64>(at, 8) * 0xd6e8feb86659fd93, 29);
  return <u32>((hash * 0x9e3779b97f4a7c15) >> 40) & mask;
}

/** The number of the address whose bytes lie at `at`, or NONE. */
export function find6(at: usize): u32 {
  const low = load<u64>(at);
  const high = load<u64>(at, 8);
  let slot = slotOf(at);
  while (true) {
    const number = load<u32>(index + (<usize>slot << 2));
    if (number == 0) return NONE;
    const known = bytesOf6(number - 1);
    if (load<u64>(known) == low && load<u64>(known, 8) == high) return number - 1;
    slot = (slot + 1) & mask;
  }
}

/** The same; an address that has no number gets one while there are any. */
export function note6(at: usize): u32 {
  const known = find6(at);
  if (known != NONE || taken == places) return known;
  let slot = slotOf(at);
  while (load<u32>(index + (<usize>slot << 2)) != 0) slot = (slot + 1) & mask;
  const number = taken++;
  v128.store(bytesOf6(number), v128.load(at));
  store<u32>(index + (<usize>slot << 2), taken);
  return number;
}

/** Whether both addresses that follow each other at `at` have numbers, or can have them. */
export function hasRoom6(at: usize): bool {
  const isFirstNew = find6(at) == NONE;
  const isSecondNew = find6(at + ADDRESS_BYTES) == NONE;
  if (!isFirstNew && !isSecondNew) return true;
  const areEqual = !v128.any_true(v128.xor(v128.load(at), v128.load(at, 16)));
  return taken + (isFirstNew && isSecondNew && !areEqual ? 2 : 1) <= places;
}

/** The number of an address of a program's record: four words in reading order. */
export function noteWords6(words: usize): u32 {
  copyWords6(SWAPPED, words);
  const number = note6(SWAPPED);
  assert(number != NONE, "addresses6: the capacity holds all addresses of programs");
  return number;
}

/** The same of an address that is sent to: :: stands for ::1. */
export function noteTarget6(words: usize): u32 {
  const number = noteWords6(words);
  return number == UNSPECIFIED ? LOCALHOST6 : number;
}

/** Turns four words of a record into the bytes of a header, or back. */
@inline export function copyWords6(to: usize, from: usize): void {
  const words = v128.load(from);
  v128.store(to, i8x16.shuffle(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
}

/** ff00::/8. */
@inline export function isGroup6(number: u32): bool {
  return load<u8>(bytesOf6(number)) == 0xff;
}

/** fe80::/10. */
@inline export function isLinkLocal6(number: u32): bool {
  return (load<u16>(bytesOf6(number)) & 0xc0ff) == 0x80fe;
}

export function scopeOf6(number: u32): u32 {
  if (number == LOCALHOST6) return SCOPE_HOST;
  if (isLinkLocal6(number)) return SCOPE_LINK;
  if (!isGroup6(number)) return SCOPE_GLOBAL;
  const second = <u32>load<u8>(bytesOf6(number), 1);
  return second == SCOPE_HOST || second == SCOPE_LINK ? second : SCOPE_GLOBAL;
}

/** How many leading bits two addresses have in common. */
export function commonPrefix6(a: u32, b: u32): u32 {
  const high = bswap<u64>(load<u64>(bytesOf6(a)) ^ load<u64>(bytesOf6(b)));
  if (high != 0) return <u32>clz<u64>(high);
  return 64 + <u32>clz<u64>(bswap<u64>(load<u64>(bytesOf6(a), 8) ^ load<u64>(bytesOf6(b), 8)));
}

/** Whether an address is one that all nodes, or the solicited node with the last 24 bits of `own`, listen to. */
export function isAllNodes6(number: u32): bool {
  const at = bytesOf6(number);
  return (load<u64>(at) == 0x01ff || load<u64>(at) == 0x02ff) && load<u64>(at, 8) == 0x0100000000000000;
}

/** ff02::1:ff00:0/104 with the last 24 bits of an address. */
export function isSolicitedNodeOf6(group: u32, own: u32): bool {
  const at = bytesOf6(group);
  const isSolicited = load<u64>(at) == 0x02ff && (load<u64>(at, 8) & 0xffffffffff) == 0xff01000000;
  return isSolicited && load<u32>(at, 12) >> 8 == load<u32>(bytesOf6(own), 12) >> 8;
}

/** Writes the solicited-node group of an address (RFC 4291 §2.7.1). */
export function writeSolicitedNode6(to: usize, number: u32): void {
  store<u64>(to, 0x02ff);
  store<u64>(to, 0xff01000000, 8);
  memory.copy(to + 13, bytesOf6(number) + 13, 3);
}

/** 33:33 and the last 32 bits of the group (RFC 2464 §7). */
export function multicastMac6(at: usize): u64 {
  return 0x3333 | (<u64>load<u32>(at, 12) << 16);
}
