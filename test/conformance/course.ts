/**
 * What an engine leaves to chance has to come out as in the recording: which node gets a task, in what order addresses are given. Such
 * choices are tried one after the other, each with every outcome that it can have, and what fits the recording best is kept. A value that
 * no outcome leads to stays different.
 */
import type { Chance } from "../../src/model/chance";
import type { ScenarioResult } from "./report";

/** The outcomes of choices in their order: those that are given, then the first each time. */
export class Course implements Chance {
  /** How many outcomes each choice had. */
  readonly counts: number[] = [];
  readonly taken: number[] = [];
  readonly #given: readonly number[];

  constructor(given: readonly number[] = []) {
    this.#given = given;
  }

  /** How many came out otherwise than by themselves. */
  get unusual(): number {
    return this.taken.filter((taken) => taken !== 0).length;
  }

  choose(count: number): number {
    const outcome = Math.min(this.#given[this.taken.length] ?? 0, count - 1);
    this.counts.push(count);
    this.taken.push(outcome);
    return outcome;
  }
}

/** A scenario is not played more often than this. */
const MOST_PLAYS = 120;

/** The play that differs least of those that chance can lead to. `known`: choices to begin with. */
export async function fittest(play: (course: Course) => Promise<ScenarioResult>, known: readonly number[] = []): Promise<ScenarioResult> {
  let course = new Course(known);
  let best = await play(course);
  if (known.length > 0) best = { ...best, chance: course.unusual, course: course.taken };
  let plays = 1;
  for (let hasImproved = true; hasImproved; ) {
    hasImproved = false;
    for (const given of neighboursOf(course)) {
      if (distanceOf(best) === 0 || plays++ >= MOST_PLAYS) return best;
      const other = new Course(given);
      const result = await play(other);
      if (distanceOf(result) >= distanceOf(best)) continue;
      best = { ...result, chance: other.unusual, course: other.taken };
      course = other;
      hasImproved = true;
      break;
    }
  }
  return best;
}

/** One choice that comes out otherwise, or two. */
function* neighboursOf({ counts, taken }: Course): Generator<number[]> {
  const changes = counts.flatMap((count, at) => Array.from({ length: count }, (_, outcome) => ({ at, outcome })).filter(({ outcome }) => outcome !== taken[at]));
  for (const change of changes) yield changed(taken, [change]);
  for (const first of changes) for (const second of changes) if (first.at < second.at) yield changed(taken, [first, second]);
}

function changed(taken: readonly number[], changes: readonly { readonly at: number; readonly outcome: number }[]): number[] {
  return taken.map((before, index) => changes.find(({ at }) => at === index)?.outcome ?? before);
}

/** 0: nothing differs. Texts that have more in common are nearer. */
function distanceOf({ passed, total, differences }: ScenarioResult): number {
  return Math.max(total - passed, differences.length) + differences.reduce((sum, { expected, got }) => sum + wordsApart(String(expected), String(got)), 0);
}

/** The share of words that only one of two texts has. */
function wordsApart(expected: string, got: string): number {
  const words = expected.split(/\s+/);
  const left = got.split(/\s+/);
  const most = Math.max(words.length, left.length);
  let same = 0;
  for (const word of words) {
    const at = left.indexOf(word);
    if (at === -1) continue;
    left.splice(at, 1);
    same++;
  }
  return 1 - same / most;
}
