import type { ChainState, Policy, Rule, TableName, TableState } from "./rule";
import { TABLES } from "./rule";
import { ruleText } from "./rule-text";

/** The kernel's own chains, in the order of `iptables-save` (Linux net/ipv4/netfilter/iptable_*.c: valid hooks of each table). */
export const BUILT_IN_CHAINS: Readonly<Record<TableName, readonly string[]>> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

/** Where a rule goes, and what it says. */
export interface PlacedRule {
  readonly table: TableName;
  readonly chain: string;
  readonly rule: Rule;
}

interface Chain {
  policy: Policy | undefined;
  rules: Rule[];
  /** How many rules of the chain have this text. */
  readonly texts: Map<string, number>;
}

/**
 * The tables of one family in one network namespace, changed by the operations that `iptables` has. Two rules are the same if
 * `iptables-save` prints them alike. A chain that is named has to be there: that is the caller's to see to.
 */
export class Tables {
  readonly #tables: ReadonlyMap<TableName, Map<string, Chain>>;

  constructor() {
    const builtIn = (table: TableName) => new Map(BUILT_IN_CHAINS[table].map((name) => [name, emptyChain("ACCEPT")]));
    this.#tables = new Map(TABLES.map((table) => [table, builtIn(table)]));
  }

  has(table: TableName, chain: string): boolean {
    return this.#chains(table).has(chain);
  }

  /** `-N`, unless the chain is there. */
  newChain(table: TableName, chain: string): void {
    if (!this.has(table, chain)) this.#chains(table).set(chain, emptyChain(undefined));
  }

  /** `-F`: the chain stays. */
  flush(table: TableName, name: string): void {
    const chain = this.#chain(table, name);
    chain.rules = [];
    chain.texts.clear();
  }

  /** `-X`. False, and nothing happens, if the chain is the kernel's own, holds rules, or is the target of one. */
  removeChain(table: TableName, name: string): boolean {
    const chain = this.#chain(table, name);
    if (chain.policy || chain.rules.length > 0 || this.isTarget(table, name)) return false;
    return this.#chains(table).delete(name);
  }

  /** All chains of a table. */
  names(table: TableName): readonly string[] {
    return [...this.#chains(table).keys()];
  }

  /** Whether following jumps from one chain leads to another, or they are the same. */
  leadsTo(table: TableName, from: string, to: string): boolean {
    const seen = new Set([from]);
    for (const name of seen) {
      for (const { target } of this.#chains(table).get(name)?.rules ?? []) {
        if (target.target === "JUMP" || target.target === "GOTO") seen.add(target.chain);
      }
    }
    return seen.has(to);
  }

  /** Whether a rule of the table jumps to the chain. */
  isTarget(table: TableName, chain: string): boolean {
    const leadsThere = ({ target }: Rule) => (target.target === "JUMP" || target.target === "GOTO") && target.chain === chain;
    return [...this.#chains(table).values()].some(({ rules }) => rules.some(leadsThere));
  }

  /** `-P`. False, and nothing happens, if the chain is not the kernel's own. */
  setPolicy(table: TableName, name: string, policy: Policy): boolean {
    const chain = this.#chain(table, name);
    if (!chain.policy) return false;
    chain.policy = policy;
    return true;
  }

  /** `-C`. */
  exists({ table, chain, rule }: PlacedRule): boolean {
    return this.#chains(table).get(chain)?.texts.has(ruleText(rule)) ?? false;
  }

  /** `-A`. */
  append({ table, chain, rule }: PlacedRule): void {
    this.insert({ table, chain, rule }, this.length(table, chain));
  }

  /** `-I`, before the rule at `index`. */
  insert({ table, chain: name, rule }: PlacedRule, index = 0): void {
    const chain = this.#chain(table, name);
    const text = ruleText(rule);
    chain.rules.splice(index, 0, rule);
    chain.texts.set(text, (chain.texts.get(text) ?? 0) + 1);
  }

  /** `-D`: the first such rule. False if there is none. */
  delete(placed: PlacedRule): boolean {
    if (!this.exists(placed)) return false;
    const text = ruleText(placed.rule);
    const { rules } = this.#chain(placed.table, placed.chain);
    this.deleteAt(placed.table, placed.chain, rules.findIndex((rule) => ruleText(rule) === text));
    return true;
  }

  deleteAt(table: TableName, name: string, index: number): void {
    const chain = this.#chain(table, name);
    const [rule] = chain.rules.splice(index, 1);
    if (!rule) return;
    const text = ruleText(rule);
    const left = (chain.texts.get(text) ?? 1) - 1;
    if (left === 0) chain.texts.delete(text);
    else chain.texts.set(text, left);
  }

  length(table: TableName, chain: string): number {
    return this.#chain(table, chain).rules.length;
  }

  snapshot(): readonly TableState[] {
    return TABLES.map((name) => ({ name, chains: this.#chainStates(name) }));
  }

  #chainStates(table: TableName): readonly ChainState[] {
    const own = BUILT_IN_CHAINS[table];
    const others = [...this.#chains(table).keys()].filter((name) => !own.includes(name)).sort();
    return [...own, ...others].map((name) => {
      const { policy, rules } = this.#chain(table, name);
      return { name, policy, rules: [...rules] };
    });
  }

  #chains(table: TableName): Map<string, Chain> {
    return this.#tables.get(table)!;
  }

  #chain(table: TableName, name: string): Chain {
    const chain = this.#chains(table).get(name);
    if (!chain) throw new Error(`no chain ${name} in table ${table}`);
    return chain;
  }
}

function emptyChain(policy: Policy | undefined): Chain {
  return { policy, rules: [], texts: new Map() };
}
