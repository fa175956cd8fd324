/** Numbers as people read them. Every function is pure, ASCII apart from "µ", and the same on every machine (no locale). */

const GROUPS = /\B(?=(\d{3})+$)/g;

/**
 * A whole number with separators.
 *
 * @example formatCount(12345) // "12,345"
 */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(GROUPS, ",");
}

/**
 * Nanoseconds with the unit that keeps three significant digits readable.
 *
 * @example formatTime(23_400) // "23.4 µs"
 */
export function formatTime(ns: number): string {
  if (ns < 1_000) return `${Math.round(ns)} ns`;
  if (roundsBelow(ns, 1_000)) return `${significant(ns / 1_000)} µs`;
  if (roundsBelow(ns, 1_000_000)) return `${significant(ns / 1_000_000)} ms`;
  return `${significant(ns / 1_000_000_000)} s`;
}

/**
 * Bits per second with decimal prefixes.
 *
 * @example formatRate(1_250_000_000) // "1.25 Gbit/s"
 */
export function formatRate(bitsPerSecond: number): string {
  return `${prefixed(bitsPerSecond)}bit/s`;
}

/**
 * Bytes with decimal prefixes.
 *
 * @example formatBytes(1_500_000) // "1.50 MB"
 */
export function formatBytes(bytes: number): string {
  return bytes < 1_000 ? `${Math.round(bytes)} B` : `${prefixed(bytes)}B`;
}

/**
 * How often something happens in a second.
 *
 * @example formatPerSecond(2_140_000) // "2.14 M/s"
 */
export function formatPerSecond(value: number): string {
  return roundsBelow(value, 1) ? `${significant(value)}/s` : `${prefixed(value)}/s`;
}

/**
 * A share of a whole, in percent. What is above nothing never reads as "0 %", what is below everything never as "100 %".
 *
 * @example formatShare(1, 800) // "0.13 %"
 */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0 %";
  if (part >= whole) return "100 %";
  const percent = (part / whole) * 100;
  if (percent < 0.01) return "<0.01 %";
  if (percent > 99.99) return ">99.99 %";
  return `${significant(percent)} %`;
}

/**
 * A number of things with its noun.
 *
 * @example formatQuantity(2, "network") // "2 networks"
 */
export function formatQuantity(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

const PREFIXES = ["", "k", "M", "G", "T", "P"];

function prefixed(value: number): string {
  let power = 0;
  let scaled = value;
  while (power < PREFIXES.length - 1 && !roundsBelow(scaled, 1)) {
    scaled /= 1_000;
    power += 1;
  }
  return `${significant(scaled)} ${PREFIXES[power]}`;
}

/** Whether the value, at three significant digits, stays below a thousand units. */
function roundsBelow(value: number, unit: number): boolean {
  return value / unit < 999.5;
}

/** Three significant digits, never in exponential form; whole numbers below a thousand stay whole. */
function significant(value: number): string {
  if (Number.isInteger(value) && value < 1_000) return String(value);
  if (value >= 999.5) return formatCount(value);
  if (value >= 99.95) return value.toFixed(0);
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}
