/** Random rule sets that iptables takes and that leave nothing to the kernel's chance. */
import * as abi from "../../assembly/abi/netfilter";
import { Hook, RejectWith, Table, Target } from "../../assembly/abi/netfilter";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { type ChainSpec, MATCHES, type RuleSpec } from "./rules";

/** Numbers by chance, the same for the same seed. */
export class Dice {
  constructor(private state: number) {}

  /** 0 … sides - 1. */
  roll(sides: number): number {
    // Numerical Recipes' generator; its high bits are the good ones.
    this.state = (Math.imul(this.state, 1664525) + 1013904223) | 0;
    return Math.floor(((this.state >>> 0) / 4294967296) * sides);
  }

  /** True once in `sides` times. */
  once(sides: number): boolean {
    return this.roll(sides) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.roll(from.length)];
  }
}

/** What rules may speak of. */
export interface Places {
  readonly devices: readonly number[];
  readonly clients: readonly string[];
  readonly servers: readonly string[];
  readonly own: readonly string[];
  readonly isBridge: boolean;
}

const PORTS = [80, 8080, 8081, 7];
const HOOKS: Readonly<Record<Table, readonly Hook[]>> = {
  [Table.Raw]: [Hook.Prerouting, Hook.Output],
  [Table.Mangle]: [Hook.Prerouting, Hook.Input, Hook.Forward, Hook.Output, Hook.Postrouting],
  [Table.Nat]: [Hook.Prerouting, Hook.Output, Hook.Postrouting, Hook.Input],
  [Table.Filter]: [Hook.Input, Hook.Forward, Hook.Output],
};
const REJECTIONS: readonly RejectWith[] = Object.values(RejectWith).filter((value) => typeof value === "number");
const HAS_IN = [Hook.Prerouting, Hook.Input, Hook.Forward];
const HAS_OUT = [Hook.Forward, Hook.Output, Hook.Postrouting];

export function randomChains(dice: Dice, places: Places): ChainSpec[] {
  const chains: ChainSpec[] = [];
  const tables = [Table.Filter, Table.Nat, Table.Nat, Table.Mangle, Table.Raw].filter(() => !dice.once(3));
  for (const table of new Set(tables)) {
    const users = Array.from({ length: dice.roll(3) }, (_, index) => {
      const reachable = chains.flatMap((chain, i) => (chain.table === table && index > 0 ? [i] : []));
      const rules = randomRules(dice, places, table, undefined, reachable);
      return chains.push({ table, rules }) - 1;
    });
    for (const hook of HOOKS[table]) {
      if (dice.once(3)) continue;
      const policy = table === Table.Filter && dice.once(8) ? Target.Drop : Target.Accept;
      chains.push({ table, hook, policy, rules: randomRules(dice, places, table, hook, users) });
    }
  }
  return chains;
}

function randomRules(dice: Dice, places: Places, table: Table, hook: Hook | undefined, users: readonly number[]): RuleSpec[] {
  const count = dice.once(4) ? 9 + dice.roll(12) : dice.roll(5);
  return Array.from({ length: count }, () => randomRule(dice, places, table, hook, users));
}

function randomRule(dice: Dice, places: Places, table: Table, hook: Hook | undefined, users: readonly number[]): RuleSpec {
  const target = randomTarget(dice, places, table, hook, users);
  const needsTcp = target.rejectWith === RejectWith.TcpReset;
  const needsPorts = target.toPorts !== undefined;
  const tests = randomTests(dice, places, hook, needsTcp, needsPorts);
  const bits = Object.keys(tests).flatMap((field) => (field === "ctDirection" ? [] : (MATCHES[field as keyof RuleSpec] ?? [])));
  let not = 0;
  for (const bit of bits) if (dice.once(5)) not |= bit;
  // Ports want their protocol.
  if (tests.sourcePort !== undefined || tests.destinationPort !== undefined || tests.tcpFlags !== undefined || tests.icmpType !== undefined || needsTcp || needsPorts) {
    not &= ~abi.MATCH_PROTOCOL;
  }
  return { ...tests, ...target, not };
}

