/**
 * AES of eight counter blocks at once, one bit of all their bytes in each of eight vectors (Käsper and Schwabe, CHES 2009), with the
 * S-box as a circuit of 113 gates (Boyar and Peralta, 2011) and without ShiftRows (Adomnicai and Peyrin, CHES 2021). Blocks of a packet
 * differ in one byte of the first round and in one column of the second, so the first is a table and the second is shared by 32 blocks.
 * While the vector units are busy with a round, the load units hash one block that was encrypted before: that is why GHASH is in here.
 */
import { BLOCK, PLANES } from "./aes";
import { timesH } from "./ghash";

/** The planes that `firstRounds` makes: of the column that is not the same in all blocks, and of what it is added to. */
export const COLUMN = memory.data(128, 16);
export const BASE = memory.data(128, 16);
/** The second round of four groups, column n that of the nth. Planes are also loaded from behind their first byte. */
const COLUMNS = memory.data(144, 16);
/** The states of these groups before the third round. */
const THIRD = memory.data(512, 16);
/** A round key of no bits. */
const NOTHING = memory.data(128, 16);
/** The running hash. */
export const HASH = memory.data(16, 16);

/** What remains to be hashed: whole blocks from `hashNext` to `hashEnd`. */
export let hashNext: usize = 0;
export let hashEnd: usize = 0;

/** From here on whole blocks from `from` to `to` are to be hashed. */
@inline export function hashFrom(from: usize, to: usize): void {
  hashNext = from;
  hashEnd = to;
}

/** More of what is being hashed has become ready. */
@inline export function hashUntil(to: usize): void {
  hashEnd = to;
}

/** Hashes what has not been hashed beside a round. */
export function finishHash(tables: usize): void {
  for (; hashNext < hashEnd; hashNext += BLOCK) hashBlock(hashNext, tables);
}

/** One block. */
export function hashBlock(block: usize, tables: usize): void {
  v128.store(HASH, timesH(load<u64>(HASH) ^ load<u64>(block), load<u64>(HASH, 8) ^ load<u64>(block, 8), tables));
}

/**
 * Encrypts 128 bytes at `data` with eight consecutive counters, the first of them 8 × `group`. `keys` are the planes of the round
 * keys, `counters` what `fillCounters` made of the first of them. Groups come in order, every 32nd after `firstRounds`.
 */
export function cryptGroup(keys: usize, rounds: u32, counters: usize, group: u32, tables: usize, data: usize): void {
  const column = <usize>(group & 3);
  if (column == 0) secondRounds(counters + <usize>((group & 31) >> 2) * PLANES, tables);
  encrypt(THIRD + column * PLANES, keys + 3 * PLANES, keys + <usize>rounds * PLANES, tables, data);
}

/** Four groups at once, up to their third round: there is one column of each in which its blocks differ. */
function secondRounds(counter: usize, tables: usize): void {
  for (let plane: usize = 0; plane < PLANES; plane += BLOCK) {
    v128.store(COLUMNS + plane, v128.xor(v128.load(COLUMN + plane), v128.load(counter + plane)));
  }
  encrypt(COLUMNS, NOTHING, NOTHING, tables, 0);
  for (let column: usize = 0; column < 4; column++) secondRound(COLUMNS + column, THIRD + column * PLANES);
}

/** Planes stand one after the other, the lowest bit first; what leaves the highest comes back into four of them. */
@inline function secondRound(from: usize, to: usize): void {
  const top = twice(from, 112);
  v128.store(to, v128.xor(once(from, 0), top));
  v128.store(to, v128.xor(v128.xor(once(from, 16), twice(from, 0)), top), 16);
  v128.store(to, v128.xor(once(from, 32), twice(from, 16)), 32);
  v128.store(to, v128.xor(v128.xor(once(from, 48), twice(from, 32)), top), 48);
  v128.store(to, v128.xor(v128.xor(once(from, 64), twice(from, 48)), top), 64);
  v128.store(to, v128.xor(once(from, 80), twice(from, 64)), 80);
  v128.store(to, v128.xor(once(from, 96), twice(from, 80)), 96);
  v128.store(to, v128.xor(once(from, 112), twice(from, 96)), 112);
}

