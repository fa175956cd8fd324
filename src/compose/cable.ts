import { parseDuration, parseProbability, parseRate } from "../net/units";
import type { Field } from "./field";
import { scalar } from "./shape";

/** Absent properties are left to the more general rule. */
export interface LinkProperties {
  readonly rateBps?: number;
  readonly delayNs?: number;
  /** The delay varies evenly by up to this much, either way. */
  readonly jitterNs?: number;
  /** Chances of a packet, scaled to 32 bits: see `parseProbability`. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  /** Packets that may wait for the transmitter. */
  readonly limitPackets?: number;
}

const quantity = scalar("string", "number");

/** What can be said of a cable. */
export const CABLE_KEYS = { rate: quantity, delay: quantity, jitter: quantity, loss: quantity, duplicate: quantity, reorder: quantity, limit: quantity };

/** Reads the properties of a cable from what has them among its keys. */
export function readCable(field: Field): LinkProperties {
  const jitterField = field.get("jitter");
  const jitterNs = duration(jitterField);
  if (jitterNs !== undefined && jitterNs > 0xffffffff) jitterField?.expected("at most 4.2s");
  const properties = {
    rateBps: parsed(field.get("rate"), parseRate),
    delayNs: duration(field.get("delay")),
    jitterNs,
    loss: parsed(field.get("loss"), parseProbability),
    duplicate: parsed(field.get("duplicate"), parseProbability),
    reorder: parsed(field.get("reorder"), parseProbability),
    limitPackets: field.get("limit")?.integer(1, 65535),
  };
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}

export function duration(field: Field | undefined): number | undefined {
  return parsed(field, parseDuration);
}

/** A quantity by one of the parsers of `net/units.ts`, which name the field and its place. */
export function parsed(field: Field | undefined, parse: (text: string, name: string, details: Field["details"]) => number): number | undefined {
  return field && parse(field.text(), field.path, field.details);
}
