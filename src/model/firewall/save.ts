import type { ChainState, Family, FirewallState, TableName, TableState } from "./rule";
import { ruleText } from "./rule-text";

/** How a dump is written. */
export interface SaveOptions {
  /** The tables, in this order; all four unless given. */
  readonly tables?: readonly TableName[];
  /** Leaves tables out that hold no rule and no chain beside the kernel's. */
  readonly skipEmpty?: boolean;
}

/**
 * The rules of one family as `iptables-save` or `ip6tables-save` prints them, comments left out and every counter 0.
 *
 * @example renderSave(firewall.snapshot(), 4, { tables: ["filter"] }) // "*filter\n:INPUT ACCEPT [0:0]\n…COMMIT\n"
 */
export function renderSave(state: FirewallState, family: Family, { tables, skipEmpty = false }: SaveOptions = {}): string {
  const all = family === 4 ? state.v4 : state.v6;
  const wanted = tables ? tables.flatMap((name) => all.filter((table) => table.name === name)) : all;
  return wanted
    .filter((table) => !(skipEmpty && isEmpty(table)))
    .map((table) => `*${table.name}\n${table.chains.map((chain) => `${headerOf(chain)} [0:0]\n`).join("")}${rulesOf(table).map((line) => `${line}\n`).join("")}COMMIT\n`)
    .join("");
}

/**
 * The lines of one table between `*name` and `COMMIT`, without counters.
 *
 * @example saveLines(table) // [":INPUT ACCEPT", ":DOCKER -", "-A FORWARD -j DOCKER-USER", …]
 */
export function saveLines(table: TableState): readonly string[] {
  return [...table.chains.map(headerOf), ...rulesOf(table)];
}

/** One chain as `iptables -S CHAIN` prints it. */
export function listChain({ name, policy, rules }: ChainState): readonly string[] {
  return [policy ? `-P ${name} ${policy}` : `-N ${name}`, ...rules.map((rule) => appendText(name, ruleText(rule)))];
}

/** Whether nobody has put anything into the table. */
export function isEmpty(table: TableState): boolean {
  return table.chains.every(({ policy, rules }) => policy === "ACCEPT" && rules.length === 0);
}

function headerOf({ name, policy }: ChainState): string {
  return `:${name} ${policy ?? "-"}`;
}

function rulesOf({ chains }: TableState): readonly string[] {
  return chains.flatMap(({ name, rules }) => rules.map((rule) => appendText(name, ruleText(rule))));
}

function appendText(chain: string, rule: string): string {
  return rule === "" ? `-A ${chain}` : `-A ${chain} ${rule}`;
}
