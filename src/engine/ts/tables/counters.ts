import { DROP_COUNT, type Drop } from "../../../../assembly/abi/drop";
import { HISTOGRAM_BUCKETS, HISTOGRAM_STEP_BITS } from "../../../../assembly/abi/limits";
import { NONE } from "../../../../assembly/abi/version";
import type { DropCount, LatencyHistogram } from "../../engine";

/** Totals of the engine that no table knows. */
export class Totals {
  events = 0;
  delivered = 0;
  dropped = 0;
  transmitted = 0;
}

/** How often the things of one table died of each reason; the last row is for packets that had none of them. */
export class DropTable {
  private counts: Float64Array;

  constructor(private things: number) {
    this.counts = new Float64Array((things + 1) * DROP_COUNT);
  }

  /** Counts one drop of the thing with the index, or of none (-1). */
  count(index: number, reason: Drop): void {
    this.counts[(index + 1) * DROP_COUNT + reason]++;
  }

  /** Makes room for so many things; those that are there keep their counts. */
  grow(things: number): void {
    if (things <= this.things) return;
    this.things = things;
    const counts = new Float64Array((things + 1) * DROP_COUNT);
    counts.set(this.counts);
    this.counts = counts;
  }

  /** Starts the counts of a thing anew; it may be one past the end. */
  clear(index: number): void {
    this.grow(index + 1);
    this.counts.fill(0, (index + 1) * DROP_COUNT, (index + 2) * DROP_COUNT);
  }

  list(): DropCount[] {
    const found: DropCount[] = [];
    for (let index = 0; index < this.things; index++) this.collect(found, index, index);
    this.collect(found, -1, NONE);
    return found;
  }

  private collect(found: DropCount[], index: number, of: number): void {
    for (let reason = 0; reason < DROP_COUNT; reason++) {
      const count = this.counts[(index + 1) * DROP_COUNT + reason];
      if (count > 0) found.push({ reason: reason as Drop, of, count });
    }
  }
}

/** Latencies in log-linear buckets: exact below 2 × 64 ns, then 64 steps per octave. */
export class Histogram {
  private count = 0;
  private sum = 0;
  private min = 0;
  private max = 0;
  private buckets: Uint32Array | null = null;

  record(valueNs: number): void {
    this.min = this.count === 0 || valueNs < this.min ? valueNs : this.min;
    this.max = valueNs > this.max ? valueNs : this.max;
    this.count++;
    this.sum += valueNs;
    this.buckets ??= new Uint32Array(HISTOGRAM_BUCKETS);
    this.buckets[bucketIndex(valueNs)]++;
  }

  clear(): void {
    this.count = this.sum = this.min = this.max = 0;
    this.buckets = null;
  }

  snapshot(): LatencyHistogram {
    const buckets = this.buckets === null ? new Uint32Array(HISTOGRAM_BUCKETS) : this.buckets.slice();
    return { count: this.count, sumNs: this.sum, minNs: this.min, maxNs: this.max, buckets };
  }
}

/** The bucket of a latency: the value itself below 128, else 64 × octave + its leading seven bits. */
export function bucketIndex(valueNs: number): number {
  const steps = 1 << HISTOGRAM_STEP_BITS;
  if (valueNs < 2 * steps) return valueNs;
  if (valueNs < 4294967296) {
    const exponent = 31 - Math.clz32(valueNs) - HISTOGRAM_STEP_BITS;
    return exponent * steps + (valueNs >>> exponent);
  }
  const exponent = 63 - Math.clz32(valueNs / 4294967296) - HISTOGRAM_STEP_BITS;
  return Math.min(exponent * steps + Math.floor(valueNs / 2 ** exponent), HISTOGRAM_BUCKETS - 1);
}
