import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shared } from "./share";

describe("shared", () => {
  it("gives the old value where nothing is different, however deep", () => {
    const make = () => ({ hosts: [{ name: "h", rules: [{ text: "a", ip: 1n }, { text: "b", ip: undefined }] }], list: [1, 2] });
    const before = make();
    expect(shared(before, make())).toBe(before);
  });

  it("keeps the parts that stay, and knows things in lists by their names", () => {
    const before = [{ id: "a", list: [1] }, { id: "b", list: [2] }];
    const after = shared(before, [{ id: "new", list: [0] }, { id: "b", list: [2] }, { id: "a", list: [1, 3] }]);
    expect(after).toEqual([{ id: "new", list: [0] }, { id: "b", list: [2] }, { id: "a", list: [1, 3] }]);
    expect(after[1]).toBe(before[1]);
    expect(after[2]).not.toBe(before[0]);
  });

  it("tells a field that is undefined from one that is absent", () => {
    expect("a" in shared({ a: undefined, b: 1 }, { b: 1 })).toBe(false);
    expect("a" in shared({ b: 1 }, { a: undefined, b: 1 })).toBe(true);
    expect("a" in shared({ b: 1, c: 2 }, { a: undefined, b: 1 })).toBe(true);
  });

  it("says what it was given, whatever was before", () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 4 }, fc.integer({ max: 3, min: 0 }), fc.constant(undefined), fc.bigInt({ max: 2n, min: 0n }), fc.constantFrom("", "x"), fc.array(tie("any"), { maxLength: 3 }), tie("record")),
      record: fc.dictionary(fc.constantFrom("id", "name", "host", "a", "b"), tie("any"), { maxKeys: 4, noNullPrototype: true }),
    })).any;
    fc.assert(
      fc.property(value, value, (before, after) => {
        expect(shared(before, after)).toStrictEqual(after);
      }),
      { numRuns: 2_000 },
    );
  });
});
