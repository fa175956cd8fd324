import { describe, expect, it } from "vitest";
import { refusalOf } from "../../test/support/docker";
import { linkRecord, shapes } from "./link";

describe("a link", () => {
  it("is ideal where nothing is said, with netem's queue", () => {
    expect(linkRecord({}, "link")).toEqual({ rateBps: 0, delayNs: 0, jitterNs: 0, loss: 0, duplicate: 0, reorder: 0, limit: 1000 });
  });

  it("does nothing without a property that is more than 0", () => {
    expect(shapes(undefined)).toBe(false);
    expect(shapes({ limit: 5, delayNs: 0 })).toBe(false);
    expect(shapes({ loss: 1 })).toBe(true);
  });

  it.each([
    [{ jitterNs: 2_000_000_001 }, "link.jitterNs: expected a whole number from 0 to 2000000000, found 2000000001"],
    [{ limit: 0 }, "link.limit: expected a whole number from 1 to 65535, found 0"],
    [{ delayNs: 0.5 }, "link.delayNs: expected a whole number from 0 to 9007199254740991, found 0.5"],
    [{ loss: 2 ** 32 }, "link.loss: expected a whole number from 0 to 4294967295, found 4294967296"],
  ])("refuses %j", (spec, message) => {
    expect(refusalOf(() => linkRecord(spec, "link"))).toBe(`INVALID_INPUT: ${message}`);
  });
});