/** A plane of the base, and of the column as MixColumns adds it to the three others. */
@inline function once(from: usize, plane: usize): v128 {
  const column = i8x16.swizzle(v128.load(from + plane), i8x16(-1, 12, 8, 4, -1, 0, 12, 8, -1, 4, 0, 12, -1, 8, 4, 0));
  return v128.xor(v128.load(BASE + plane), column);
}

/** Where MixColumns doubles a byte of the first column: in that one, and in the one that has it three times. */
@inline function twice(from: usize, plane: usize): v128 {
  return i8x16.swizzle(v128.load(from + plane), i8x16(0, -1, -1, 4, 4, -1, -1, 8, 8, -1, -1, 12, 12, -1, -1, 0));
}

/**
 * The rounds whose keys are from `key` on, the one of `last` without MixColumns, for the planes at `from`; blocks are hashed meanwhile.
 * What comes out is added to the `data`; 0: it stays in planes, in COLUMNS.
 */
function encrypt(from: usize, key: usize, last: usize, tables: usize, data: usize): void {
  let x7 = v128.load(from, 0);
  let x6 = v128.load(from, 16);
  let x5 = v128.load(from, 32);
  let x4 = v128.load(from, 48);
  let x3 = v128.load(from, 64);
  let x2 = v128.load(from, 80);
  let x1 = v128.load(from, 96);
  let x0 = v128.load(from, 112);
  let turns: u32 = 2;
  let low = load<u64>(HASH);
  let high = load<u64>(HASH, 8);
  let next = hashNext;
  const end = hashEnd;

  while (true) {
    // Linear, into the tower of fields.
    const y14 = v128.xor(x3, x5);
    const y13 = v128.xor(x0, x6);
    const y9 = v128.xor(x0, x3);
    const y8 = v128.xor(x0, x5);
    const t0 = v128.xor(x1, x2);
    const y1 = v128.xor(t0, x7);
    const y4 = v128.xor(y1, x3);
    const y12 = v128.xor(y13, y14);
    const y2 = v128.xor(y1, x0);
    const y5 = v128.xor(y1, x6);
    const y3 = v128.xor(y5, y8);
    const t1 = v128.xor(x4, y12);
    const y15 = v128.xor(t1, x5);
    const y20 = v128.xor(t1, x1);
    const y6 = v128.xor(y15, x7);
    const y10 = v128.xor(y15, t0);
    const y11 = v128.xor(y20, y9);
    const y7 = v128.xor(x7, y11);
    const y17 = v128.xor(y10, y11);
    const y19 = v128.xor(y10, y8);
    const y16 = v128.xor(t0, y11);
    const y21 = v128.xor(y13, y16);
    const y18 = v128.xor(x0, y16);
    // The inversion.
    const t2 = v128.and(y12, y15);
    const t4 = v128.xor(v128.and(y3, y6), t2);
    const t6 = v128.xor(v128.and(y4, x7), t2);
    const t7 = v128.and(y13, y16);
    const t9 = v128.xor(v128.and(y5, y1), t7);
    const t11 = v128.xor(v128.and(y2, y7), t7);
    const t12 = v128.and(y9, y11);
    const t14 = v128.xor(v128.and(y14, y17), t12);
    const t16 = v128.xor(v128.and(y8, y10), t12);
    const t21 = v128.xor(v128.xor(t4, t14), y20);
    const t22 = v128.xor(v128.xor(t6, t16), y19);
    const t23 = v128.xor(v128.xor(t9, t14), y21);
    const t24 = v128.xor(v128.xor(t11, t16), y18);
    const t25 = v128.xor(t21, t22);
    const t26 = v128.and(t21, t23);
    const t27 = v128.xor(t24, t26);
    const t29 = v128.xor(v128.and(t25, t27), t22);
    const t30 = v128.xor(t23, t24);
    const t33 = v128.xor(v128.and(v128.xor(t22, t26), t30), t24);
    const t34 = v128.xor(t23, t33);
    const t36 = v128.and(t24, v128.xor(t27, t33));
    const t37 = v128.xor(t36, t34);
    const t40 = v128.xor(t25, v128.and(t29, v128.xor(t27, t36)));
    const t41 = v128.xor(t40, t37);
    const t42 = v128.xor(t29, t33);
    const t43 = v128.xor(t29, t40);
    const t44 = v128.xor(t33, t37);
    const t45 = v128.xor(t42, t41);
    const z0 = v128.and(t44, y15);
    const z1 = v128.and(t37, y6);
    const z2 = v128.and(t33, x7);
    const z3 = v128.and(t43, y16);
    const z4 = v128.and(t40, y1);
    const z5 = v128.and(t29, y7);
    const z6 = v128.and(t42, y11);
    const z7 = v128.and(t45, y17);
    const z8 = v128.and(t41, y10);
    const z9 = v128.and(t44, y12);
    const z10 = v128.and(t37, y3);
    const z11 = v128.and(t33, y4);
    const z12 = v128.and(t43, y13);
    const z13 = v128.and(t40, y5);
    const z14 = v128.and(t29, y2);
    const z15 = v128.and(t42, y9);
    const z16 = v128.and(t45, y14);
    const z17 = v128.and(t41, y8);
    // Linear, back; the constant is in the round keys.
    const t46 = v128.xor(z15, z16);
    const t48 = v128.xor(z5, z13);
    const t50 = v128.xor(z2, z12);
    const t53 = v128.xor(z0, z3);
    const t54 = v128.xor(z6, z7);
    const t57 = v128.xor(t50, t53);
    const t58 = v128.xor(z4, t46);
    const t59 = v128.xor(z3, t54);
    const t62 = v128.xor(v128.xor(z7, z8), t58);
    const t63 = v128.xor(v128.xor(z9, z10), t58);
    const t64 = v128.xor(z4, t59);
    const t65 = v128.xor(v128.xor(z14, t57), t62);
    const t66 = v128.xor(z1, t63);
    const s0 = v128.xor(t59, t63);
    const s3 = v128.xor(t53, t66);
    const s1 = v128.xor(t64, s3);
    const s2 = v128.xor(v128.xor(z16, z17), v128.xor(t64, t65));
    const s4 = v128.xor(v128.xor(z2, z5), t66);
    const s5 = v128.xor(v128.xor(z10, z11), t65);
    const s6 = v128.xor(v128.xor(z12, t48), t62);
    const s7 = v128.xor(t48, v128.xor(t46, t57));

    // Its words are ready since the round before, and the next ones are not wanted before the round after: nobody waits for a hash.
    if (next < end) {
      const product = timesH(low ^ load<u64>(next), high ^ load<u64>(next, 8), tables);
      low = i64x2.extract_lane(product, 0);
      high = i64x2.extract_lane(product, 1);
      next += BLOCK;
    }
    if (key == last) {
      x7 = v128.xor(s7, v128.load(key, 0));
      x6 = v128.xor(s6, v128.load(key, 16));
      x5 = v128.xor(s5, v128.load(key, 32));
      x4 = v128.xor(s4, v128.load(key, 48));
      x3 = v128.xor(s3, v128.load(key, 64));
      x2 = v128.xor(s2, v128.load(key, 80));
      x1 = v128.xor(s1, v128.load(key, 96));
      x0 = v128.xor(s0, v128.load(key, 112));
      break;
    }

    // MixColumns: 2 (a + b) + b + c + d, with a, b, c, d the rows from this one on, each where the ShiftRows left out have not brought it.
    // Plane 7 is the lowest bit: what leaves the highest, m0, comes back into bits 0, 1, 3 and 4.
    if (turns == 1) {
      const b0 = next1(s0);
      const b1 = next1(s1);
      const b2 = next1(s2);
      const b3 = next1(s3);
      const b4 = next1(s4);
      const b5 = next1(s5);
      const b6 = next1(s6);
      const b7 = next1(s7);
      const m0 = v128.xor(s0, b0);
      const m1 = v128.xor(s1, b1);
      const m2 = v128.xor(s2, b2);
      const m3 = v128.xor(s3, b3);
      const m4 = v128.xor(s4, b4);
      const m5 = v128.xor(s5, b5);
      const m6 = v128.xor(s6, b6);
      const m7 = v128.xor(s7, b7);
      x7 = v128.xor(v128.xor(v128.xor(b7, afterNext13(m7)), m0), v128.load(key, 0));
      x6 = v128.xor(v128.xor(v128.xor(b6, afterNext13(m6)), v128.xor(m7, m0)), v128.load(key, 16));
      x5 = v128.xor(v128.xor(v128.xor(b5, afterNext13(m5)), m6), v128.load(key, 32));
      x4 = v128.xor(v128.xor(v128.xor(b4, afterNext13(m4)), v128.xor(m5, m0)), v128.load(key, 48));
      x3 = v128.xor(v128.xor(v128.xor(b3, afterNext13(m3)), v128.xor(m4, m0)), v128.load(key, 64));
      x2 = v128.xor(v128.xor(v128.xor(b2, afterNext13(m2)), m3), v128.load(key, 80));
      x1 = v128.xor(v128.xor(v128.xor(b1, afterNext13(m1)), m2), v128.load(key, 96));
      x0 = v128.xor(v128.xor(v128.xor(b0, afterNext13(m0)), m1), v128.load(key, 112));
    } else if (turns == 2) {
      const b0 = next2(s0);
      const b1 = next2(s1);
      const b2 = next2(s2);
      const b3 = next2(s3);
      const b4 = next2(s4);
      const b5 = next2(s5);
      const b6 = next2(s6);
      const b7 = next2(s7);
      const m0 = v128.xor(s0, b0);
      const m1 = v128.xor(s1, b1);
      const m2 = v128.xor(s2, b2);
      const m3 = v128.xor(s3, b3);
      const m4 = v128.xor(s4, b4);
      const m5 = v128.xor(s5, b5);
      const m6 = v128.xor(s6, b6);
      const m7 = v128.xor(s7, b7);
      x7 = v128.xor(v128.xor(v128.xor(b7, afterNext02(m7)), m0), v128.load(key, 0));
      x6 = v128.xor(v128.xor(v128.xor(b6, afterNext02(m6)), v128.xor(m7, m0)), v128.load(key, 16));
      x5 = v128.xor(v128.xor(v128.xor(b5, afterNext02(m5)), m6), v128.load(key, 32));
      x4 = v128.xor(v128.xor(v128.xor(b4, afterNext02(m4)), v128.xor(m5, m0)), v128.load(key, 48));
      x3 = v128.xor(v128.xor(v128.xor(b3, afterNext02(m3)), v128.xor(m4, m0)), v128.load(key, 64));
      x2 = v128.xor(v128.xor(v128.xor(b2, afterNext02(m2)), m3), v128.load(key, 80));
      x1 = v128.xor(v128.xor(v128.xor(b1, afterNext02(m1)), m2), v128.load(key, 96));
      x0 = v128.xor(v128.xor(v128.xor(b0, afterNext02(m0)), m1), v128.load(key, 112));
    } else if (turns == 3) {
      const b0 = next3(s0);
      const b1 = next3(s1);
      const b2 = next3(s2);
      const b3 = next3(s3);
      const b4 = next3(s4);
      const b5 = next3(s5);
      const b6 = next3(s6);
      const b7 = next3(s7);
      const m0 = v128.xor(s0, b0);
      const m1 = v128.xor(s1, b1);
      const m2 = v128.xor(s2, b2);
      const m3 = v128.xor(s3, b3);
      const m4 = v128.xor(s4, b4);
      const m5 = v128.xor(s5, b5);
      const m6 = v128.xor(s6, b6);
      const m7 = v128.xor(s7, b7);
      x7 = v128.xor(v128.xor(v128.xor(b7, afterNext13(m7)), m0), v128.load(key, 0));
      x6 = v128.xor(v128.xor(v128.xor(b6, afterNext13(m6)), v128.xor(m7, m0)), v128.load(key, 16));
      x5 = v128.xor(v128.xor(v128.xor(b5, afterNext13(m5)), m6), v128.load(key, 32));
      x4 = v128.xor(v128.xor(v128.xor(b4, afterNext13(m4)), v128.xor(m5, m0)), v128.load(key, 48));
      x3 = v128.xor(v128.xor(v128.xor(b3, afterNext13(m3)), v128.xor(m4, m0)), v128.load(key, 64));
      x2 = v128.xor(v128.xor(v128.xor(b2, afterNext13(m2)), m3), v128.load(key, 80));
      x1 = v128.xor(v128.xor(v128.xor(b1, afterNext13(m1)), m2), v128.load(key, 96));
      x0 = v128.xor(v128.xor(v128.xor(b0, afterNext13(m0)), m1), v128.load(key, 112));
    } else {
      const b0 = next0(s0);
      const b1 = next0(s1);
      const b2 = next0(s2);
      const b3 = next0(s3);
      const b4 = next0(s4);
      const b5 = next0(s5);
      const b6 = next0(s6);
      const b7 = next0(s7);
      const m0 = v128.xor(s0, b0);
      const m1 = v128.xor(s1, b1);
      const m2 = v128.xor(s2, b2);
      const m3 = v128.xor(s3, b3);
      const m4 = v128.xor(s4, b4);
      const m5 = v128.xor(s5, b5);
      const m6 = v128.xor(s6, b6);
      const m7 = v128.xor(s7, b7);
      x7 = v128.xor(v128.xor(v128.xor(b7, afterNext02(m7)), m0), v128.load(key, 0));
      x6 = v128.xor(v128.xor(v128.xor(b6, afterNext02(m6)), v128.xor(m7, m0)), v128.load(key, 16));
      x5 = v128.xor(v128.xor(v128.xor(b5, afterNext02(m5)), m6), v128.load(key, 32));
      x4 = v128.xor(v128.xor(v128.xor(b4, afterNext02(m4)), v128.xor(m5, m0)), v128.load(key, 48));
      x3 = v128.xor(v128.xor(v128.xor(b3, afterNext02(m3)), v128.xor(m4, m0)), v128.load(key, 64));
      x2 = v128.xor(v128.xor(v128.xor(b2, afterNext02(m2)), m3), v128.load(key, 80));
      x1 = v128.xor(v128.xor(v128.xor(b1, afterNext02(m1)), m2), v128.load(key, 96));
      x0 = v128.xor(v128.xor(v128.xor(b0, afterNext02(m0)), m1), v128.load(key, 112));
    }
    turns = (turns + 1) & 3;
    key += PLANES;
  }
  store<u64>(HASH, low);
  store<u64>(HASH, high, 8);
  hashNext = next;

  if (data != 0) {
    addBlocks(data, x7, x6, x5, x4, x3, x2, x1, x0);
  } else {
    v128.store(COLUMNS, x7);
    v128.store(COLUMNS, x6, 16);
    v128.store(COLUMNS, x5, 32);
    v128.store(COLUMNS, x4, 48);
    v128.store(COLUMNS, x3, 64);
    v128.store(COLUMNS, x2, 80);
    v128.store(COLUMNS, x1, 96);
    v128.store(COLUMNS, x0, 112);
  }
}

