/**
 * AES key schedules (FIPS 197), as the bitsliced rounds of `keystream.ts` want them. Scalar code, run once per key and once per
 * packet; nothing here is on the path of a byte.
 *
 * Bytes of a state stand row by row (`row × 4 + column`), not column by column as on the wire: a rotation of rows is then one of
 * 32-bit lanes, and a rotation within a row one of bytes within a lane.
 */

/** Bytes of a block, and of one bit plane: eight blocks, one bit of each byte. */
export const BLOCK: usize = 16;
/** Eight planes: one round key, or the state of eight blocks. */
export const PLANES: usize = 128;
/** 14 rounds and the key before them (AES-256). */
export const ROUND_KEYS_MAX: usize = 15;
/** Round keys that are kept byte by byte. */
export const FIRST_KEYS: u32 = 3;
/** What `fillCounters` fills. */
export const COUNTERS: usize = 8 * PLANES;
/** FIPS 197 §5.1.1: what the affine map adds. */
const SBOX_CONSTANT: u32 = 0x63;

/** The S-box, made from its definition when it is first wanted. */
const SBOX = memory.data(256, 16);
const WORDS = memory.data(240, 16);
const STATE = memory.data(16, 16);
let isReady = false;

@inline export function substitute(byte: u32): u32 {
  return load<u8>(SBOX + <usize>(byte & 0xff));
}

/** Multiplication by x in GF(2^8), FIPS 197 §4.2.1. */
@inline export function times2(byte: u32): u32 {
  return ((byte << 1) ^ ((byte >> 7) * 0x1b)) & 0xff;
}

/** FIPS 197 §5.1.1: the inverse, then an affine map. 3 generates the group; 0xf6 is its inverse. */
function makeSbox(): void {
  let p: u32 = 1;
  let q: u32 = 1;
  do {
    p ^= times2(p);
    q ^= q << 1;
    q ^= q << 2;
    q ^= q << 4;
    q &= 0xff;
    if (q & 0x80) q ^= 0x09;
    const spread = q ^ (q << 1) ^ (q << 2) ^ (q << 3) ^ (q << 4);
    store<u8>(SBOX + <usize>p, <u8>((spread ^ (spread >> 8)) ^ SBOX_CONSTANT));
  } while (p != 1);
  store<u8>(SBOX, <u8>SBOX_CONSTANT);
  isReady = true;
}

/**
 * FIPS 197 §5.2 and the planes of every round key at `planes`; the first three round keys stay byte by byte at `bytes`, row by row,
 * for `firstRounds`. Returns the number of rounds. `length` is 16 or 32.
 */
export function expandKey(key: usize, length: u32, planes: usize, bytes: usize): u32 {
  if (!isReady) makeSbox();
  const words = length >> 2;
  const rounds = words + 6;
  memory.copy(WORDS, key, length);
  let rcon: u32 = 1;
  for (let index = words; index < 4 * (rounds + 1); index++) {
    let word = load<u32>(WORDS + <usize>((index - 1) << 2));
    if (index % words == 0) {
      word = substituteWord(rotr<u32>(word, 8)) ^ rcon;
      rcon = times2(rcon);
    } else if (words > 6 && index % words == 4) {
      word = substituteWord(word);
    }
    store<u32>(WORDS + <usize>(index << 2), word ^ load<u32>(WORDS + <usize>((index - words) << 2)));
  }
  for (let round: u32 = 0; round <= rounds; round++) {
    const from = WORDS + <usize>round * BLOCK;
    for (let position: u32 = 0; position < 16; position++) {
      const row = position >> 2;
      // ShiftRows is left out of every round but the first, so the state is turned once more by each, and its keys with it.
      const turns = round == 0 ? 0 : round - 1;
      const column = (position - turns * row) & 3;
      const byte = load<u8>(from + <usize>((column << 2) | row));
      if (round < FIRST_KEYS) store<u8>(bytes + <usize>round * BLOCK + <usize>position, byte);
      // The S-box of the planes leaves its constant out; MixColumns and ShiftRows do not change it.
      store<u8>(STATE + <usize>position, round == 0 ? byte : byte ^ <u8>SBOX_CONSTANT);
    }
    toPlanes(v128.load(STATE), planes + <usize>round * PLANES);
  }
  return rounds;
}

@inline function substituteWord(word: u32): u32 {
  return substitute(word) | (substitute(word >> 8) << 8) | (substitute(word >> 16) << 16) | (substitute(word >> 24) << 24);
}

/** The same block eight times: bit b of each byte becomes all ones or all zeros in plane b. */
@inline function toPlanes(bytes: v128, planes: usize): void {
  for (let bit: u32 = 0; bit < 8; bit++) {
    const mask = i8x16.splat(<i8>(<u32>1 << bit));
    v128.store(planes + <usize>bit * BLOCK, i8x16.eq(v128.and(bytes, mask), mask));
  }
}

