import { Family, Hook, Table, Target } from "../../../assembly/abi/netfilter";
import { NONE } from "../../../assembly/abi/version";
import type { ChainRecord, RuleName, RuleRecord } from "../../engine/program";
import { isEmpty, ruleText } from "../../model/firewall";
import type { FirewallState, TableName, TableState } from "../../model/firewall";
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
export function compileRules(namespaces: readonly FirewallNamespace[]): CompiledRules {
  const compiled = { chains: [] as ChainRecord[], rules: [] as RuleRecord[], chainNames: [] as string[], ruleNames: [] as RuleName[] };
  for (const { namespace, firewall, devices } of namespaces) {
    for (const table of firewall.v4) addTable(compiled, { namespace, family: Family.Ipv4, table, devices });
    for (const table of firewall.v6) addTable(compiled, { namespace, family: Family.Ipv6, table, devices });
  }
  return compiled;
}

interface TablePlace {
  readonly namespace: number;
  readonly family: Family;
  readonly table: TableState;
  readonly devices: ReadonlyMap<string, number>;
}

function addTable(
  { chains, rules, chainNames, ruleNames }: { chains: ChainRecord[]; rules: RuleRecord[]; chainNames: string[]; ruleNames: RuleName[] },
  { namespace, family, table, devices }: TablePlace,
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
      namespace,
      family,
      table: TABLES[table.name],
      hook: policy ? HOOKS[name]! : NONE,
      policy: policy === "DROP" ? Target.Drop : Target.Accept,
      first,
      count: rules.length - first,
    });
  }
}
