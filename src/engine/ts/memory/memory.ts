/** The largest IPv4 datagram (RFC 791: the total length is 16 bits). */
export const DATAGRAM_MAX = 65535;
/** Payload bytes repeat after 256; a run of this length at any phase can be copied from one place. */
const PATTERN_BYTES = 256 + DATAGRAM_MAX;
/** Room for the longest IPv4 header (60 bytes) in front of a payload that starts on a multiple of 64. */
export const HEADER_ROOM = 64;
export const AREA_BYTES = HEADER_ROOM + DATAGRAM_MAX + 1;

/**
 * All packet bytes of a simulation in one buffer: the packets' slots, one scratch area for a local datagram that no slot
 * holds, and the areas in which fragments are put together. An IPv4 header lies on a multiple of 4 wherever it is, so
 * that checksums can read whole words.
 */
export class Memory {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** From one slot to the next. */
  readonly slotBytes: number;
  readonly scratch: number;
  private readonly pattern: number;
  private readonly areas: number;

  constructor(slots: number, frameBytes: number, areas: number) {
    this.slotBytes = (frameBytes + 2 + 15) & ~15;
    this.pattern = slots * this.slotBytes;
    this.scratch = (this.pattern + PATTERN_BYTES + 63) & ~63;
    this.areas = this.scratch + AREA_BYTES;
    const buffer = new ArrayBuffer(this.areas + areas * AREA_BYTES);
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    for (let i = 0; i < PATTERN_BYTES; i++) this.bytes[this.pattern + i] = i & 255;
  }

  /** Address of a slot's first frame byte: two bytes in, so that the IPv4 header after 14 bytes of Ethernet is aligned. */
  frame(slot: number): number {
    return slot * this.slotBytes + 2;
  }

  /** Address of the first payload byte in the area of a reassembly buffer; the header lies in front of it. */
  area(index: number): number {
    return this.areas + index * AREA_BYTES + HEADER_ROOM;
  }

  copy(to: number, from: number, length: number): void {
    this.bytes.copyWithin(to, from, from + length);
  }

  /** Writes the bytes `first`, `first + 1`, … modulo 256. */
  fill(to: number, first: number, length: number): void {
    const from = this.pattern + (first & 255);
    this.bytes.copyWithin(to, from, from + length);
  }
}