function randomTests(dice: Dice, { devices, clients, servers, own }: Places, hook: Hook | undefined, needsTcp: boolean, needsPorts: boolean): RuleSpec {
  const network = (address: string) => dice.pick([address, `${address}/32`, address.replace(/\d+$/, "0/24"), "10.0.0.0/8"]);
  const addresses = [...clients, ...servers, ...own];
  const protocol = needsTcp ? PROTOCOL_TCP : needsPorts ? dice.pick([PROTOCOL_TCP, PROTOCOL_UDP]) : dice.pick([PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP]);
  const asksPorts = protocol !== PROTOCOL_ICMP && dice.once(2);
  const port = () => (dice.once(4) ? ([7, 90] as const) : dice.pick(PORTS));
  const found: Record<string, unknown> = {};
  const maybe = (sides: number, field: keyof RuleSpec, value: () => unknown) => {
    if (dice.once(sides)) found[field] = value();
  };
  if (hook === undefined || HAS_IN.includes(hook)) maybe(hook === undefined ? 1000 : 4, "in", () => dice.pick(devices));
  if (hook !== undefined && HAS_OUT.includes(hook)) maybe(4, "out", () => dice.pick(devices));
  maybe(4, "source", () => network(dice.pick(addresses)));
  maybe(4, "destination", () => network(dice.pick(addresses)));
  if (asksPorts || needsTcp || needsPorts || dice.once(3)) found.protocol = protocol;
  if (asksPorts) found[dice.once(3) ? "sourcePort" : "destinationPort"] = port();
  if (found.protocol === PROTOCOL_TCP) maybe(5, "tcpFlags", () => dice.pick([[2, 2], [23, 2], [4, 4], [16, 0]]));
  if (found.protocol === PROTOCOL_ICMP) maybe(3, "icmpType", () => dice.pick([8, 0, 3, 11]));
  maybe(6, "ctstate", () => dice.pick([1, 2, 4, 8, 6, 16, 32, 64, 9]));
  maybe(8, "destinationType", () => dice.pick([abi.ADDRTYPE_LOCAL, abi.ADDRTYPE_UNICAST, abi.ADDRTYPE_LOCAL | abi.ADDRTYPE_BROADCAST]));
  maybe(10, "sourceType", () => dice.pick([abi.ADDRTYPE_LOCAL, abi.ADDRTYPE_UNICAST]));
  maybe(8, "mark", () => [dice.roll(4), 3]);
  maybe(12, "ctDestination", () => network(dice.pick(addresses)));
  // One number: iptables writes a range with the state in one match, and then the kernel asks both alike.
  maybe(12, "ctPort", () => dice.pick(PORTS));
  maybe(12, "ctDirection", () => dice.roll(2));
  return found as RuleSpec;
}

function randomTarget(dice: Dice, places: Places, table: Table, hook: Hook | undefined, users: readonly number[]): RuleSpec {
  if (users.length > 0 && dice.once(2)) return { target: dice.once(4) ? Target.Goto : Target.Jump, chain: dice.pick(users) };
  const usual = [Target.None, Target.Accept, Target.Return, Target.Mark];
  switch (table) {
    case Table.Raw:
      return simple(dice, [...usual, Target.NoTrack]);
    case Table.Mangle:
      return simple(dice, [...usual, Target.Mark, ...(dice.once(4) ? [Target.Drop] : [])]);
    case Table.Filter: {
      // The kernel sends resets about bridged segments past its own stack; the simulator routes them.
      const rejections = places.isBridge ? REJECTIONS.filter((how) => how !== RejectWith.TcpReset) : REJECTIONS;
      if (dice.once(5)) return { target: Target.Reject, rejectWith: dice.pick(rejections) };
      return simple(dice, [...usual, Target.Drop]);
    }
    case Table.Nat:
      return natTarget(dice, places, hook);
  }
}

function simple(dice: Dice, targets: readonly Target[]): RuleSpec {
  const target = dice.pick(targets);
  return target === Target.Mark ? { target, setMark: [dice.roll(4), 3] } : { target };
}

function natTarget(dice: Dice, { servers, own, clients }: Places, hook: Hook | undefined): RuleSpec {
  if (hook === undefined || dice.once(5)) return simple(dice, [Target.Accept, Target.Return, Target.None]);
  if (hook === Hook.Prerouting || hook === Hook.Output) {
    if (dice.once(5)) return dice.once(2) ? { target: Target.Redirect } : { target: Target.Redirect, toPorts: dice.pick(PORTS) };
    const to = dice.pick([...servers, ...servers, ...servers, ...own, ...clients]);
    return dice.once(2) ? { target: Target.Dnat, to } : { target: Target.Dnat, to, toPorts: dice.pick(PORTS) };
  }
  if (hook === Hook.Postrouting && dice.once(2)) return { target: Target.Masquerade };
  return { target: Target.Snat, to: dice.pick([...own, "10.9.9.9"]) };
}
