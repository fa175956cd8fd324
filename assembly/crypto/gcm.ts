/**
 * AES-GCM (NIST SP 800-38D) over bytes where they lie, with nonces of 12 bytes: what RFC 4106 makes ESP of. A key has its own block of
 * memory, made once by `setKey`; sealing and opening allocate nothing.
 */
import { swap32 } from "../wire/bytes";
import { BLOCK, COUNTERS, expandKey, fillCounters, FIRST_KEYS, firstRounds, PLANES, ROUND_KEYS_MAX } from "./aes";
import { fillTables, GHASH_TABLES } from "./ghash";
import { BASE, COLUMN, cryptGroup, finishHash, HASH, hashBlock, hashFrom, hashUntil } from "./keystream";

const KEY_ROUNDS: usize = 0;
const KEY_FIRST: usize = 16;
const KEY_PLANES: usize = KEY_FIRST + <usize>FIRST_KEYS * BLOCK;
const KEY_COUNTERS: usize = KEY_PLANES + ROUND_KEYS_MAX * PLANES;
const KEY_TABLES: usize = KEY_COUNTERS + COUNTERS;
/** Bytes of a key. */
export const GCM_KEY: usize = KEY_TABLES + GHASH_TABLES;

export const GCM_NONCE: u32 = 12;
export const GCM_TAG: u32 = 16;

/** The counter block; its last four bytes count. */
const COUNTER = memory.data(16, 16);
/** Key stream of the first group, and of a last one that is not whole. */
const EDGE = memory.data(128, 16);
/** What the first group of key stream masks the tag with. */
const MASK = memory.data(16, 16);
const SCRATCH = memory.data(16, 16);
/** SP 800-38D §7.1: the last block that is hashed, both lengths in bits. */
const LENGTHS = memory.data(16, 16);

/** Makes a key of 16 or 32 bytes; `at` has GCM_KEY bytes, aligned to 16. */
export function setKey(at: usize, key: usize, length: u32): void {
  store<u32>(at + KEY_ROUNDS, expandKey(key, length, at + KEY_PLANES, at + KEY_FIRST));
  fillCounters(at + KEY_FIRST, at + KEY_COUNTERS);
  // H is the encrypted zero block: the first of a stream whose counter block is zero.
  memory.fill(COUNTER, 0, 16);
  hashFrom(0, 0);
  fillEdge(at, 0);
  fillTables(EDGE, at + KEY_TABLES);
}

/** Encrypts `length` bytes at `data` and writes the whole tag at `tag`. */
export function seal(key: usize, nonce: usize, aad: usize, aadLength: u32, data: usize, length: u32, tag: usize): void {
  crypt(key, nonce, aad, aadLength, data, length, true);
  v128.store(tag, v128.load(HASH));
}

/** Decrypts, and says whether the first `tagLength` bytes at `tag` are right. The data are decrypted in either case. */
export function open(key: usize, nonce: usize, aad: usize, aadLength: u32, data: usize, length: u32, tag: usize, tagLength: u32): bool {
  crypt(key, nonce, aad, aadLength, data, length, false);
  let difference: u32 = 0;
  for (let index: u32 = 0; index < tagLength; index++) difference |= load<u8>(HASH + <usize>index) ^ load<u8>(tag + <usize>index);
  return difference == 0;
}

/** Leaves the tag in HASH. Blocks 0 … 5 of the data share the first group with the unused counter 0 and the tag's counter 1. */
function crypt(key: usize, nonce: usize, aad: usize, aadLength: u32, data: usize, length: u32, seals: bool): void {
  const tables = key + KEY_TABLES;
  store<u64>(COUNTER, load<u64>(nonce));
  store<u64>(COUNTER, load<u32>(nonce, 8), 8);
  v128.store(HASH, i64x2.splat(0));
  hashPadded(aad, aadLength, tables);

  const whole = data + <usize>(length & ~15);
  // What is encrypted is hashed: all of it is there when opening, each group after it is done when sealing.
  hashFrom(data, seals ? data : whole);
  fillEdge(key, 0);
  v128.store(MASK, v128.load(EDGE, 16));
  const first = min<u32>(length, <u32>(PLANES - 2 * BLOCK));
  xorTail(data, EDGE + 2 * BLOCK, first, seals);
  const end = data + <usize>length;
  let at = data + <usize>first;
  let group: u32 = 1;
  for (; at + PLANES <= end; at += PLANES) {
    if (seals) hashUntil(at);
    cryptOne(key, group++, at);
  }
  if (seals) hashUntil(min(at, whole));
  if (at != end) {
    fillEdge(key, group);
    xorTail(at, EDGE, <u32>(end - at), seals);
    if (seals) hashUntil(whole);
  }

  finishHash(tables);
  if ((length & 15) != 0) hashBlock(SCRATCH, tables);
  store<u64>(LENGTHS, bswap<u64>(<u64>aadLength << 3));
  store<u64>(LENGTHS, bswap<u64>(<u64>length << 3), 8);
  hashBlock(LENGTHS, tables);
  v128.store(HASH, v128.xor(v128.load(HASH), v128.load(MASK)));
}

/** Groups of a packet come in order; all but the last four bytes of COUNTER are its own. */
@inline function cryptOne(key: usize, group: u32, data: usize): void {
  if ((group & 31) == 0) {
    store<u32>(COUNTER, swap32(group << 3), 12);
    firstRounds(COUNTER, key + KEY_FIRST, COLUMN, BASE);
  }
  cryptGroup(key + KEY_PLANES, load<u32>(key + KEY_ROUNDS), key + KEY_COUNTERS, group, key + KEY_TABLES, data);
}

function fillEdge(key: usize, group: u32): void {
  for (let offset: usize = 0; offset < PLANES; offset += BLOCK) v128.store(EDGE + offset, i64x2.splat(0));
  cryptOne(key, group, EDGE);
}

@inline function xorBlocks(at: usize, stream: usize, bytes: u32): void {
  for (let offset: usize = 0; offset < <usize>bytes; offset += BLOCK) {
    v128.store(at + offset, v128.xor(v128.load(at + offset), v128.load(stream + offset)));
  }
}

/** The end of the data; leaves its last, padded block of cipher text in SCRATCH if it is not whole. */
function xorTail(at: usize, stream: usize, bytes: u32, seals: bool): void {
  const blocks = bytes & ~15;
  const rest = bytes & 15;
  xorBlocks(at, stream, blocks);
  if (rest == 0) return;
  const end = at + <usize>blocks;
  v128.store(SCRATCH, i64x2.splat(0));
  if (!seals) memory.copy(SCRATCH, end, rest);
  for (let offset: usize = 0; offset < <usize>rest; offset++) {
    store<u8>(end + offset, load<u8>(end + offset) ^ load<u8>(stream + <usize>blocks + offset));
  }
  if (seals) memory.copy(SCRATCH, end, rest);
}

function hashPadded(from: usize, length: u32, tables: usize): void {
  const whole = length & ~15;
  for (let offset: usize = 0; offset < <usize>whole; offset += BLOCK) hashBlock(from + offset, tables);
  if (length == whole) return;
  v128.store(SCRATCH, i64x2.splat(0));
  memory.copy(SCRATCH, from + <usize>whole, length - whole);
  hashBlock(SCRATCH, tables);
}
