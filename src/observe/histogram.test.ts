import { describe, expect, it } from "vitest";
import { HISTOGRAM_BUCKETS } from "../../assembly/abi/limits";
import type { LatencyHistogram } from "../engine/engine";
import { percentiles, summarizeLatency, upperBound } from "./histogram";

/** Bucket of a value, by the sentence in docs/ENGINE.md, section 11. */
function bucketOf(value: number): number {
  if (value < 128) return value;
  const exponent = value.toString(2).length - 1 - 6;
  return Math.min(exponent * 64 + Math.floor(value / 2 ** exponent), HISTOGRAM_BUCKETS - 1);
}

function histogramOf(values: readonly number[]): LatencyHistogram {
  const buckets = new Uint32Array(HISTOGRAM_BUCKETS);
  for (const value of values) buckets[bucketOf(value)]! += 1;
  return { count: values.length, sumNs: values.reduce((a, b) => a + b, 0), minNs: Math.min(...values), maxNs: Math.max(...values), buckets };
}

/** A fixed sequence: tests have no chance of their own. */
function* numbers(): Generator<number> {
  let state = 12345;
  for (;;) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    yield state / 2 ** 32;
  }
}

describe("upperBound", () => {
  it("is the largest value of the bucket, for every bucket", () => {
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
      expect(bucketOf(upperBound(bucket))).toBe(bucket);
      expect(bucketOf(upperBound(bucket) + 1)).toBe(bucket + 1);
    }
  });
});

describe("percentiles", () => {
  it("agree with a sorted list within the width of a bucket", () => {
    const chance = numbers();
    const values = Array.from({ length: 5_000 }, () => Math.floor(2 ** (40 * (chance.next().value as number))));
    const sorted = [...values].sort((a, b) => a - b);
    const fractions = [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1];
    const found = percentiles(histogramOf(values), fractions);
    fractions.forEach((fraction, index) => {
      const exact = sorted[Math.ceil(fraction * sorted.length) - 1]!;
      expect(found[index]).toBeGreaterThanOrEqual(exact);
      expect(found[index]).toBeLessThanOrEqual(exact * (1 + 1 / 64));
    });
  });

  it("never exceed the largest measurement", () => {
    expect(summarizeLatency(histogramOf([1_000_001]))).toMatchObject({ p50: 1_000_001, p99: 1_000_001, max: 1_000_001 });
  });

  it("of values beyond the last bucket are the maximum", () => {
    const day = 86_400e9;
    expect(percentiles(histogramOf([5, day]), [0.5, 0.99])).toEqual([5, day]);
  });

  it("of nothing are 0", () => {
    const empty: LatencyHistogram = { count: 0, sumNs: 0, minNs: 0, maxNs: 0, buckets: new Uint32Array(HISTOGRAM_BUCKETS) };
    expect(summarizeLatency(empty)).toEqual({ count: 0, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 });
  });
});
