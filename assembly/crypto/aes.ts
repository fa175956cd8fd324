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
    store<u8>(SBOX + <usize>p, <u8>((spread ^ (spread >> 8)) ^ 0x63));
  } while (p != 1);
  store<u8>(SBOX, 0x63);
  isReady = true;
}

/**
 * FIPS 197 §5.2 and the planes of every round key at `planes`; the first two round keys stay byte by byte at `bytes`, row by row,
 * for `firstRound`. Returns the number of rounds. `length` is 16 or 32.
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
      if (round < 2) store<u8>(bytes + <usize>round * BLOCK + <usize>position, byte);
      // The S-box of the planes leaves its constant out; MixColumns and ShiftRows do not change it.
      store<u8>(STATE + <usize>position, round == 0 ? byte : byte ^ 0x63);
    }
    toPlanes(STATE, planes + <usize>round * PLANES);
  }
  return rounds;
}

@inline function substituteWord(word: u32): u32 {
  return substitute(word) | (substitute(word >> 8) << 8) | (substitute(word >> 16) << 16) | (substitute(word >> 24) << 24);
}

/** The same block eight times: bit b of each byte becomes all ones or all zeros in plane b. */
@inline export function toPlanes(block: usize, planes: usize): void {
  const bytes = v128.load(block);
  for (let bit: u32 = 0; bit < 8; bit++) {
    const mask = i8x16.splat(<i8>(<u32>1 << bit));
    v128.store(planes + <usize>bit * BLOCK, i8x16.eq(v128.and(bytes, mask), mask));
  }
}

/**
 * What the last byte of a counter block adds to the state after the first round, for its 32 ranges of eight values: all else in a
 * counter block stays the same for 256 blocks. Only the first column depends on it, but whole planes are what gets loaded.
 */
export function fillCounters(firstKey: usize, counters: usize): void {
  const last = <u32>load<u8>(firstKey, 15);
  memory.fill(counters, 0, 32 * PLANES);
  for (let value: u32 = 0; value < 256; value++) {
    const s = substitute(value ^ last);
    const doubled = times2(s);
    const planes = counters + <usize>(value >> 3) * PLANES;
    // MixColumns: rows 0 and 1 take the byte of row 3 once, row 2 three times, row 3 twice.
    setBits(planes, s, value & 7);
    setBits(planes + 4, s, value & 7);
    setBits(planes + 8, doubled ^ s, value & 7);
    setBits(planes + 12, doubled, value & 7);
  }
}

function setBits(position: usize, byte: u32, block: u32): void {
  for (let bit: u32 = 0; bit < 8; bit++) {
    const at = position + <usize>bit * BLOCK;
    store<u8>(at, load<u8>(at) | (((byte >> bit) & 1) << block));
  }
}

/**
 * The planes of a counter block after the first round, without what its last byte adds. `block` has 16 bytes in the order of the
 * wire, the last one is not looked at; `keys` are the first two round keys row by row.
 */
export function firstRound(block: usize, keys: usize, planes: usize): void {
  for (let column: u32 = 0; column < 4; column++) {
    const a = shifted(block, keys, 0, column);
    const b = shifted(block, keys, 1, column);
    const c = shifted(block, keys, 2, column);
    // Row 3 of column 0 is the last byte of the block.
    const d = column == 0 ? 0 : shifted(block, keys, 3, column);
    const all = a ^ b ^ c ^ d;
    store<u8>(STATE + <usize>column, a ^ all ^ times2(a ^ b) ^ load<u8>(keys + <usize>column, 16));
    store<u8>(STATE + <usize>column, b ^ all ^ times2(b ^ c) ^ load<u8>(keys + <usize>column, 20), 4);
    store<u8>(STATE + <usize>column, c ^ all ^ times2(c ^ d) ^ load<u8>(keys + <usize>column, 24), 8);
    store<u8>(STATE + <usize>column, d ^ all ^ times2(d ^ a) ^ load<u8>(keys + <usize>column, 28), 12);
  }
  toPlanes(STATE, planes);
}

/** One byte of the state after AddRoundKey, SubBytes and ShiftRows. */
@inline function shifted(block: usize, keys: usize, row: u32, column: u32): u32 {
  const from = (column + row) & 3;
  return substitute(<u32>load<u8>(block + <usize>((from << 2) | row)) ^ <u32>load<u8>(keys + <usize>((row << 2) | from)));
}
