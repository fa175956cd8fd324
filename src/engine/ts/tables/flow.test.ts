import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Arrival, MessageRing, SequenceWindow } from "./flow";

describe("the window of sequence numbers", () => {
  it("tells new, late and repeated ones apart within 32", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(80), { maxLength: 100 }), (sequences) => {
        const window = new SequenceWindow();
        const seen = new Set<number>();
        let highest = -1;
        for (const sequence of sequences) {
          const expected =
            sequence > highest ? Arrival.InOrder : highest - sequence < 32 && seen.has(sequence) ? Arrival.Again : Arrival.Late;
          expect(window.arrive(sequence)).toBe(expected);
          highest = Math.max(highest, sequence);
          seen.add(sequence);
        }
      }),
    );
  });

  it("takes a first message that is not number 0 as in order, and earlier ones as late", () => {
    const window = new SequenceWindow();
    expect([5, 3, 3, 0].map((sequence) => window.arrive(sequence))).toEqual([Arrival.InOrder, Arrival.Late, Arrival.Again, Arrival.Late]);
  });
});

describe("the messages of a stream", () => {
  it("leave in the order of writing, however often the ring goes round", () => {
    const ring = new MessageRing();
    for (let i = 0; i < 1000; i++) {
      ring.push(i, i * 10);
      if (i % 2 === 0) continue;
      expect([ring.size, ring.oldestSequence, ring.oldestWrittenAt]).toEqual([2, i - 1, (i - 1) * 10]);
      ring.shift();
      ring.shift();
    }
  });
});
