import { LINK_JITTER_MAX_NS, LINK_LIMIT_DEFAULT, LINK_LIMIT_MAX } from "../../assembly/abi/limits";
import type { LinkRecord } from "../engine/program";
import { SimulationError, type SourcePosition } from "../errors";
import type { LinkSpec } from "../model/spec";

/** 2^53 - 1 ns: 104 days. */
const TIME_MAX = Number.MAX_SAFE_INTEGER;
const PROBABILITY_MAX = 0xffffffff;

/**
 * One direction of a cable.
 *
 * @throws SimulationError `INVALID_INPUT` for a quantity out of its range, naming `field`.
 * @example linkRecord({ delayNs: 1_000_000 }, "networks.back.link").limit // 1000
 */
export function linkRecord(spec: LinkSpec, field: string, position?: SourcePosition): LinkRecord {
  const within = (name: keyof LinkSpec, fallback: number, least: number, most: number): number => {
    const value = spec[name] ?? fallback;
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    const message = `${field}.${name}: expected a whole number from ${least} to ${most}, found ${value}`;
    throw new SimulationError("INVALID_INPUT", message, position && { position });
  };
  return {
    rateBps: within("rateBps", 0, 0, TIME_MAX),
    delayNs: within("delayNs", 0, 0, TIME_MAX),
    jitterNs: within("jitterNs", 0, 0, LINK_JITTER_MAX_NS),
    loss: within("loss", 0, 0, PROBABILITY_MAX),
    duplicate: within("duplicate", 0, 0, PROBABILITY_MAX),
    reorder: within("reorder", 0, 0, PROBABILITY_MAX),
    limit: within("limit", LINK_LIMIT_DEFAULT, 1, LINK_LIMIT_MAX),
  };
}

/** Whether the cable does anything at all: one that does not needs no queue. */
export function shapes(spec: LinkSpec | undefined): spec is LinkSpec {
  if (!spec) return false;
  return [spec.rateBps, spec.delayNs, spec.jitterNs, spec.loss, spec.duplicate, spec.reorder].some((value) => value !== undefined && value !== 0);
}
