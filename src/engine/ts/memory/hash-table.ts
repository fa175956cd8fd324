/**
 * Chains of small integers by hash: the index of a table whose keys are too wide for a `Map` key. The table compares the
 * keys; this knows hashes only. Fixed capacity, no allocation after construction.
 */
export class HashTable {
  private readonly heads: Int32Array;
  private readonly successors: Int32Array;
  private readonly mask: number;

  constructor(capacity: number) {
    let buckets = 16;
    while (buckets < capacity) buckets *= 2;
    this.mask = buckets - 1;
    this.heads = new Int32Array(buckets).fill(-1);
    this.successors = new Int32Array(capacity).fill(-1);
  }

  /** The first entry that may have the hash, or -1. */
  first(hash: number): number {
    return this.heads[hash & this.mask];
  }

  /** The entry after it in the same chain, or -1. */
  next(entry: number): number {
    return this.successors[entry];
  }

  insert(hash: number, entry: number): void {
    const bucket = hash & this.mask;
    this.successors[entry] = this.heads[bucket];
    this.heads[bucket] = entry;
  }

  remove(hash: number, entry: number): void {
    const bucket = hash & this.mask;
    let previous = -1;
    for (let e = this.heads[bucket]; e !== entry; e = this.successors[e]) previous = e;
    if (previous < 0) this.heads[bucket] = this.successors[entry];
    else this.successors[previous] = this.successors[entry];
  }
}

/** Mixes a word into a hash (the round of MurmurHash3_x86_32). */
export function mixHash(hash: number, word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  const h = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Spreads a hash over its low bits. */
export function finishHash(hash: number): number {
  const h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return h ^ (h >>> 13);
}
