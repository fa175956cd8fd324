import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Change, changed, changeOf } from "./change";

/** As the other thread gets it. */
const across = (before: unknown, change: Change) => changed(structuredClone(before), structuredClone(change));

describe("a change of a program", () => {
  it("is nothing where everything is the same object, and otherwise what is new", () => {
    const [a, b, c] = [{ ip: 1 }, { ip: 2 }, { ip: 3 }];
    const program = { devices: [a, b], names: { hosts: ["h"] } };
    expect(changeOf(program, program)).toBeUndefined();
    expect(changeOf(program, { ...program, devices: [c, a, b] })).toEqual({ kind: "fields", gone: [], fields: { devices: { kind: "list", runs: [-1, 1, 0, 2], added: [c] } } });
  });

  it("makes of the program before the one that was meant", () => {
    const records = Array.from({ length: 12 }, (_, ip) => ({ ip }));
    const list = fc.array(fc.nat(11).map((index) => records[index]), { maxLength: 20 });
    const program = fc.record({ devices: list, rules: list, names: fc.record({ hosts: fc.array(fc.constantFrom("a", "b", "c")), flows: fc.constant(undefined) }, { requiredKeys: [], noNullPrototype: true }), cost: fc.nat(2), xfrm: fc.record({ keys: list }, { noNullPrototype: true }) }, { requiredKeys: ["devices"], noNullPrototype: true });
    fc.assert(
      fc.property(program, program, (before, after) => {
        const change = changeOf(before, after);
        expect(change === undefined ? before : across(before, change)).toStrictEqual(after);
      }),
      { numRuns: 2_000 },
    );
  });
});
