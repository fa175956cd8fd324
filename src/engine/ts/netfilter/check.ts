import { CHAIN_DEPTH_MAX } from "../../../../assembly/abi/limits";
import { Target } from "../../../../assembly/abi/netfilter";
import { NONE } from "../../../../assembly/abi/version";
import { SimulationError } from "../../../errors";
import type { AddressWords, ChainRecord, DatapathProgram, RuleRecord } from "../../program";

const PORT_MAX = 65535;

/** Refuses chains that lead nowhere, in a circle or too deep, and ranges that hold nothing. */
export function checkRules({ chains, rules }: DatapathProgram): void {
  const builtin = new Set<string>();
  chains.forEach((chain, index) => {
    const { namespace, family, table, hook, first, count } = chain;
    if (first + count > rules.length) fail(index, `at most ${rules.length} rules`, `rules ${first} to ${first + count - 1}`);
    for (const rule of rules.slice(first, first + count)) checkRule(chains, chain, rule, index);
    if (hook === NONE) return;
    const key = [namespace, family, table, hook].join(" ");
    if (builtin.has(key)) fail(index, "one chain per namespace, family, table and hook", "a second one");
    builtin.add(key);
  });
  const depths = new Map<number, number>();
  chains.forEach(({ hook }, index) => {
    if (depthOf(index) > CHAIN_DEPTH_MAX && hook !== NONE) fail(index, `at most ${CHAIN_DEPTH_MAX} chains inside each other`, "more");
  });

  /** How many chains a packet may enter from one on; a circle is endless. */
  function depthOf(index: number): number {
    const known = depths.get(index);
    if (known !== undefined) return known;
    depths.set(index, Infinity);
    const { first, count } = chains[index];
    const depth = rules
      .slice(first, first + count)
      .filter(leads)
      .reduce((deepest, { chain }) => Math.max(deepest, 1 + depthOf(chain)), 0);
    if (depth === Infinity) fail(index, "chains that end", "a circle");
    depths.set(index, depth);
    return depth;
  }
}

function leads({ target }: RuleRecord): boolean {
  return target === Target.Jump || target === Target.Goto;
}

function checkRule(chains: readonly ChainRecord[], chain: ChainRecord, rule: RuleRecord, index: number): void {
  const { natPortFrom, natPortTo } = rule;
  const [from, to] = [rule.natFrom, rule.natTo].map(valueOf);
  if (from > to || (from === 0n && to !== 0n)) fail(index, "addresses to translate to in ascending order", `${from} to ${to}`);
  if (natPortFrom > natPortTo || natPortTo > PORT_MAX) fail(index, "ports to translate to in ascending order", `${natPortFrom} to ${natPortTo}`);
  if (!leads(rule)) return;
  const next = chains[rule.chain];
  const isNear = next !== undefined && next.namespace === chain.namespace && next.family === chain.family && next.table === chain.table;
  if (!isNear || next.hook !== NONE) fail(index, "jumps to user chains of its own table", `a jump to chain ${rule.chain}`);
}

/** The address as one number. */
function valueOf(address: AddressWords): bigint {
  return address.reduce((sum, word) => sum * 4294967296n + BigInt(word), 0n);
}

function fail(chain: number, expected: string, found: string): never {
  throw new SimulationError("INVALID_INPUT", `chains[${chain}]: expected ${expected}, found ${found}`);
}
