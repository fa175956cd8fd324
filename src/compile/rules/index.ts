import { Family, Hook, Table, Target } from "../../../assembly/abi/netfilter";
import { NONE } from "../../../assembly/abi/version";
import type { ChainRecord, RuleName, RuleRecord } from "../../engine/program";
import { isEmpty, ruleText } from "../../model/firewall";
import type { FirewallState, TableName, TableState } from "../../model/firewall";
import { type Made, Memo } from "../memo";
import { shared } from "../share";
import { causeText } from "./cause";
import { checkLimits } from "./limit";
import { compileRule } from "./rule";

/** A network namespace whose rules are compiled. */
export interface FirewallNamespace {
  readonly namespace: number;
  readonly firewall: FirewallState;
  /** Its devices by the kernel's names, which are those that rules use. */
  readonly devices: ReadonlyMap<string, number>;
}

/** The chains and rules of a program, with their names. */
export interface CompiledRules {
  readonly chains: readonly ChainRecord[];
  readonly rules: readonly RuleRecord[];
  readonly chainNames: readonly string[];
  readonly ruleNames: readonly RuleName[];
}

const TABLES: Readonly<Record<TableName, Table>> = { raw: Table.Raw, mangle: Table.Mangle, nat: Table.Nat, filter: Table.Filter };
const HOOKS: Readonly<Record<string, Hook>> = {
  PREROUTING: Hook.Prerouting,
  INPUT: Hook.Input,
  FORWARD: Hook.Forward,
  OUTPUT: Hook.Output,
  POSTROUTING: Hook.Postrouting,
};

/**
 * Makes the records of the packet path of all namespaces' rules. A table that nobody has touched has no chains; of any other table
 * every chain is there, the kernel's own first, also those without rules: that the table exists is what makes connections be tracked.
 */
export function compileRules(namespaces: readonly FirewallNamespace[], memo = new Memo()): CompiledRules {
  const compiled = { chains: [] as ChainRecord[], rules: [] as RuleRecord[], chainNames: [] as string[], ruleNames: [] as RuleName[] };
  const { chains, rules, chainNames, ruleNames } = compiled;
  for (const { namespace, firewall, devices } of namespaces) {
    const template = templateOf(firewall, devices);
    const place = { namespace, firstChain: chains.length, firstRule: rules.length };
    const own = memo.of<unknown, Placed>(`rules ${namespace}`, [template, place.firstChain, place.firstRule], (before) => placeRules(template, place, before));
    for (const record of own.chains) chains.push(record);
    for (const record of own.rules) rules.push(record);
    for (const name of template.chainNames) chainNames.push(name);
    for (const name of template.ruleNames) ruleNames.push(name);
  }
  return compiled;
}

/** The rules of a namespace, wherever that is: their chains and rules are counted from 0. */
interface Template extends Omit<CompiledRules, "chains"> {
  readonly chains: readonly Omit<ChainRecord, "namespace">[];
  /** What it takes devices of some names for. */
  readonly devices: readonly (readonly [name: string, index: number | undefined])[];
}

/** Many namespaces have the same rules, and most rules name no devices. */
const templates = new WeakMap<FirewallState, Template>();

function templateOf(firewall: FirewallState, devices: ReadonlyMap<string, number>): Template {
  const known = templates.get(firewall);
  if (known?.devices.every(([name, index]) => devices.get(name) === index) === true) return known;
  const noted = new NotedDevices(devices);
  const template = { chains: [] as Omit<ChainRecord, "namespace">[], rules: [] as RuleRecord[], chainNames: [] as string[], ruleNames: [] as RuleName[], devices: noted.names };
  for (const table of firewall.v4) addTable(template, { family: Family.Ipv4, table, devices: noted });
  for (const table of firewall.v6) addTable(template, { family: Family.Ipv6, table, devices: noted });
  // What depends on all devices there are would be the same nowhere else.
  if (!noted.isListed) templates.set(firewall, template);
  return template;
}

/** The devices of a namespace, which remembers who was asked for. */
class NotedDevices extends Map<string, number> {
  readonly names: (readonly [string, number | undefined])[] = [];
  isListed = false;

  override get(name: string): number | undefined {
    const index = super.get(name);
    this.names.push([name, index]);
    return index;
  }

  override [Symbol.iterator](): MapIterator<[string, number]> {
    this.isListed = true;
    return super[Symbol.iterator]();
  }
}

interface TablePlace {
  readonly family: Family;
  readonly table: TableState;
  readonly devices: ReadonlyMap<string, number>;
}

function addTable(
  { chains, rules, chainNames, ruleNames }: { chains: Omit<ChainRecord, "namespace">[]; rules: RuleRecord[]; chainNames: string[]; ruleNames: RuleName[] },
  { family, table, devices }: TablePlace,
): void {
  if (isEmpty(table)) return;
  checkLimits(table);
  const indices = new Map(table.chains.map(({ name }, index) => [name, chains.length + index]));
  const chainIndex = (name: string): number => {
    const index = indices.get(name);
    if (index === undefined) throw new Error(`a rule of ${table.name} leads to the chain ${name}, which is not there`);
    return index;
  };
  for (const { name, policy, rules: lines } of table.chains) {
    const first = rules.length;
    for (const line of lines) {
      const text = `-A ${name} ${ruleText(line)}`.trimEnd();
      for (const record of compileRule(line, { devices, chainIndex })) {
        rules.push(record);
        ruleNames.push({ text, cause: causeText(line.cause) });
      }
    }
    chainNames.push(`${table.name} ${name}`);
    chains.push({
      family,
      table: TABLES[table.name],
      hook: policy ? HOOKS[name]! : NONE,
      policy: policy === "DROP" ? Target.Drop : Target.Accept,
      first,
      count: rules.length - first,
    });
  }
}

/** The records of a template in a namespace. */
interface Placed {
  readonly chains: readonly ChainRecord[];
  readonly rules: readonly RuleRecord[];
}

interface RulesPlace {
  readonly namespace: number;
  readonly firstChain: number;
  readonly firstRule: number;
}

function placeRules({ chains, rules }: Template, { namespace, firstChain, firstRule }: RulesPlace, before: Made<unknown, Placed> | undefined): Placed {
  const isSame = before !== undefined && before.value.rules.length === rules.length && before.inputs[1] === firstChain;
  const isJump = ({ target }: RuleRecord) => target === Target.Jump || target === Target.Goto;
  const placed = rules.map((rule) => (isJump(rule) ? { ...rule, chain: rule.chain + firstChain } : rule));
  return { chains: chains.map((chain) => ({ namespace, ...chain, first: chain.first + firstRule })), rules: isSame ? shared(before.value.rules, placed) : placed };
}
