import type { AddressWords } from "../../program";
import { read32, write32 } from "../wire/bytes";
import { finishHash, HashTable, mixHash } from "./hash-table";

/** Numbers from here on are IPv6 addresses; those of IPv4 are signed words, so that one never is taken for the other. */
const FIRST = 4294967296;
/** ::, as a source or a place to bind to: no address, in both families. */
export const UNSPECIFIED = 0;
/** ::1. */
export const LOOPBACK6 = FIRST + 1;
/** An address that has no place in the table: nothing knows it. */
export const UNKNOWN6 = 2 * FIRST;

/** Of an address as packets and tables have it: IPv4 addresses are small integers to the machine. */
export function isIpv6(address: number): boolean {
  return (address | 0) !== address;
}

/** Of an address where those of IPv4 are u32. */
export function isIpv6Number(address: number): boolean {
  return address >= FIRST;
}

/**
 * IPv6 addresses as numbers, so that every table has the same keys for both families. Key: the four words; value: a number.
 * `capacity.addresses6` places; an address is never forgotten.
 */
export class AddressTable {
  /** Four words each, signed, by place. Place 0 is `::`. */
  readonly words: Int32Array;
  private readonly hashes: HashTable;
  /** Places in use, and those of them that count. */
  private size = 1;
  private taken = 2;
  private readonly counts: Uint8Array;

  constructor(private readonly capacity: number) {
    // Groups that only solicitations are sent to do not count; there are no more of them than addresses.
    const places = 2 * capacity + 8;
    this.words = new Int32Array(4 * places);
    this.counts = new Uint8Array(places);
    this.hashes = new HashTable(places);
    this.group([0, 0, 0, 1]);
    this.counts[1] = 1;
  }

  /** Where the words of an address begin. */
  at(address: number): number {
    return address === UNSPECIFIED ? 0 : (address - FIRST) * 4;
  }

  word(address: number, index: number): number {
    return this.words[this.at(address) + index];
  }

  /** The number of an address, with a place of its own from now on. */
  note(address: AddressWords | readonly number[]): number {
    const number = this.group(address);
    if (number !== UNSPECIFIED && this.counts[number - FIRST] === 0) {
      this.counts[number - FIRST] = 1;
      this.taken++;
    }
    return number;
  }

  /** The same without taking one of the places that count. */
  group(address: readonly number[]): number {
    const [a, b, c, d] = address;
    const known = this.findWords(a | 0, b | 0, c | 0, d | 0);
    if (known !== UNKNOWN6) return known;
    const place = this.size++;
    this.words.set([a | 0, b | 0, c | 0, d | 0], place * 4);
    this.hashes.insert(hashOf(a, b, c, d), place);
    return FIRST + place;
  }

  /** The number of the address in a header, or UNKNOWN6. */
  find(bytes: Uint8Array, at: number): number {
    return this.findWords(read32(bytes, at), read32(bytes, at + 4), read32(bytes, at + 8), read32(bytes, at + 12));
  }

  /** The number of an address that is not noted here, or UNKNOWN6. */
  lookUp([a, b, c, d]: AddressWords): number {
    return this.findWords(a | 0, b | 0, c | 0, d | 0);
  }

  /** Gives the two addresses of a header places; false if there is no room for both. */
  noteBoth(bytes: Uint8Array, at: number): boolean {
    const isNewSource = this.isNew(this.find(bytes, at));
    const isNewDestination = this.isNew(this.find(bytes, at + 16));
    if (!isNewSource && !isNewDestination) return true;
    const isSame = [0, 4, 8, 12].every((offset) => read32(bytes, at + offset) === read32(bytes, at + 16 + offset));
    const needed = isSame ? 1 : (isNewSource ? 1 : 0) + (isNewDestination ? 1 : 0);
    if (this.taken + needed > this.capacity) return false;
    this.note(wordsAt(bytes, at));
    this.note(wordsAt(bytes, at + 16));
    return true;
  }

  write(bytes: Uint8Array, at: number, address: number): void {
    const from = this.at(address);
    for (let i = 0; i < 4; i++) write32(bytes, at + 4 * i, this.words[from + i]);
  }

  /** For callers outside the engine. */
  wordsOf(address: number): AddressWords {
    const at = this.at(address);
    const { words } = this;
    return [words[at] >>> 0, words[at + 1] >>> 0, words[at + 2] >>> 0, words[at + 3] >>> 0];
  }

  private isNew(number: number): boolean {
    return number === UNKNOWN6 || (number !== UNSPECIFIED && this.counts[number - FIRST] === 0);
  }

  private findWords(a: number, b: number, c: number, d: number): number {
    if ((a | b | c | d) === 0) return UNSPECIFIED;
    const { words, hashes } = this;
    for (let place = hashes.first(hashOf(a, b, c, d)); place >= 0; place = hashes.next(place)) {
      const at = place * 4;
      if (words[at + 3] === d && words[at + 2] === c && words[at + 1] === b && words[at] === a) return FIRST + place;
    }
    return UNKNOWN6;
  }
}

function wordsAt(bytes: Uint8Array, at: number): readonly number[] {
  return [read32(bytes, at), read32(bytes, at + 4), read32(bytes, at + 8), read32(bytes, at + 12)];
}

function hashOf(a: number, b: number, c: number, d: number): number {
  return finishHash(mixHash(mixHash(mixHash(mixHash(0, a), b), c), d));
}
