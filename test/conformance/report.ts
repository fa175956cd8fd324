import type { Checks } from "./checks";
import type { Difference, Skip } from "./checks";
import type { Json } from "./recording";

/** The outcome of one scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly area: string;
  readonly passed: number;
  readonly total: number;
  readonly skipped: readonly Skip[];
  readonly differences: readonly Difference[];
  /** How many of the engine's choices that are chance came out otherwise than ours do by themselves. */
  readonly chance?: number;
  /** How all of them came out. */
  readonly course?: readonly number[];
}

export function resultOf(name: string, area: string, { passed, total, skipped, differences }: Checks): ScenarioResult {
  return { name, area, passed, total, skipped, differences };
}

/** A scenario's line, and its first difference, or all of them. */
export function renderScenario({ name, passed, total, differences, chance }: ScenarioResult, verbose: boolean): string {
  const isDone = passed === total && differences.length === 0;
  const shown = verbose ? differences : differences.slice(0, 1);
  return [
    `${!isDone ? "DIFF" : total === 0 ? "skip" : "ok  "} ${name.padEnd(36)} ${String(passed).padStart(5)} / ${total}${chance === undefined ? "" : `  (${chance} by chance)`}`,
    ...shown.flatMap(({ path, expected, got }) => [`       ${path}`, `         expected ${short(expected, verbose)}`, `         got      ${short(got, verbose)}`]),
  ].join("\n");
}

/** Per area and in all, then what was skipped and why. */
export function renderSummary(results: readonly ScenarioResult[]): string {
  const areas = new Map<string, { passed: number; total: number }>();
  const skips = new Map<string, Set<string>>();
  for (const { name, area, passed, total, skipped } of results) {
    const sum = areas.get(area) ?? { passed: 0, total: 0 };
    areas.set(area, { passed: sum.passed + passed, total: sum.total + total });
    for (const { what, why } of skipped) skips.set(why, (skips.get(why) ?? new Set()).add(/^steps\[/.test(what) ? `${name} ${what}` : what));
  }
  const sums = [...areas.values()].reduce((all, { passed, total }) => ({ passed: all.passed + passed, total: all.total + total }), { passed: 0, total: 0 });
  const line = (title: string, { passed, total }: { passed: number; total: number }) => `${title.padEnd(12)} ${String(passed).padStart(6)} / ${total}`;
  return [
    "",
    ...[...areas].map(([area, sum]) => line(area, sum)),
    line("all", sums),
    ...[...skips].flatMap(([why, what]) => ["", `not compared: ${why}`, ...list([...what])]),
  ].join("\n");
}

function list(items: readonly string[]): string[] {
  const shown = items.slice(0, 6).map((item) => `  ${item}`);
  return items.length > shown.length ? [...shown, `  and ${items.length - shown.length} more`] : shown;
}

function short(value: Json, verbose: boolean): string {
  const text = typeof value === "string" ? JSON.stringify(value) : JSON.stringify(value);
  return verbose || text.length <= 240 ? text : `${text.slice(0, 240)}…`;
}
