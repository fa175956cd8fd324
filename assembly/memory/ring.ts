/** Points in time in ascending order: what a transmitter or a CPU will have finished when. */
import { powerOfTwo } from "./arena";

@unmanaged
export class TimeRing {
  base: usize;
  mask: u32;
  /** Both run freely; their difference is the number of entries. */
  head: u32;
  tail: u32;

  /** Gives it `ringBytes(entries)` bytes at `base`. */
  attach(base: usize, entries: u32): void {
    this.base = base;
    this.mask = <u32>(powerOfTwo(<u64>entries + 1) - 1);
  }

  /** The same for a ring in use: its entries come along. */
  moveTo(base: usize, entries: u32): void {
    const oldBase = this.base;
    const oldMask = this.mask;
    this.attach(base, entries);
    for (let at = this.head; at != this.tail; at++) {
      store<i64>(base + (<usize>(at & this.mask) << 3), load<i64>(oldBase + (<usize>(at & oldMask) << 3)));
    }
  }

  /** Forgets what is not after `time`, and tells how many remain. */
  @inline expire(time: i64): u32 {
    let head = this.head;
    const tail = this.tail;
    while (head != tail && load<i64>(this.base + (<usize>(head & this.mask) << 3)) <= time) head++;
    this.head = head;
    return tail - head;
  }

  @inline count(): u32 {
    return this.tail - this.head;
  }

  @inline append(time: i64): void {
    const tail = this.tail;
    store<i64>(this.base + (<usize>(tail & this.mask) << 3), time);
    this.tail = tail + 1;
  }
}

/** Bytes of a ring of so many entries. */
export function ringBytes(entries: u32): u64 {
  return powerOfTwo(<u64>entries + 1) << 3;
}
