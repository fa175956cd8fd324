/**
 * One region of linear memory, laid out during `load` and sealed: `reserve` hands out addresses, `seal` grows the memory once.
 * Nothing is written before it is sealed, and only a patch reserves after.
 */

/** A simulation that needs more is refused; Wasm itself ends at 4 GiB. */
const MEMORY_MAX: u64 = 2 << 30;
const PAGE_BITS: u64 = 16;
const PAGE_MASK: u64 = 0xffff;

let end: u64 = 0;
let sealed: bool = false;

/** The image of the program comes first: the host writes it, `load` reads it. Returns 0 if it does not fit. */
export function reserveImage(bytes: u32): usize {
  end = align(__heap_base, 64);
  const address = <usize>end;
  end += bytes;
  return grow() ? address : 0;
}

/** `count` records of `size` bytes. Memory that was never written is zero. */
export function reserve(count: u64, size: u64): usize {
  assert(!sealed, "arena: reserved before it is sealed");
  end = align(end, 64);
  const address = <usize>end;
  // Each factor is below 2^33: a product that wraps would need both to be absurd.
  const bytes = count * size;
  end = count != 0 && (bytes / count != size || bytes > MEMORY_MAX) ? MEMORY_MAX + 1 : min(end + bytes, MEMORY_MAX + 1);
  return address;
}

/** Whether everything that was reserved exists now. */
export function seal(): bool {
  sealed = true;
  return grow();
}

/** More memory for a table that a patch made larger; 0 if there is none. The host's views are stale after it. */
export function reserveLate(bytes: u64): usize {
  const before = end;
  end = align(end, 64);
  const address = <usize>end;
  end += bytes;
  if (grow()) return address;
  end = before;
  return 0;
}

function grow(): bool {
  if (end > MEMORY_MAX) return false;
  const pages = <i32>((end + PAGE_MASK) >> PAGE_BITS);
  const missing = pages - memory.size();
  return missing <= 0 || memory.grow(missing) >= 0;
}

function align(address: u64, to: u64): u64 {
  return (address + to - 1) & ~(to - 1);
}

/** The smallest power of two that is at least `count`. */
export function powerOfTwo(count: u64): u64 {
  return count <= 1 ? 1 : <u64>1 << (64 - clz(count - 1));
}
