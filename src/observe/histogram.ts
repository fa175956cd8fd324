import { HISTOGRAM_BUCKETS, HISTOGRAM_STEP_BITS } from "../../assembly/abi/limits";
import type { LatencyHistogram } from "../engine/engine";

/** Latency in nanoseconds. Percentiles are upper bounds of log-linear buckets: at most 1.6 % above the true value. All 0 if nothing was measured. */
export interface LatencySummary {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export function summarizeLatency(histogram: LatencyHistogram): LatencySummary {
  const { count, sumNs, minNs, maxNs } = histogram;
  const [p50 = 0, p90 = 0, p99 = 0] = percentiles(histogram, [0.5, 0.9, 0.99]);
  return { count, min: minNs, mean: count > 0 ? sumNs / count : 0, p50, p90, p99, max: maxNs };
}

/**
 * The smallest latencies that are not exceeded by the given fractions of all measurements (nearest rank).
 *
 * @param fractions ascending, above 0 and at most 1
 * @example percentiles(histogram, [0.5, 0.999])
 */
export function percentiles(histogram: LatencyHistogram, fractions: readonly number[]): number[] {
  const { count, buckets, maxNs } = histogram;
  const found: number[] = [];
  let bucket = -1;
  let seen = 0;
  for (const fraction of fractions) {
    const rank = Math.max(1, Math.ceil(fraction * count));
    while (seen < rank && bucket + 1 < buckets.length) {
      bucket += 1;
      seen += buckets[bucket] ?? 0;
    }
    found.push(count === 0 ? 0 : Math.min(upperBound(bucket), maxNs));
  }
  return found;
}

/** The largest value that counts in a bucket; the last one has no bound. */
export function upperBound(bucket: number): number {
  const steps = 1 << HISTOGRAM_STEP_BITS;
  if (bucket === HISTOGRAM_BUCKETS - 1) return Number.POSITIVE_INFINITY;
  if (bucket < 2 * steps) return bucket;
  const exponent = Math.floor(bucket / steps) - 1;
  return (bucket - exponent * steps + 1) * 2 ** exponent - 1;
}
