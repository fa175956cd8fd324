import { SimulationError } from "../errors";
import type { RateSpec, TrafficSpec } from "../model/spec";

/** 2^53 - 1 ns: 104 days. */
const TIME_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Whole nanoseconds from one message to the next, at least 1: rates between two intervals take the nearer one. A rate in bits per
 * second counts payload bits.
 *
 * @throws SimulationError `INVALID_INPUT` for a rate above one message per nanosecond or below one in 104 days.
 * @example intervalOf({ perSecond: 100_000 }, 64, "rate", {}) // 10_000
 */
export function intervalOf(rate: RateSpec, sizeBytes: number, traffic: TrafficSpec): number {
  const perSecond = "perSecond" in rate ? rate.perSecond : rate.bitsPerSecond / (sizeBytes * 8);
  const exact = 1e9 / perSecond;
  if (exact >= 0.5 && exact <= TIME_MAX) return Math.max(1, Math.round(exact));
  const written = "perSecond" in rate ? `${rate.perSecond} a second` : `${rate.bitsPerSecond} bits a second in messages of ${sizeBytes} bytes`;
  const message = `traffic ${traffic.name}: rate: expected from one message in 104 days to one per nanosecond, found ${written}`;
  throw new SimulationError("INVALID_INPUT", message, traffic.position && { position: traffic.position });
}
