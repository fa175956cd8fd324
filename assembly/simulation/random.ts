/** xoshiro128++ (Blackman and Vigna), seeded by splitmix32: one generator per link, per flow, one for TCP and one for DNS. */

export enum RandomKind {
  Link = 1,
  Flow,
  Tcp,
  Dns,
}

@unmanaged
export class Random {
  a: u32;
  b: u32;
  c: u32;
  d: u32;

  seed(seed: u32, kind: RandomKind, index: u32): void {
    let x = finalize(seed ^ (<u32>kind * 0x9e3779b1) ^ (index * 0x85ebca77));
    x += 0x9e3779b9;
    this.a = scramble(x);
    x += 0x9e3779b9;
    this.b = scramble(x);
    x += 0x9e3779b9;
    this.c = scramble(x);
    x += 0x9e3779b9;
    this.d = scramble(x);
    if ((this.a | this.b | this.c | this.d) == 0) this.a = 1;
  }

  /** The next 32 bits. */
  @inline next(): u32 {
    const a = this.a;
    const b = this.b;
    const result = rotl<u32>(a + this.d, 7) + a;
    const c = this.c ^ a;
    const d = this.d ^ b;
    this.b = b ^ c;
    this.a = a ^ d;
    this.c = c ^ (b << 9);
    this.d = rotl<u32>(d, 11);
    return result;
  }
}

/** The last step of murmur3's 32-bit hash. */
@inline export function finalize(h: u32): u32 {
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  return h ^ (h >> 16);
}

function scramble(z: u32): u32 {
  z ^= z >> 16;
  z *= 0x21f0aaad;
  z ^= z >> 15;
  z *= 0x735a2d97;
  return z ^ (z >> 15);
}
