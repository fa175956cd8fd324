import { describe, expect, it } from "vitest";
import { fmix, Random, RandomKind } from "./random";

describe("the generator", () => {
  it("is xoshiro128++ (outputs of the authors' reference code for the state 1, 2, 3, 4)", () => {
    const random = Random.from(1, 2, 3, 4);
    const outputs = Array.from({ length: 10 }, () => random.next());
    expect(outputs).toEqual([641, 1573767, 3222811527, 3517856514, 836907274, 4247214768, 3867114732, 1355841295, 495546011, 621204420]);
  });

  it("agrees with the same generator in big integers", () => {
    const mask = 0xffffffffn;
    const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
    const s = [0xdeadbeefn, 0x80000000n, 0xffffffffn, 7n];
    const random = Random.from(0xdeadbeef, 0x80000000, 0xffffffff, 7);
    for (let i = 0; i < 1000; i++) {
      const expected = (rotate((s[0] + s[3]) & mask, 7n) + s[0]) & mask;
      const t = (s[1] << 9n) & mask;
      s[2] ^= s[0];
      s[3] ^= s[1];
      s[1] ^= s[2];
      s[0] ^= s[3];
      s[2] ^= t;
      s[3] = rotate(s[3], 11n);
      expect(random.next()).toBe(Number(expected));
    }
  });

  it("differs between kinds, indices and seeds, and repeats for equal ones", () => {
    const first = (seed: number, kind: RandomKind, index: number) => Random.of(seed, kind, index).next();
    const draws = [first(1, RandomKind.Link, 0), first(1, RandomKind.Link, 1), first(1, RandomKind.Flow, 0), first(2, RandomKind.Link, 0)];
    expect(new Set(draws).size).toBe(4);
    expect(first(1, RandomKind.Link, 0)).toBe(draws[0]);
  });

  it("has MurmurHash3's finalizer, a bijection that keeps zero", () => {
    expect(fmix(0)).toBe(0);
    // SMHasher's fmix32(1) and fmix32(0xffffffff).
    expect(fmix(1)).toBe(0x514e28b7);
    expect(fmix(0xffffffff)).toBe(0x81f16f39);
  });
});
