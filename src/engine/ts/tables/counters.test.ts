import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Drop } from "../../../../assembly/abi/drop";
import { HISTOGRAM_BUCKETS } from "../../../../assembly/abi/limits";
import { NONE } from "../../../../assembly/abi/version";
import { bucketIndex, DropTable, Histogram } from "./counters";

/** The lowest value of a bucket, from the definition alone. */
function lowestOf(index: number): number {
  if (index < 128) return index;
  const exponent = Math.floor(index / 64) - 1;
  return (index - exponent * 64) * 2 ** exponent;
}

describe("the latency histogram", () => {
  it("has one bucket per value below 128 and none twice", () => {
    const indices = Array.from({ length: 1000 }, (_, value) => bucketIndex(value));
    expect(indices.slice(0, 130)).toEqual(Array.from({ length: 130 }, (_, i) => (i === 129 ? 128 : i)));
    expect(indices).toEqual([...indices].sort((a, b) => a - b));
  });

  it("puts every value between the limits of its bucket, within 1.6 percent", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2 ** 44 - 1, noNaN: true }).map(Math.floor), (value) => {
        const index = bucketIndex(value);
        expect(lowestOf(index)).toBeLessThanOrEqual(value);
        expect(lowestOf(index + 1)).toBeGreaterThan(value);
        expect(lowestOf(index + 1) - lowestOf(index)).toBeLessThanOrEqual(Math.max(1, value / 64));
      }),
    );
  });

  it("counts what is longer than 2^44 ns in the last bucket", () => {
    expect(bucketIndex(2 ** 44 - 1)).toBe(HISTOGRAM_BUCKETS - 1);
    expect(bucketIndex(2 ** 50)).toBe(HISTOGRAM_BUCKETS - 1);
    expect(bucketIndex(2 ** 32)).toBe(26 * 64 + 64);
  });

  it("keeps count, sum and exact extremes, and hands out copies", () => {
    const histogram = new Histogram();
    expect(histogram.snapshot()).toMatchObject({ count: 0, sumNs: 0, minNs: 0, maxNs: 0 });
    for (const value of [500, 20, 7000]) histogram.record(value);
    const snapshot = histogram.snapshot();
    expect(snapshot).toMatchObject({ count: 3, sumNs: 7520, minNs: 20, maxNs: 7000 });
    histogram.record(20);
    expect(snapshot.buckets[20]).toBe(1);
    expect(histogram.snapshot().buckets[20]).toBe(2);
  });
});

describe("the drop table", () => {
  it("lists what happened by thing, then reason, what belongs to nothing last", () => {
    const table = new DropTable(2);
    table.count(-1, Drop.NoMemory);
    table.count(1, Drop.WalkLimit);
    table.count(1, Drop.DevReady);
    table.count(1, Drop.DevReady);
    expect(table.list()).toEqual([
      { reason: Drop.DevReady, of: 1, count: 2 },
      { reason: Drop.WalkLimit, of: 1, count: 1 },
      { reason: Drop.NoMemory, of: NONE, count: 1 },
    ]);
  });

  it("starts a thing anew, or adds it", () => {
    const table = new DropTable(1);
    table.count(0, Drop.DevReady);
    table.clear(0);
    expect(table.list()).toEqual([]);
    table.clear(1);
    table.count(1, Drop.IpCsum);
    expect(table.list()).toEqual([{ reason: Drop.IpCsum, of: 1, count: 1 }]);
  });
});
