/**
 * Key: 64 bits, not zero. Value: 32 bits. Open addressing with linear probing, at most half full; entries are never removed
 * one by one: an owner that forgets some builds the table anew.
 */
import { powerOfTwo, reserve } from "./arena";

const KEY: usize = 0;
const VALUE: usize = 8;
const ENTRY_BITS: usize = 4;
/** 2^64 / golden ratio: consecutive keys land far apart (Knuth, TAOCP 3, §6.4). */
const FIBONACCI: u64 = 0x9e3779b97f4a7c15;

@unmanaged
export class HashTable {
  base: usize;
  mask: u32;
  shift: u32;

  reserve(entries: u32): void {
    const size = powerOfTwo(max<u64>(<u64>entries * 2, 16));
    this.base = reserve(size, 1 << ENTRY_BITS);
    this.mask = <u32>(size - 1);
    this.shift = <u32>(64 - ctz(size));
  }

  /** The value of `key`, or 0. */
  @inline find(key: u64): u32 {
    let slot = <u32>((key * FIBONACCI) >> this.shift);
    while (true) {
      const entry = this.base + (<usize>slot << ENTRY_BITS);
      const found = load<u64>(entry, KEY);
      if (found == key) return load<u32>(entry, VALUE);
      if (found == 0) return 0;
      slot = (slot + 1) & this.mask;
    }
  }

  /** Adds a key that is not there yet. */
  insert(key: u64, value: u32): void {
    let slot = <u32>((key * FIBONACCI) >> this.shift);
    while (load<u64>(this.base + (<usize>slot << ENTRY_BITS), KEY) != 0) slot = (slot + 1) & this.mask;
    const entry = this.base + (<usize>slot << ENTRY_BITS);
    store<u64>(entry, key, KEY);
    store<u32>(entry, value, VALUE);
  }

  /** Gives a key that is there another value. */
  replace(key: u64, value: u32): void {
    let slot = <u32>((key * FIBONACCI) >> this.shift);
    while (load<u64>(this.base + (<usize>slot << ENTRY_BITS), KEY) != key) slot = (slot + 1) & this.mask;
    store<u32>(this.base + (<usize>slot << ENTRY_BITS), value, VALUE);
  }

  clear(): void {
    memory.fill(this.base, 0, (<usize>this.mask + 1) << ENTRY_BITS);
  }
}
