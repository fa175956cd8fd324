import { GoError, quote } from "./go";

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** time.ParseDuration: `1h2m3.5s` in nanoseconds. */
export function parseDuration(text: string): number {
  const [, sign = "", body = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (body === "0") return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)[a-zµμ]+)+$/.test(body)) {
    const isNumber = /^(?:\d+\.?\d*|\.\d+)/.test(body);
    throw new GoError(`time: ${isNumber && !/[a-zµμ]/.test(body) ? "missing unit in" : "invalid"} duration ${quote(text)}`);
  }
  let total = 0;
  for (const [, number = "", unit = ""] of body.matchAll(/(\d+\.?\d*|\.\d+)([a-zµμ]+)/g)) {
    const factor = UNITS[unit];
    if (factor === undefined) throw new GoError(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    total += Number(number) * factor;
  }
  return Math.round(sign === "-" ? -total : total);
}

/** time.Duration.String: `1m30s`, `500ms`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  const [sign, value] = nanoseconds < 0 ? ["-", -nanoseconds] : ["", nanoseconds];
  if (value < 1e3) return `${sign}${value}ns`;
  if (value < 1e6) return `${sign}${value / 1e3}µs`;
  if (value < 1e9) return `${sign}${value / 1e6}ms`;
  const [hours, minutes, seconds] = [Math.floor(value / 3600e9), Math.floor(value / 60e9) % 60, (value % 60e9) / 1e9];
  return `${sign}${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}s`;
}

/** docker/go-units: HumanDuration: `5 seconds`, `About a minute`. */
export function humanDuration(nanoseconds: number): string {
  const seconds = Math.floor(nanoseconds / 1e9);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.floor(seconds / 3600 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  return `${Math.floor(hours / 24 / 7)} weeks`;
}
