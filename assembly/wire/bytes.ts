/** Network byte order. */

/** The lower 16 bits, turned around. asc's own `bswap` is a call for each field of each packet. */
@inline export function swap16(value: u32): u32 {
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}

@inline export function swap32(value: u32): u32 {
  return rotl<u32>(value & 0xff00ff00, 8) | rotr<u32>(value & 0x00ff00ff, 8);
}

@inline export function load16(address: usize): u32 {
  return swap16(load<u16>(address));
}

@inline export function load32(address: usize): u32 {
  return swap32(load<u32>(address));
}

@inline export function store16(address: usize, value: u32): void {
  store<u16>(address, swap16(value));
}

@inline export function store32(address: usize, value: u32): void {
  store<u32>(address, swap32(value));
}

/**
 * Short copies run inline: `memory.copy` is a call out of the module. Writes up to 15 bytes beyond the end, which every
 * destination here has room for.
 */
@inline export function copyBytes(to: usize, from: usize, bytes: usize): void {
  if (bytes > 512) {
    memory.copy(to, from, bytes);
    return;
  }
  for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, v128.load(from + at));
}
