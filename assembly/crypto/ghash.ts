/**
 * GHASH (NIST SP 800-38D §6.4) by tables: one for each window of six bits of a block, with the product of H and every value there. A
 * multiplication is 22 look-ups; nothing is shifted and nothing reduced. Windows of eight bits need 16, but 64 KiB, which no first-level
 * cache has room for.
 *
 * The tables are looked up by secret bits, which a real implementation must not do; nobody measures the time of a simulated host.
 */
import { BLOCK } from "./aes";

const WINDOW: u32 = 6;
/** Look-ups for a word of 64 bits; the last one is for what is left of it. */
const WINDOWS: usize = 11;
const TABLE: usize = BLOCK << WINDOW;
/** Bytes of one key's tables. */
export const GHASH_TABLES: usize = 2 * WINDOWS * TABLE;

/** H times a power of x, and all these products: the one at n belongs to the nth bit of a block, the lowest of its first byte first. */
const POWER = memory.data(16, 16);
const POWERS = memory.data(2048, 16);

/** The tables of `h`, 16 bytes in the order of the wire. */
export function fillTables(h: usize, tables: usize): void {
  memory.copy(POWER, h, 16);
  // Bit 7 of a byte is its lowest power of x.
  for (let power: usize = 0; power < 128; power++) {
    v128.store(POWERS + (power ^ 7) * BLOCK, v128.load(POWER));
    timesX(POWER);
  }
  for (let word: usize = 0; word < 2; word++) {
    for (let window: usize = 0; window < WINDOWS; window++) {
      const table = tables + (word * WINDOWS + window) * TABLE;
      const first = window * <usize>WINDOW;
      const bits = min<usize>(<usize>WINDOW, 64 - first);
      v128.store(table, i64x2.splat(0));
      for (let bit: usize = 0; bit < bits; bit++) {
        const power = v128.load(POWERS + (word * 64 + first + bit) * BLOCK);
        const half = BLOCK << bit;
        for (let rest: usize = 0; rest < half; rest += BLOCK) v128.store(table + half + rest, v128.xor(power, v128.load(table + rest)));
      }
    }
  }
}

/** SP 800-38D §6.3: shift right by one in reading order, reduced by x^128 + x^7 + x^2 + x + 1. */
function timesX(block: usize): void {
  const high = bswap<u64>(load<u64>(block));
  const low = bswap<u64>(load<u64>(block, 8));
  store<u64>(block, bswap<u64>((high >> 1) ^ ((low & 1) * 0xe100000000000000)));
  store<u64>(block, bswap<u64>((low >> 1) | (high << 63)), 8);
}

/**
 * The product of H and a block, given by its two words. They come in registers and not in memory, where vectors are stored much
 * faster than their bytes can be loaded again.
 */
@inline export function timesH(low: u64, high: u64, tables: usize): v128 {
  let product = look(low, 0, tables, 0);
  product = v128.xor(product, look(low, 1, tables, 1));
  product = v128.xor(product, look(low, 2, tables, 2));
  product = v128.xor(product, look(low, 3, tables, 3));
  product = v128.xor(product, look(low, 4, tables, 4));
  product = v128.xor(product, look(low, 5, tables, 5));
  product = v128.xor(product, look(low, 6, tables, 6));
  product = v128.xor(product, look(low, 7, tables, 7));
  product = v128.xor(product, look(low, 8, tables, 8));
  product = v128.xor(product, look(low, 9, tables, 9));
  product = v128.xor(product, look(low, 10, tables, 10));
  product = v128.xor(product, look(high, 0, tables, 11));
  product = v128.xor(product, look(high, 1, tables, 12));
  product = v128.xor(product, look(high, 2, tables, 13));
  product = v128.xor(product, look(high, 3, tables, 14));
  product = v128.xor(product, look(high, 4, tables, 15));
  product = v128.xor(product, look(high, 5, tables, 16));
  product = v128.xor(product, look(high, 6, tables, 17));
  product = v128.xor(product, look(high, 7, tables, 18));
  product = v128.xor(product, look(high, 8, tables, 19));
  product = v128.xor(product, look(high, 9, tables, 20));
  product = v128.xor(product, look(high, 10, tables, 21));
  return product;
}

/** What one window of a word contributes. */
@inline function look(word: u64, window: u64, tables: usize, position: usize): v128 {
  const offset = window == 0 ? word << 4 : word >> (window * <u64>WINDOW - 4);
  return v128.load(tables + (<usize>offset & (TABLE - BLOCK)) + position * TABLE);
}
