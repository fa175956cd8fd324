import { CHAIN_DEPTH_MAX } from "../../../assembly/abi/limits";
import { Target } from "../../../assembly/abi/netfilter";
import { NONE } from "../../../assembly/abi/version";
import { SimulationError } from "../../errors";
import type { AddressWords, ChainRecord, DatapathProgram, RuleRecord } from "../program";

/** Refuses chains and rules that lead nowhere, in circles or too deep: the engine itself trusts them. */
export function checkRules(program: DatapathProgram): void {
  const { chains, rules, namespaces } = program;
  const places = new Set<string>();
  chains.forEach(({ namespace, family, table, hook, first, count }, index) => {
    const field = `chains[${index}]`;
    if (!isIndex(namespace, namespaces.length)) refuse(`${field}.namespace`, `an index below ${namespaces.length}`, namespace);
    if (!isIndex(first, rules.length + 1) || !isIndex(count, rules.length + 1 - first)) {
      refuse(field, `rules among the ${rules.length} that there are`, `${count} from ${first} on`);
    }
    if (hook === NONE) return;
    const place = [namespace, family, table, hook].join();
    if (places.has(place)) refuse(`${field}.hook`, "one chain per namespace, family, table and hook", "another one");
    places.add(place);
  });
  chains.forEach((chain) => checkJumps(program, chain));
  rules.forEach(checkTranslation);
  const heights = new Map<number, number>();
  chains.forEach(({ hook }, index) => {
    const height = heightOf(program, index, heights);
    if (hook !== NONE && height > CHAIN_DEPTH_MAX) refuse(`chains[${index}]`, `at most ${CHAIN_DEPTH_MAX} chains one inside the other`, height);
  });
}

function checkJumps({ chains, rules }: DatapathProgram, { namespace, family, table, first, count }: ChainRecord): void {
  for (const [offset, rule] of rules.slice(first, first + count).entries()) {
    if (!isJump(rule)) continue;
    const to = chains[rule.chain];
    const isThere = to !== undefined && to.hook === NONE && to.namespace === namespace && to.family === family && to.table === table;
    if (!isThere) refuse(`rules[${first + offset}].chain`, "a user chain of the same table", rule.chain);
  }
}

function checkTranslation({ natFrom, natTo, natPortFrom, natPortTo }: RuleRecord, index: number): void {
  const [from, to] = natFrom === natTo ? ["", ""] : [hex(natFrom), hex(natTo)];
  if (from > to || (natFrom.every((word) => word === 0) && from !== to)) refuse(`rules[${index}].natFrom`, "an address that is not behind natTo", from);
  if (natPortFrom > natPortTo || natPortTo > 65_535) refuse(`rules[${index}].natPortFrom`, "a range of ports", `${natPortFrom} to ${natPortTo}`);
}

/** How many chains may be open below a chain. A chain in progress has the height NaN. */
function heightOf(program: DatapathProgram, index: number, heights: Map<number, number>): number {
  const known = heights.get(index);
  if (known !== undefined) {
    if (Number.isNaN(known)) refuse(`chains[${index}]`, "jumps that end somewhere", "a circle");
    return known;
  }
  heights.set(index, Number.NaN);
  const { first, count } = program.chains[index]!;
  const below = program.rules.slice(first, first + count).filter(isJump);
  const height = below.reduce((most, { chain }) => Math.max(most, heightOf(program, chain, heights) + 1), 0);
  heights.set(index, height);
  return height;
}

/** Sorts as the address does. */
const hex = (address: AddressWords) => address.map((word) => word.toString(16).padStart(8, "0")).join("");

const isJump = ({ target }: RuleRecord) => target === Target.Jump || target === Target.Goto;

const isIndex = (value: number, size: number) => Number.isInteger(value) && value >= 0 && value < size;

function refuse(field: string, expected: string, found: unknown): never {
  throw new SimulationError("INVALID_INPUT", `${field}: expected ${expected}, found ${found}`);
}
