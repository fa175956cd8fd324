import { finishHash, HashTable, mixHash } from "../memory/hash-table";

/** Finds an entry by (bridge, MAC). The tables above it decide what an entry means. */
export class MacTable {
  private readonly hashes: HashTable;
  readonly bridges: Int32Array;
  readonly highs: Int32Array;
  readonly lows: Int32Array;

  constructor(capacity: number) {
    this.hashes = new HashTable(capacity);
    this.bridges = new Int32Array(capacity);
    this.highs = new Int32Array(capacity);
    this.lows = new Int32Array(capacity);
  }

  /** The entry's number, or -1. */
  find(bridge: number, high: number, low: number): number {
    const { hashes } = this;
    for (let entry = hashes.first(hash(bridge, high, low)); entry >= 0; entry = hashes.next(entry)) {
      if (this.lows[entry] === low && this.highs[entry] === high && this.bridges[entry] === bridge) return entry;
    }
    return -1;
  }

  insert(entry: number, bridge: number, high: number, low: number): void {
    this.bridges[entry] = bridge;
    this.highs[entry] = high;
    this.lows[entry] = low;
    this.hashes.insert(hash(bridge, high, low), entry);
  }

  remove(entry: number): void {
    this.hashes.remove(hash(this.bridges[entry], this.highs[entry], this.lows[entry]), entry);
  }
}

function hash(bridge: number, high: number, low: number): number {
  return finishHash(mixHash(mixHash(bridge, high), low));
}
