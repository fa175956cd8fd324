import type { Family, Negatable, Rule, RuleCause, TableName, Target } from "./rule";
import type { PlacedRule, Tables } from "./tables";

/**
 * One change that the daemon makes. `append` and `insert` do nothing if the rule is anywhere in the chain, `remove` if it is
 * nowhere; `top` moves the rule to the head. So libnetwork's `ProgramRule` and `EnsureJumpRule` have it.
 */
export interface Step extends PlacedRule {
  readonly op: "append" | "insert" | "remove" | "top";
  /** Stays when what asked for it goes. */
  readonly kept?: boolean;
}

export function perform(tables: Tables, steps: readonly Step[]): void {
  for (const step of steps) {
    if (step.op === "remove" || step.op === "top") tables.delete(step);
    if (step.op === "remove" || (step.op !== "top" && tables.exists(step))) continue;
    if (step.op === "append") tables.append(step);
    else tables.insert(step);
  }
}

/** Takes back what `perform` did: every rule that was added goes. */
export function undo(tables: Tables, steps: readonly Step[]): void {
  for (const step of steps) {
    if (!step.kept) tables.delete(step);
  }
}

/** Makes the steps of one family that have one cause. */
export class StepMaker {
  readonly family: Family;
  readonly #cause: RuleCause;

  constructor(family: Family, cause: RuleCause) {
    this.family = family;
    this.#cause = cause;
  }

  append(table: TableName, chain: string, conditions: Conditions, target: TargetOrName): Step {
    return this.#step("append", table, chain, conditions, target);
  }

  insert(table: TableName, chain: string, conditions: Conditions, target: TargetOrName): Step {
    return this.#step("insert", table, chain, conditions, target);
  }

  remove(table: TableName, chain: string, conditions: Conditions, target: TargetOrName): Step {
    return this.#step("remove", table, chain, conditions, target);
  }

  /** A jump without conditions, at the head of its chain. */
  top(table: TableName, chain: string, to: string): Step {
    return this.#step("top", table, chain, {}, jump(to));
  }

  #step(op: Step["op"], table: TableName, chain: string, conditions: Conditions, target: TargetOrName): Step {
    const rule: Rule = { matches: [], ...conditions, target: typeof target === "string" ? { target } : target, cause: this.#cause };
    return { op, table, chain, rule };
  }
}

type Conditions = Omit<Partial<Rule>, "target" | "cause">;
type TargetOrName = Target | "ACCEPT" | "DROP" | "RETURN";

export function jump(chain: string): Target {
  return { target: "JUMP", chain };
}

export const MASQUERADE: Target = { target: "MASQUERADE", ports: undefined };

export function is<T>(value: T): Negatable<T> {
  return { value, not: false };
}

export function isNot<T>(value: T): Negatable<T> {
  return { value, not: true };
}
