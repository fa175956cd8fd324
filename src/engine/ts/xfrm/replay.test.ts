import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplayWindow } from "./replay";

describe("a replay window", () => {
  it("lets each number in once, in any order, as far back as it is wide", () => {
    fc.assert(
      fc.property(fc.nat(64), fc.array(fc.oneof(fc.nat(150), fc.integer({ min: 0xffffff00, max: 0xffffffff })), { maxLength: 200 }), (size, numbers) => {
        const window = new ReplayWindow(size);
        const came = new Set<number>();
        let highest = 0;
        for (const number of numbers) {
          const expected = size === 0 || (number !== 0 && (number > highest || (highest - number < size && !came.has(number))));
          expect(window.admits(number)).toBe(expected);
          if (!expected) continue;
          window.note(number);
          came.add(number);
          highest = Math.max(highest, number);
        }
      }),
    );
  });
});