/**
 * What the last byte of a counter block adds to the first column after the first round, for all of its values: four groups of eight
 * values share 128 bytes, each in a column of its own.
 */
export function fillCounters(firstKey: usize, counters: usize): void {
  const last = <u32>load<u8>(firstKey, 15);
  memory.fill(counters, 0, COUNTERS);
  for (let value: u32 = 0; value < 256; value++) {
    const s = substitute(value ^ last);
    const doubled = times2(s);
    const column = counters + <usize>(value >> 5) * PLANES + <usize>((value >> 3) & 3);
    // MixColumns: rows 0 and 1 take the byte of row 3 once, row 2 three times, row 3 twice.
    setBits(column, s, value & 7);
    setBits(column + 4, s, value & 7);
    setBits(column + 8, doubled ^ s, value & 7);
    setBits(column + 12, doubled, value & 7);
  }
}

function setBits(position: usize, byte: u32, block: u32): void {
  for (let bit: u32 = 0; bit < 8; bit++) {
    const at = position + <usize>bit * BLOCK;
    store<u8>(at, load<u8>(at) | (((byte >> bit) & 1) << block));
  }
}

/**
 * What does not change while only the last byte of a counter block counts: at `column` the planes of the first column after the first
 * round, without that byte and in all four columns; at `base` the planes of the whole state after the second round, without that
 * column. `block` has 16 bytes in the order of the wire; `keys` are the first three round keys row by row.
 */
export function firstRounds(block: usize, keys: usize, column: usize, base: usize): void {
  const a = shifted(block, keys, 0);
  const b = shifted(block, keys, 1);
  const c = shifted(block, keys, 2);
  // Row 3 of column 0 is the last byte of the block.
  const d = shifted(block, keys, 3) & 0xffffff00;
  const a1 = mixed(a, b, c, d) ^ load<u32>(keys, 16);
  const b1 = mixed(b, c, d, a) ^ load<u32>(keys, 20);
  const c1 = mixed(c, d, a, b) ^ load<u32>(keys, 24);
  const d1 = mixed(d, a, b, c) ^ load<u32>(keys, 28);
  toPlanes(rows(everywhere(a1), everywhere(b1), everywhere(c1), everywhere(d1)), column);
  // The column is added without the constant of its S-box.
  const a2 = substituteRow(a1);
  const b2 = substituteRow(b1);
  const c2 = substituteRow(c1);
  const d2 = substituteRow(d1);
  const a3 = mixed(a2, rotr(b2, 8), rotr(c2, 16), rotr(d2, 24)) ^ load<u32>(keys, 32);
  const b3 = mixed(b2, rotr(c2, 8), rotr(d2, 16), rotr(a2, 24)) ^ load<u32>(keys, 36);
  const c3 = mixed(c2, rotr(d2, 8), rotr(a2, 16), rotr(b2, 24)) ^ load<u32>(keys, 40);
  const d3 = mixed(d2, rotr(a2, 8), rotr(b2, 16), rotr(c2, 24)) ^ load<u32>(keys, 44);
  toPlanes(rows(a3, b3, c3, d3), base);
}

@inline function rows(a: u32, b: u32, c: u32, d: u32): v128 {
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(a), 1, b), 2, c), 3, d);
}

/** One row of the state after AddRoundKey, SubBytes and ShiftRows, its first column in the lowest byte. */
@inline function shifted(block: usize, keys: usize, row: u32): u32 {
  const bytes = <u32>load<u8>(block + <usize>row) | (<u32>load<u8>(block + <usize>row, 4) << 8) | (<u32>load<u8>(block + <usize>row, 8) << 16) | (<u32>load<u8>(block + <usize>row, 12) << 24);
  return rotr(substituteWord(bytes ^ load<u32>(keys + <usize>(row << 2))), 8 * row);
}

/** SubBytes of one row but for its first column, which becomes what the S-box makes of no bits without its constant: none. */
@inline function substituteRow(row: u32): u32 {
  return (substituteWord(row) & 0xffffff00) | SBOX_CONSTANT;
}

/** MixColumns for one row, from it and those after it: 2 (a + b) + b + c + d, in four columns at once. */
@inline function mixed(a: u32, b: u32, c: u32, d: u32): u32 {
  const sum = a ^ b;
  return ((sum & 0x7f7f7f7f) << 1) ^ (((sum >> 7) & 0x01010101) * 0x1b) ^ b ^ c ^ d;
}

/** The first column in all four. */
@inline function everywhere(row: u32): u32 {
  return (row & 0xff) * 0x01010101;
}
