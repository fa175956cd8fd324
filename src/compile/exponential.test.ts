import { describe, expect, it } from "vitest";
import { EXPONENTIAL_ENTRIES, EXPONENTIAL_SCALE } from "../../assembly/abi/limits";
import { exponentialTable, naturalLogarithm } from "./exponential";

describe("the natural logarithm", () => {
  it("agrees with Math.log within a few units in the last place", () => {
    const arguments_ = [1e-300, 1e-9, 0.001, 0.5, 2 / 3, 0.999999, 1, 1.000001, 4 / 3, 2, Math.E, 10, 12345.678, 1e300];
    for (const x of arguments_) expect(Math.abs(naturalLogarithm(x) - Math.log(x))).toBeLessThanOrEqual(4 * Number.EPSILON * Math.max(Math.abs(Math.log(x)), Number.EPSILON));
    for (let index = 1; index < 8192; index++) {
      const x = index / 8192;
      expect(Math.abs(naturalLogarithm(x) / Math.log(x) - 1)).toBeLessThanOrEqual(4 * Number.EPSILON);
    }
  });

  it("is 0 at 1", () => {
    expect(naturalLogarithm(1)).toBe(0);
  });
});

describe("the table of exponential gaps", () => {
  const table = exponentialTable();

  it("has the quantiles at the slices' midpoints, in 1/4096 of the mean", () => {
    expect(table).toHaveLength(EXPONENTIAL_ENTRIES);
    for (const [index, value] of table.entries()) {
      const exact = -Math.log(1 - (index + 0.5) / EXPONENTIAL_ENTRIES) * EXPONENTIAL_SCALE;
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(0.5 + 1e-6);
    }
  });

  it("rises, and has nearly the mean and variance of the distribution", () => {
    expect(table.every((value, index) => index === 0 || value >= table[index - 1]!)).toBe(true);
    const mean = table.reduce((sum, value) => sum + value, 0) / table.length / EXPONENTIAL_SCALE;
    const variance = table.reduce((sum, value) => sum + (value / EXPONENTIAL_SCALE - mean) ** 2, 0) / table.length;
    expect(mean).toBeCloseTo(0.9999, 4);
    expect(variance).toBeGreaterThan(0.99);
    expect(variance).toBeLessThan(1.01);
  });
});
