import type { PortRange } from "../../model/firewall/rule";

const LAST_PORT = 65535;

/** Ports as ranges that neither overlap nor touch, in order. */
export type PortSet = readonly PortRange[];

export const EVERY_PORT: PortSet = [{ from: 0, to: LAST_PORT }];

/** The ports that are in any of the ranges. */
export function portSet(ranges: readonly PortRange[]): PortSet {
  const sorted = [...ranges].sort((a, b) => a.from - b.from);
  const merged: PortRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last && range.from <= last.to + 1) merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    else merged.push(range);
  }
  return merged;
}

/** The ports that are not in the set. */
export function otherPorts(set: PortSet): PortSet {
  const gaps: PortRange[] = [];
  let next = 0;
  for (const { from, to } of set) {
    if (from > next) gaps.push({ from: next, to: from - 1 });
    next = to + 1;
  }
  if (next <= LAST_PORT) gaps.push({ from: next, to: LAST_PORT });
  return gaps;
}

/** The ports that are in both sets. */
export function commonPorts(a: PortSet, b: PortSet): PortSet {
  const both = (one: PortRange) => b.map((other) => ({ from: Math.max(one.from, other.from), to: Math.min(one.to, other.to) }));
  return a.flatMap(both).filter(({ from, to }) => from <= to);
}
