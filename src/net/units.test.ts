import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDuration, parsePacketRate, parseProbability, parseRate, parseSize } from "./units";

describe("parseDuration", () => {
  it("reads Go durations into whole nanoseconds", () => {
    const cases: readonly [string, number][] = [
      ["0", 0], ["0s", 0], ["1ns", 1], ["50us", 50_000], ["50\u00b5s", 50_000], ["50\u03bcs", 50_000], ["1.5s", 1_500_000_000],
      ["1m30s", 90_000_000_000], ["1h", 3_600_000_000_000], ["1.1s", 1_100_000_000], [".5ms", 500_000], ["1d", 86_400_000_000_000],
      ["0.1us", 100], ["2w", 1_209_600_000_000_000],
    ];
    for (const [text, ns] of cases) expect(parseDuration(text, "for"), text).toBe(ns);
  });

  it("refuses what is not one", () => {
    const expected = `for: expected a duration such as "50us", "1.5s" or "1m30s", found `;
    for (const text of ["", "10", "-1s", "1.s", "1s ", "s", "1 s", "1min", "1e3s"]) {
      expect(() => parseDuration(text, "for"), text).toThrow(expected + JSON.stringify(text));
    }
    expect(() => parseDuration(undefined as never, "for"), "none at all").toThrow(`${expected}undefined`);
    expect(() => parseDuration("0.5ns", "for")).toThrow(`for: expected a whole number of nanoseconds, found "0.5ns"`);
    expect(() => parseDuration("105d", "for")).toThrow(`for: expected at most 104 days (2^53 ns), found "105d"`);
  });

  it("adds parts of any size", () => {
    fc.assert(fc.property(fc.nat(99), fc.nat(59), fc.nat(999), (m, s, ms) => {
      expect(parseDuration(`${m}m${s}s${ms}ms`, "x")).toBe(((m * 60 + s) * 1000 + ms) * 1e6);
    }));
  });
});

describe("parseRate", () => {
  it("reads decimal prefixes of either case", () => {
    const cases: readonly [string, number][] = [
      ["10Mbit", 1e7], ["10mbit", 1e7], ["1Gbit", 1e9], ["200kbit", 2e5], ["64bit", 64], ["1.5kbit", 1500], ["2Tbit", 2e12], ["10Mbit/s", 1e7],
    ];
    for (const [text, bits] of cases) expect(parseRate(text, "rate"), text).toBe(bits);
  });

  it("refuses the ambiguous and the impossible", () => {
    for (const text of ["10Mbps", "10M", "10", "-1bit", "10 Mbit", ""]) {
      expect(() => parseRate(text, "rate"), text).toThrow(`rate: expected a rate such as "10Mbit", "200kbit" or "1Gbit", found ${JSON.stringify(text)}`);
    }
    expect(() => parseRate("0bit", "rate")).toThrow("a whole number of bits per second above 0");
    expect(() => parseRate("0.5bit", "rate")).toThrow("a whole number of bits per second above 0");
    expect(() => parseRate("10000Tbit", "rate")).toThrow("at most 9000Tbit");
  });
});

it("reads numbers per second, whole or not", () => {
  expect(["100/s", "5kpps", "0.5/s", "1.5Mpps"].map((text) => parsePacketRate(text, "rate"))).toEqual([100, 5000, 0.5, 1_500_000]);
  expect(() => parsePacketRate("100", "rate")).toThrow(`rate: expected a number per second such as "100/s" or "5kpps", found "100"`);
  expect(() => parsePacketRate("0/s", "rate")).toThrow("rate: expected from above 0 to 1000000000 per second");
});

it("reads sizes in powers of 1024", () => {
  const cases: readonly [string | number, number][] = [
    [512, 512], ["512", 512], ["512B", 512], ["1k", 1024], ["1kB", 1024], ["1KiB", 1024], ["64k", 65536], ["1.5k", 1536], ["2M", 2 ** 21], ["1GiB", 2 ** 30],
  ];
  for (const [text, bytes] of cases) expect(parseSize(text, "size"), String(text)).toBe(bytes);
  for (const bad of ["", "k", "-1", "1T", "1 k", -1, 1e300, NaN]) {
    expect(() => parseSize(bad, "size"), String(bad)).toThrow("size: expected a number of bytes");
  }
  expect(() => parseSize("0.3k", "size")).toThrow(`size: expected a whole number of bytes, found "0.3k"`);
  expect(() => parseSize(1.5, "size")).toThrow("size: expected a whole number of bytes, found 1.5");
});

it("scales a chance to 32 bits", () => {
  const cases: readonly [string | number, number][] = [
    [0, 0], ["0%", 0], [1, 0xffffffff], ["100%", 0xffffffff], [0.5, 0x80000000], ["50%", 0x80000000], ["0.1%", 4294967], [0.001, 4294967], [1e-7, 429],
  ];
  for (const [value, scaled] of cases) expect(parseProbability(value, "loss"), String(value)).toBe(scaled);
  for (const bad of ["", "x", "-1%", "101%", 1.5, -0.1, "1e3", NaN]) {
    expect(() => parseProbability(bad, "loss"), String(bad)).toThrow(`loss: expected a fraction from 0 to 1 or percent such as "0.1%"`);
  }
});
