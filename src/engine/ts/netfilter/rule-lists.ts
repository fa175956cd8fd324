import {
  MATCH_DESTINATION,
  MATCH_DESTINATION_PORT,
  MATCH_IN,
  MATCH_OUT,
  MATCH_PROTOCOL,
  MATCH_SOURCE,
} from "../../../../assembly/abi/netfilter";
import type { Rule } from "./rule";
import type { PacketView } from "./view";

/** Chains up to this long are faster asked rule by rule. */
const SHORT_CHAIN = 8;
/** Lists that one packet may have to look at: one per kind of test, and the rules without any. */
export const LISTS_MAX = 7;

/** A test for one exact value by which rules can be found. */
interface Kind {
  readonly match: number;
  valueOf(rule: Rule): number | null;
  ask(view: PacketView): number | null;
}

/** The most selective first: a rule is filed under the first kind that it tests. */
const KINDS: readonly Kind[] = [
  {
    match: MATCH_DESTINATION,
    valueOf: ({ destination }) => destination.single,
    ask: (view) => view.destination,
  },
  { match: MATCH_SOURCE, valueOf: ({ source }) => source.single, ask: (view) => view.source },
  {
    match: MATCH_DESTINATION_PORT,
    valueOf: ({ record }) => (record.destinationPortFrom === record.destinationPortTo ? record.destinationPortFrom : null),
    ask: (view) => (view.hasPorts ? view.destinationPort : null),
  },
  { match: MATCH_IN, valueOf: (rule) => rule.in, ask: (view) => view.in },
  { match: MATCH_OUT, valueOf: (rule) => rule.out, ask: (view) => view.out },
  { match: MATCH_PROTOCOL, valueOf: ({ record }) => record.protocol, ask: (view) => view.protocol },
];

/** The positions of one chain's rules, filed so that a packet meets those that can match, in order. */
export class RuleLists {
  /** Rules that have to be asked about every packet: all of them in a short chain. */
  private readonly always: Int32Array;
  private readonly kinds: { readonly kind: Kind; readonly byValue: ReadonlyMap<number, Int32Array> }[] = [];

  constructor(rules: readonly Rule[]) {
    const always: number[] = [];
    const filed = KINDS.map(() => new Map<number, number[]>());
    rules.forEach((rule, position) => {
      const place = rules.length <= SHORT_CHAIN ? -1 : KINDS.findIndex((kind) => filedValue(kind, rule) !== null);
      const value = place < 0 ? null : filedValue(KINDS[place], rule);
      if (value === null) {
        always.push(position);
        return;
      }
      const known = filed[place].get(value);
      if (known === undefined) filed[place].set(value, [position]);
      else known.push(position);
    });
    this.always = Int32Array.from(always);
    filed.forEach((lists, place) => {
      if (lists.size === 0) return;
      const byValue = new Map([...lists].map(([value, positions]) => [value, Int32Array.from(positions)] as const));
      this.kinds.push({ kind: KINDS[place], byValue });
    });
  }

  /** Puts the lists that matter to a packet into `found`; returns how many. */
  select(view: PacketView, found: Int32Array[]): number {
    let count = 0;
    if (this.always.length > 0) found[count++] = this.always;
    const { kinds } = this;
    for (let i = 0; i < kinds.length; i++) {
      const value = kinds[i].kind.ask(view);
      const list = value === null ? undefined : kinds[i].byValue.get(value);
      if (list !== undefined) found[count++] = list;
    }
    return count;
  }
}

/** The value under which a rule can be filed; null if it does not test for exactly one. */
function filedValue(kind: Kind, rule: Rule): number | null {
  const { matches, inverts } = rule.record;
  return (matches & kind.match) !== 0 && (inverts & kind.match) === 0 ? kind.valueOf(rule) : null;
}
