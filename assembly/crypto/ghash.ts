/**
 * GHASH (NIST SP 800-38D §6.4) by tables: one for each of the 16 byte positions of a block, with the product of H and every byte
 * value there. A multiplication is 16 look-ups; nothing is shifted and nothing reduced.
 *
 * The tables are looked up by secret bytes, which a real implementation must not do; nobody measures the time of a simulated host.
 */
import { BLOCK } from "./aes";

/** Bytes of one key's tables. */
export const GHASH_TABLES: usize = 16 * 256 * 16;

const POWER = memory.data(16, 16);

/** The tables of `h`, 16 bytes in the order of the wire. */
export function fillTables(h: usize, tables: usize): void {
  memory.copy(POWER, h, 16);
  for (let position: usize = 0; position < 16; position++) {
    const table = tables + position * 256 * BLOCK;
    v128.store(table, i64x2.splat(0));
    // Bit 7 of a byte is the lowest power of x.
    for (let bit: u32 = 128; bit != 0; bit >>= 1) {
      v128.store(table + <usize>bit * BLOCK, v128.load(POWER));
      timesX(POWER);
    }
    for (let bit: u32 = 2; bit < 256; bit <<= 1) {
      const power = v128.load(table + <usize>bit * BLOCK);
      for (let rest: u32 = 1; rest < bit; rest++) {
        v128.store(table + <usize>(bit | rest) * BLOCK, v128.xor(power, v128.load(table + <usize>rest * BLOCK)));
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
  product = v128.xor(product, look(high, 0, tables, 8));
  product = v128.xor(product, look(high, 1, tables, 9));
  product = v128.xor(product, look(high, 2, tables, 10));
  product = v128.xor(product, look(high, 3, tables, 11));
  product = v128.xor(product, look(high, 4, tables, 12));
  product = v128.xor(product, look(high, 5, tables, 13));
  product = v128.xor(product, look(high, 6, tables, 14));
  product = v128.xor(product, look(high, 7, tables, 15));
  return product;
}

/** What one byte of a word contributes. */
@inline function look(word: u64, byte: u64, tables: usize, position: usize): v128 {
  const offset = byte == 0 ? word << 4 : word >> (8 * byte - 4);
  return v128.load(tables + (<usize>offset & 0xff0) + position * 4096);
}
