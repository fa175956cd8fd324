import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { internetChecksum } from "../../../../test/support/frame";
import { Memory } from "../memory/memory";
import { complement, fold, sum } from "./checksum";

describe("the Internet checksum", () => {
  const memory = new Memory(1, 4096, 0);

  it("is what adding byte pairs one by one gives, at any address and length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(7), (bytes, offset) => {
        memory.bytes.fill(0xa5, 0, 2048);
        memory.bytes.set(bytes, offset);
        expect(complement(sum(memory, offset, bytes.length))).toBe(internetChecksum(bytes));
      }),
    );
  });

  it("does not overflow on the longest datagram of ones", () => {
    const large = new Memory(1, 70_000, 0);
    large.bytes.fill(0xff, 0, 65_536);
    expect(sum(large, 0, 65_535)).toBe(0xffff - 0xff);
    expect(sum(large, 0, 65_532)).toBe(0xffff);
  });

  it("folds carries back in", () => {
    expect(fold(0x1fffe)).toBe(0xffff);
    expect(fold(0x10000)).toBe(1);
    // RFC 1071 §3: the words 0001 f203 f4f5 f6f7 add up to ddf2.
    memory.bytes.set([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], 16);
    expect(sum(memory, 16, 8)).toBe(0xddf2);
  });
});
