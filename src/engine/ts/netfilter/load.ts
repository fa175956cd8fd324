import { Family } from "../../../../assembly/abi/netfilter";
import { NONE } from "../../../../assembly/abi/version";
import type { DatapathProgram } from "../../program";
import type { Kernel } from "../kernel";
import { Chain, Filter } from "./filter";
import { Rule } from "./rule";

/**
 * Gives every namespace the packet filter that a program says. May be called again, with addresses and routes in place: rules
 * and their counters are new then, tracked connections stay.
 */
export function loadRules(kernel: Kernel, { chains: records, rules: ruleRecords }: DatapathProgram): void {
  const families = ruleRecords.map(() => Family.Ipv4);
  for (const { family, first, count } of records) families.fill(family, first, first + count);
  const rules = ruleRecords.map((record, index) => new Rule(index, record, families[index], kernel.addresses));
  const chains = records.map(
    ({ table, policy, first, count }, index) => new Chain(index, table, policy, rules.slice(first, first + count)),
  );
  kernel.traversal.counters = new Float64Array(rules.length);
  kernel.ruleGeneration++;
  for (const namespace of kernel.namespaces) namespace.filter = namespace.filter6 = null;
  records.forEach(({ namespace: index, family, hook }, position) => {
    const namespace = kernel.namespaces[index];
    const isIpv6 = family === Family.Ipv6;
    const filter = (isIpv6 ? namespace.filter6 : namespace.filter) ?? new Filter(kernel.ruleGeneration);
    if (isIpv6) namespace.filter6 = filter;
    else namespace.filter = filter;
    const chain = chains[position];
    for (const rule of chain.rules) {
      if (rule.record.chain !== NONE) rule.chain = chains[rule.record.chain] ?? null;
      filter.learn(rule);
    }
    if (hook !== NONE) filter.place(chain, hook);
  });
  for (const { filter, filter6, services } of kernel.namespaces) {
    filter?.finish(services !== null);
    filter6?.finish(false);
    if (filter?.tracks === true || filter6?.tracks === true) kernel.conntrack.enable();
  }
}
