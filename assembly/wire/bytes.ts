/** Network byte order. */

@inline export function load16(address: usize): u32 {
  return <u32>bswap<u16>(load<u16>(address));
}

@inline export function load32(address: usize): u32 {
  return bswap<u32>(load<u32>(address));
}

@inline export function store16(address: usize, value: u32): void {
  store<u16>(address, bswap<u16>(<u16>value));
}

@inline export function store32(address: usize, value: u32): void {
  store<u32>(address, bswap<u32>(value));
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
