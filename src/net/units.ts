import { SimulationError, type ErrorDetails } from "../errors";

/** Simulated time with a unit, as Go writes durations: `"50us"`, `"1.5s"`, `"1m30s"`. */
export type Duration =
  | `${number}${"ns" | "us" | "ms" | "s" | "m" | "h"}`
  | `${number}m${number}s`
  | `${number}h${number}m`
  | `${number}h${number}m${number}s`;

/** Bits per second with decimal prefixes, as tc(8) writes them: `"10Mbit"`, `"1.5Gbit"`. */
export type Rate = `${number}${"" | "k" | "M" | "G" | "T"}bit`;

/** Packets (or requests) per second: `"100/s"`, `"5kpps"`. */
export type PacketRate = `${number}${"" | "k" | "M"}${"/s" | "pps"}`;

/** Bytes; prefixes are powers of 1024 as in Compose: `512`, `"512"`, `"64k"`, `"1KiB"`. */
export type Size = number | `${number}` | `${number}${"B" | "k" | "kB" | "KiB" | "M" | "MB" | "MiB" | "G" | "GB" | "GiB"}`;

/** A chance: a fraction from 0 to 1, or percent: `0.001`, `"0.1%"`. */
export type Probability = number | `${number}` | `${number}%`;

const NS_PER_UNIT: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n, // micro sign and Greek mu, both of Go's time.ParseDuration
  "\u03bcs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  // Compose takes days and weeks too, where Go stops at hours (compose-go types/duration.go).
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};

const DECIMAL = String.raw`\d+(?:\.\d+)?|\.\d+`;
const DURATION_PART = new RegExp(String.raw`(${DECIMAL})(ns|us|\u00b5s|\u03bcs|ms|s|m|h|d|w)`, "y");

/**
 * Reads a duration into whole nanoseconds. `"0"` needs no unit, as in Go.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`: no unit, negative, a fraction of a nanosecond, more than 2^53 ns (104 days).
 * @example parseDuration("1m30s", "for") // 90_000_000_000
 */
export function parseDuration(text: string, field: string, details?: ErrorDetails): number {
  const fail = failing(field, text, details);
  if (text === "0") return 0;
  let total = 0n;
  let offset = 0;
  DURATION_PART.lastIndex = 0;
  for (let match = DURATION_PART.exec(text); match; match = DURATION_PART.exec(text)) {
    const part = scale(match[1] ?? "", NS_PER_UNIT[match[2] ?? ""] ?? 0n);
    if (part === undefined) return fail("a whole number of nanoseconds");
    total += part;
    offset = DURATION_PART.lastIndex;
  }
  if (!text || offset !== text.length) return fail(`a duration such as "50us", "1.5s" or "1m30s"`);
  return safe(total) ?? fail("at most 104 days (2^53 ns)");
}

const RATE = new RegExp(String.raw`^(${DECIMAL})([kmgt]?)bit(?:/s)?$`, "i");

/**
 * Reads a rate into bits per second. Prefixes are decimal (`1kbit` = 1000 bit/s) and may be of either case, as in tc(8).
 * `bps` is refused, because tc(8) reads it as bytes and most people as bits.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 * @example parseRate("10Mbit", "rate") // 10_000_000
 */
export function parseRate(text: string, field: string, details?: ErrorDetails): number {
  const fail = failing(field, text, details);
  const match = RATE.exec(text);
  if (!match) return fail(`a rate such as "10Mbit", "200kbit" or "1Gbit"`);
  const bits = scale(match[1] ?? "", decimalPrefix(match[2] ?? ""));
  if (bits === undefined || bits === 0n) return fail("a whole number of bits per second above 0");
  return safe(bits) ?? fail("at most 9000Tbit");
}

const PACKET_RATE = new RegExp(String.raw`^(${DECIMAL})([km]?)(?:/s|pps)$`, "i");

/**
 * Reads a number of packets or requests per second, which need not be whole: one packet every two seconds is `"0.5/s"`.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 * @example parsePacketRate("5kpps", "rate") // 5000
 */
export function parsePacketRate(text: string, field: string, details?: ErrorDetails): number {
  const fail = failing(field, text, details);
  const match = PACKET_RATE.exec(text);
  if (!match) return fail(`a number per second such as "100/s" or "5kpps"`);
  const perSecond = Number(match[1]) * Number(decimalPrefix(match[2] ?? ""));
  // One packet a nanosecond is as fast as a clock of whole nanoseconds can tell apart.
  if (perSecond <= 0 || perSecond > 1e9) return fail("from above 0 to 1000000000 per second");
  return perSecond;
}

const SIZE = new RegExp(String.raw`^(${DECIMAL})(|b|k|kb|kib|m|mb|mib|g|gb|gib)$`, "i");

/**
 * Reads a number of bytes. `k`, `kB` and `KiB` are all 1024, as Compose and Docker read byte values.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 * @example parseSize("64k", "size") // 65_536
 */
export function parseSize(value: string | number, field: string, details?: ErrorDetails): number {
  const fail = failing(field, value, details);
  const match = SIZE.exec(String(value));
  if (!match) return fail(`a number of bytes such as 512, "1KiB" or "64k"`);
  const power = " kmg".indexOf((match[2] ?? "").charAt(0).toLowerCase() || " ");
  const bytes = scale(match[1] ?? "", 1024n ** BigInt(Math.max(power, 0)));
  if (bytes === undefined) return fail("a whole number of bytes");
  return safe(bytes) ?? fail("at most 2^53 bytes");
}

const FRACTION = new RegExp(String.raw`^(?:${DECIMAL})(?:e-\d+)?$`, "i");
const PERCENT = new RegExp(String.raw`^(${DECIMAL})%$`);

/**
 * Reads a chance into 32 bits, as Linux netem keeps it: 0 is never; otherwise a random 32-bit number at or below the value is a
 * hit, so 0xffffffff is always. A bare number is a fraction: `1` means always, `"1%"` one in a hundred.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 * @example parseProbability("0.1%", "loss") // 4_294_967
 */
export function parseProbability(value: string | number, field: string, details?: ErrorDetails): number {
  const fail = failing(field, value, details);
  const text = String(value);
  const percent = PERCENT.exec(text);
  if (!percent && !FRACTION.test(text)) return fail(`a fraction from 0 to 1 or percent such as "0.1%"`);
  const fraction = percent ? Number(percent[1]) / 100 : Number(text);
  if (fraction > 1) return fail(`a fraction from 0 to 1 or percent such as "0.1%"`);
  return Math.min(Math.round(fraction * 2 ** 32), 0xffffffff);
}

function failing(field: string, found: string | number, details?: ErrorDetails): (expected: string) => never {
  return (expected) => {
    throw new SimulationError("INVALID_INPUT", `${field}: expected ${expected}, found ${JSON.stringify(found)}`, details);
  };
}

function decimalPrefix(prefix: string): bigint {
  return 1000n ** BigInt(Math.max(" kmgt".indexOf(prefix.toLowerCase() || " "), 0));
}

/** `decimal × unit` without rounding; `undefined` when the result is not whole. */
function scale(decimal: string, unit: bigint): bigint | undefined {
  const [whole = "", fraction = ""] = decimal.split(".");
  const product = BigInt(whole + fraction) * unit;
  const divisor = 10n ** BigInt(fraction.length);
  return product % divisor === 0n ? product / divisor : undefined;
}

function safe(value: bigint): number | undefined {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}
