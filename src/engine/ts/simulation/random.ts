/** What a generator draws for; part of its seed. */
export enum RandomKind {
  Link = 1,
  Flow = 2,
  Tcp = 3,
  Dns = 4,
}

/** The finalizer of MurmurHash3_x86_32. */
export function fmix(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** xoshiro128++ 1.0 (Blackman and Vigna): 128 bits of state, 32 bits per draw. */
export class Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private d = 0;

  /** The generator of one link, one flow, of TCP or of DNS: adding another does not change its draws. */
  static of(seed: number, kind: RandomKind, index: number): Random {
    const random = new Random();
    random.seed(fmix(seed ^ Math.imul(kind, 0x9e3779b1) ^ Math.imul(index, 0x85ebca77)));
    return random;
  }

  static from(a: number, b: number, c: number, d: number): Random {
    const random = new Random();
    random.a = a | 0;
    random.b = b | 0;
    random.c = c | 0;
    random.d = d | 0;
    return random;
  }

  /** A u32. */
  next(): number {
    const sum = (this.a + this.d) | 0;
    const result = (((sum << 7) | (sum >>> 25)) + this.a) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** Four outputs of splitmix32; a state of zeros would stay at zero. */
  private seed(start: number): void {
    let x = start;
    const split = () => {
      x = (x + 0x9e3779b9) | 0;
      let z = x ^ (x >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.a = split();
    this.b = split();
    this.c = split();
    this.d = split();
    if ((this.a | this.b | this.c | this.d) === 0) this.a = 1;
  }
}
