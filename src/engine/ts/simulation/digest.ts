/** A running hash over every delivery and drop: two lanes of 32 bits that mix differently. */
export class Digest {
  private a: number;
  private b: number;

  constructor(seed: number) {
    this.a = seed ^ 0x9e3779b1;
    this.b = seed ^ 0x85ebca77;
  }

  feed(word: number): void {
    const a = (this.a + Math.imul(word, 0x85ebca77)) | 0;
    this.a = Math.imul((a << 13) | (a >>> 19), 0x9e3779b1);
    const b = this.b ^ Math.imul(word, 0xc2b2ae3d);
    this.b = Math.imul((b << 17) | (b >>> 15), 0x27d4eb2f);
  }

  /** A time goes in as two words, low first. */
  feedTime(time: number): void {
    this.feed(time % 4294967296 | 0);
    this.feed(Math.floor(time / 4294967296));
  }

  toString(): string {
    return hex(this.a) + hex(this.b);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
