import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatPerSecond, formatQuantity, formatRate, formatShare, formatTime } from "./format";

describe("numbers for people", () => {
  it("separates thousands", () => {
    expect([0, 999, 1000, 12345, 1234567].map(formatCount)).toEqual(["0", "999", "1,000", "12,345", "1,234,567"]);
  });

  it("keeps three significant digits of a time and never shows 1000 of a unit", () => {
    const times = [0, 7, 999, 1_000, 23_400, 999_400, 999_600, 1_234_567, 56_780_000, 12_000_000_000].map(formatTime);
    expect(times).toEqual(["0 ns", "7 ns", "999 ns", "1 µs", "23.4 µs", "999 µs", "1.00 ms", "1.23 ms", "56.8 ms", "12 s"]);
  });

  it("keeps long times in seconds with separators", () => {
    expect(formatTime(7_200_000_000_000)).toBe("7,200 s");
  });

  it("gives rates decimal prefixes", () => {
    const rates = [0, 950, 64_000, 1_250_000_000, 999_999_999].map(formatRate);
    expect(rates).toEqual(["0 bit/s", "950 bit/s", "64 kbit/s", "1.25 Gbit/s", "1.00 Gbit/s"]);
  });

  it("gives bytes decimal prefixes", () => {
    expect([0, 64, 1_500_000].map(formatBytes)).toEqual(["0 B", "64 B", "1.50 MB"]);
  });

  it("says how often a second", () => {
    expect([0.5, 12, 2_140_000].map(formatPerSecond)).toEqual(["0.50/s", "12/s", "2.14 M/s"]);
  });

  it("never rounds something to nothing or to everything", () => {
    expect(formatShare(0, 10)).toBe("0 %");
    expect(formatShare(10, 10)).toBe("100 %");
    expect(formatShare(1, 1_000_000)).toBe("<0.01 %");
    expect(formatShare(999_999, 1_000_000)).toBe(">99.99 %");
    expect(formatShare(1, 800)).toBe("0.13 %");
    expect(formatShare(0, 0)).toBe("0 %");
  });

  it("counts things", () => {
    expect([formatQuantity(1, "network"), formatQuantity(1200, "container")]).toEqual(["1 network", "1,200 containers"]);
  });
});