/** The next row where so many ShiftRows have been left out: each turns it against the one before it by one column. */
@inline function next0(plane: v128): v128 {
  return i8x16.shuffle(plane, plane, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3);
}

@inline function next1(plane: v128): v128 {
  return i8x16.swizzle(plane, i8x16(5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12, 1, 2, 3, 0));
}

@inline function next2(plane: v128): v128 {
  return i8x16.swizzle(plane, i8x16(6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13, 2, 3, 0, 1));
}

@inline function next3(plane: v128): v128 {
  return i8x16.swizzle(plane, i8x16(7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14, 3, 0, 1, 2));
}

/** The row after the next. */
@inline function afterNext02(plane: v128): v128 {
  return i8x16.shuffle(plane, plane, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
}

@inline function afterNext13(plane: v128): v128 {
  return i8x16.swizzle(plane, i8x16(10, 11, 8, 9, 14, 15, 12, 13, 2, 3, 0, 1, 6, 7, 4, 5));
}

/** Adds planes (lowest bit first) to the data as blocks: an 8 × 8 transposition of bits in every byte, by halves (Hacker's Delight §7-3). */
@inline function addBlocks(data: usize, p0: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, p6: v128, p7: v128): void {
  const ones = i8x16.splat(0x55);
  let t = v128.and(v128.xor(i64x2.shr_u(p0, 1), p1), ones);
  p1 = v128.xor(p1, t);
  p0 = v128.xor(p0, i64x2.shl(t, 1));
  t = v128.and(v128.xor(i64x2.shr_u(p2, 1), p3), ones);
  p3 = v128.xor(p3, t);
  p2 = v128.xor(p2, i64x2.shl(t, 1));
  t = v128.and(v128.xor(i64x2.shr_u(p4, 1), p5), ones);
  p5 = v128.xor(p5, t);
  p4 = v128.xor(p4, i64x2.shl(t, 1));
  t = v128.and(v128.xor(i64x2.shr_u(p6, 1), p7), ones);
  p7 = v128.xor(p7, t);
  p6 = v128.xor(p6, i64x2.shl(t, 1));

  const twos = i8x16.splat(0x33);
  t = v128.and(v128.xor(i64x2.shr_u(p0, 2), p2), twos);
  p2 = v128.xor(p2, t);
  p0 = v128.xor(p0, i64x2.shl(t, 2));
  t = v128.and(v128.xor(i64x2.shr_u(p1, 2), p3), twos);
  p3 = v128.xor(p3, t);
  p1 = v128.xor(p1, i64x2.shl(t, 2));
  t = v128.and(v128.xor(i64x2.shr_u(p4, 2), p6), twos);
  p6 = v128.xor(p6, t);
  p4 = v128.xor(p4, i64x2.shl(t, 2));
  t = v128.and(v128.xor(i64x2.shr_u(p5, 2), p7), twos);
  p7 = v128.xor(p7, t);
  p5 = v128.xor(p5, i64x2.shl(t, 2));

  const fours = i8x16.splat(0x0f);
  t = v128.and(v128.xor(i64x2.shr_u(p0, 4), p4), fours);
  addBlock(data, 64, v128.xor(p4, t));
  addBlock(data, 0, v128.xor(p0, i64x2.shl(t, 4)));
  t = v128.and(v128.xor(i64x2.shr_u(p1, 4), p5), fours);
  addBlock(data, 80, v128.xor(p5, t));
  addBlock(data, 16, v128.xor(p1, i64x2.shl(t, 4)));
  t = v128.and(v128.xor(i64x2.shr_u(p2, 4), p6), fours);
  addBlock(data, 96, v128.xor(p6, t));
  addBlock(data, 32, v128.xor(p2, i64x2.shl(t, 4)));
  t = v128.and(v128.xor(i64x2.shr_u(p3, 4), p7), fours);
  addBlock(data, 112, v128.xor(p7, t));
  addBlock(data, 48, v128.xor(p3, i64x2.shl(t, 4)));
}

/** The last ShiftRows and the way back to the order of the wire in one. */
@inline function addBlock(data: usize, at: usize, rows: v128): void {
  const block = i8x16.swizzle(rows, i8x16(0, 5, 10, 15, 1, 6, 11, 12, 2, 7, 8, 13, 3, 4, 9, 14));
  v128.store(data + at, v128.xor(v128.load(data + at), block));
}
