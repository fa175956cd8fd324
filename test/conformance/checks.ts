/** Counts what was compared in a scenario: a check is one value. */
import { isRecord, type Json } from "./recording";
import { Unifier } from "./unify";

export interface Difference {
  readonly path: string;
  readonly expected: Json;
  readonly got: Json;
}

export interface Skip {
  readonly what: string;
  readonly why: string;
}

export class Checks {
  passed = 0;
  total = 0;
  readonly differences: Difference[] = [];
  readonly skipped: Skip[] = [];
  readonly unifier = new Unifier();
  readonly #unstable: readonly string[];

  /** Whether interfaces of the recorded engine announce themselves. */
  readonly announces: boolean;

  constructor(unstable: readonly string[], { announces = false } = {}) {
    this.#unstable = unstable;
    this.announces = announces;
  }

  /** Whether the recording itself says that this value is not always the same. */
  isUnstable(path: string): boolean {
    return this.#unstable.some((entry) => path === entry || (path.startsWith(entry) && /[.[]/.test(path[entry.length] ?? "")));
  }

  /** Whether something below this path is not always the same. */
  hasUnstable(path: string): boolean {
    return this.#unstable.some((entry) => entry.startsWith(`${path}[`) || entry === path);
  }

  skip(what: string, why: string): void {
    if (!this.skipped.some((entry) => entry.what === what && entry.why === why)) this.skipped.push({ what, why });
  }

  /** One check: passed or not. */
  count(path: string, isSame: boolean, expected: Json, got: Json): void {
    this.total++;
    if (isSame) this.passed++;
    else this.differences.push({ path, expected, got });
  }

  /** Every value of `expected`, each a check, against `got`; what `got` has besides is a difference too. */
  compare(path: string, expected: Json | undefined, got: Json | undefined): void {
    if (this.isUnstable(path)) {
      this.skip(path, "it differed in a second recording");
      return;
    }
    if (expected === undefined && got === undefined) return;
    if (Array.isArray(expected) && Array.isArray(got) && expected.length + got.length > 0) {
      for (let index = 0; index < Math.max(expected.length, got.length); index++) this.compare(`${path}[${index}]`, expected[index], got[index]);
    } else if (isRecord(expected) && isRecord(got) && Object.keys(expected).length + Object.keys(got).length > 0) {
      for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) this.compare(`${path}.${key}`, expected[key], got[key]);
    } else if (isLeaf(expected) || isLeaf(got)) {
      const isSame = typeof expected === "string" && typeof got === "string" ? this.unifier.matches(expected, got) : JSON.stringify(expected) === JSON.stringify(got);
      if (isSame || isLeaf(expected)) this.count(path, isSame, expected === undefined ? NOTHING : expected, got === undefined ? NOTHING : got);
      else this.fail(path, expected, got === undefined ? NOTHING : got);
    } else {
      this.fail(path, expected, got === undefined ? NOTHING : got);
    }
  }

  /** All values of `expected` are missing, for one reason. */
  fail(path: string, expected: Json | undefined, reason: Json): void {
    const leaves = [...leavesOf(path, expected ?? NOTHING)].filter((leaf) => !this.isUnstable(leaf.path));
    this.total += leaves.length;
    if (leaves.length === 1) this.differences.push({ path: leaves[0]!.path, expected: leaves[0]!.value, got: reason });
    else if (leaves.length > 1) this.differences.push({ path, expected: `${leaves.length} values`, got: reason });
  }
}

const NOTHING = "(nothing)";

function isLeaf(value: Json | undefined): boolean {
  return value === undefined || value === null || typeof value !== "object" || Object.keys(value).length === 0;
}

export function* leavesOf(path: string, value: Json): Generator<{ readonly path: string; readonly value: Json }> {
  if (isLeaf(value)) yield { path, value };
  else if (Array.isArray(value)) for (const [index, inner] of value.entries()) yield* leavesOf(`${path}[${index}]`, inner);
  else if (isRecord(value)) for (const [key, inner] of Object.entries(value)) if (inner !== undefined) yield* leavesOf(`${path}.${key}`, inner);
}
