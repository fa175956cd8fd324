/** RFC 4303 §3.4.3: which of the last sequence numbers have come. */
export class ReplayWindow {
  private highest = 0;
  /** Bit i of these 64 (the first word has 0 … 31): `highest` - i came. */
  private recent = 0;
  private older = 0;

  /** `size` 0: everything is new. */
  constructor(readonly size: number) {}

  /** Is it new, and not too old to tell? */
  admits(sequence: number): boolean {
    if (this.size === 0) return true;
    if (sequence === 0) return false;
    if (sequence > this.highest) return true;
    const behind = this.highest - sequence;
    return behind < this.size && (behind < 32 ? (this.recent >>> behind) & 1 : (this.older >>> (behind - 32)) & 1) === 0;
  }

  /** It came, and was genuine. */
  note(sequence: number): void {
    if (this.size === 0) return;
    if (sequence > this.highest) {
      this.moveBy(sequence - this.highest);
      this.highest = sequence;
    }
    const behind = this.highest - sequence;
    if (behind < 32) this.recent |= 1 << behind;
    else this.older |= 1 << (behind - 32);
  }

  private moveBy(steps: number): void {
    if (steps >= 64) {
      this.recent = this.older = 0;
    } else if (steps >= 32) {
      this.older = this.recent << (steps - 32);
      this.recent = 0;
    } else {
      this.older = (this.older << steps) | (this.recent >>> (32 - steps));
      this.recent <<= steps;
    }
  }
}
