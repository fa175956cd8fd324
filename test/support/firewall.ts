/** Random firewalls: chains and rules for the namespaces of a random network. */
import fc from "fast-check";
import { ADDRTYPE_BROADCAST, ADDRTYPE_LOCAL, Hook, MATCH_IPVS, RejectWith, Table, Target } from "../../assembly/abi/netfilter";
import { BRIDGE_NF_IPV4, DEVICE_ROUTE_LOCALNET } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { type Endpoint, ipText, type ProgramDraft } from "./program";
import { addChain, type ChainSpec, type RuleSpec } from "./rules";

/** Everything that a rule may choose is a number, which wraps around. */
export interface RulePlan {
  /** Which tests it has: a bit each, of `TESTS`. */
  readonly tests: number;
  readonly inverts: number;
  readonly target: number;
  readonly device: number;
  readonly endpoint: number;
  readonly to: number;
  readonly port: number;
  readonly salt: number;
}

export interface ChainPlan {
  readonly table: Table;
  readonly hook: number;
  readonly drops: boolean;
  readonly rules: readonly RulePlan[];
}

/** The chains of one namespace. */
export interface FirewallPlan {
  readonly namespace: number;
  readonly chains: readonly ChainPlan[];
  /** A user chain of each table, which rules jump to; the second is reached from the first. */
  readonly users: readonly (readonly RulePlan[])[];
  readonly bridgeNf: boolean;
  /** Its addresses lead to this endpoint, as published ports do. */
  readonly published: number | null;
  readonly routeLocalnet: boolean;
}

const HOOKS: Readonly<Record<Table, readonly Hook[]>> = {
  [Table.Raw]: [Hook.Prerouting, Hook.Output],
  [Table.Mangle]: [Hook.Prerouting, Hook.Input, Hook.Forward, Hook.Output, Hook.Postrouting],
  [Table.Nat]: [Hook.Prerouting, Hook.Input, Hook.Output, Hook.Postrouting],
  [Table.Filter]: [Hook.Input, Hook.Forward, Hook.Output],
};

const rare = (max: number) => fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(max) });

const rule: fc.Arbitrary<RulePlan> = fc.record({
  // Few tests at a time: a rule that asks for everything matches nothing.
  tests: fc.oneof(fc.constant(0), fc.nat(18).map((bit) => 1 << bit), fc.tuple(fc.nat(18), fc.nat(18)).map(([a, b]) => (1 << a) | (1 << b)), fc.nat(0x7ffff)),
  inverts: rare(MATCH_IPVS | (MATCH_IPVS - 1)),
  target: fc.nat(63),
  device: fc.nat(255),
  endpoint: fc.nat(63),
  to: fc.nat(63),
  port: fc.nat(63),
  salt: fc.nat(0xffff_ffff),
});

const rules = (most: number) =>
  fc.oneof({ weight: 5, arbitrary: fc.array(rule, { maxLength: 6 }) }, { weight: 1, arbitrary: fc.array(rule, { minLength: 9, maxLength: most }) });

const chain: fc.Arbitrary<ChainPlan> = fc.record({
  table: fc.constantFrom(Table.Nat, Table.Nat, Table.Filter, Table.Filter, Table.Raw, Table.Mangle),
  hook: fc.nat(4),
  drops: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  rules: rules(30),
});

const firewall: fc.Arbitrary<FirewallPlan> = fc.record({
  namespace: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(63) }),
  chains: fc.array(chain, { minLength: 1, maxLength: 8 }),
  users: fc.array(rules(20), { maxLength: 8 }),
  bridgeNf: fc.boolean(),
  published: fc.option(fc.nat(63), { freq: 2 }),
  routeLocalnet: fc.boolean(),
});

export const arbitraryFirewalls: fc.Arbitrary<readonly FirewallPlan[]> = fc.array(firewall, { minLength: 1, maxLength: 3 });

/** The last tests are those that the small build lacks. */
const SMALL = 0xffff;
const smaller = (rules: readonly RulePlan[]) => rules.map((rule) => ({ ...rule, tests: rule.tests & SMALL }));

export const smallFirewalls: fc.Arbitrary<readonly FirewallPlan[]> = arbitraryFirewalls.map((plans) =>
  plans.map((plan) => ({ ...plan, users: plan.users.map(smaller), chains: plan.chains.map((one) => ({ ...one, rules: smaller(one.rules) })) })),
);

/** Adds the chains of all plans; of two for one place the first counts. Returns the namespaces that have some. */
export function buildFirewalls(draft: ProgramDraft, plans: readonly FirewallPlan[], endpoints: readonly Endpoint[], roots: readonly number[]): ReadonlySet<number> {
  const filtered = new Set<number>();
  for (const plan of plans) {
    // Hosts more often than containers.
    const namespace = plan.namespace < 32 ? roots[plan.namespace % roots.length] : endpoints[plan.namespace % endpoints.length].namespace;
    if (filtered.has(namespace)) continue;
    filtered.add(namespace);
    buildFirewall(draft, namespace, plan, endpoints);
  }
  return filtered;
}

function buildFirewall(draft: ProgramDraft, namespace: number, plan: FirewallPlan, endpoints: readonly Endpoint[]): void {
  draft.namespaces[namespace] = { ...draft.namespaces[namespace], bridgeNf: plan.bridgeNf ? BRIDGE_NF_IPV4 : 0 };
  if (plan.routeLocalnet) {
    draft.devices.forEach((device, index) => {
      if (device.namespace === namespace) draft.devices[index] = { ...device, flags: device.flags | DEVICE_ROUTE_LOCALNET };
    });
  }
  const userChains = new Map<Table, number>();
  plan.users.forEach((list, index) => {
    const table: Table = index % 4;
    const below = userChains.get(table);
    userChains.set(table, addChain(draft, namespace, { table, rules: list.map((one) => specOf(draft, one, table, below, endpoints)) }));
  });
  const taken = new Set<string>();
  if (plan.published !== null) {
    taken.add(`${Table.Nat} ${Hook.Prerouting}`);
    addChain(draft, namespace, publishing(namespace, plan.published, endpoints));
  }
  for (const { table, hook: choice, drops, rules: list } of plan.chains) {
    const hook = HOOKS[table][choice % HOOKS[table].length];
    if (taken.has(`${table} ${hook}`)) continue;
    taken.add(`${table} ${hook}`);
    const policy = drops ? Target.Drop : Target.Accept;
    addChain(draft, namespace, { table, hook, policy, rules: list.map((one) => specOf(draft, one, table, userChains.get(table), endpoints)) });
  }
}

/** What is sent to an address of the namespace goes to one endpoint. */
function publishing(namespace: number, to: number, endpoints: readonly Endpoint[]): ChainSpec {
  const own = endpoints.filter((endpoint) => endpoint.namespace === namespace);
  const target = ipText(endpoints[to % endpoints.length].ip);
  return { table: Table.Nat, hook: Hook.Prerouting, rules: own.map(({ ip }) => ({ destination: `${ipText(ip)}/32`, target: Target.Dnat, to: target })) };
}

const PORTS = [80, 4789, 9000, 9001, [9000, 9001], 40_000, 40_001, [40_000, 40_003], [1, 65_535], 512] as const;
const MASKS = ["/32", "/24", "/16", "/8"] as const;
const PROTOCOLS = [PROTOCOL_UDP, PROTOCOL_TCP, PROTOCOL_ICMP] as const;

/** A bit of `RulePlan.tests` each. */
function testsOf(draft: ProgramDraft, plan: RulePlan, endpoints: readonly Endpoint[]): readonly Partial<RuleSpec>[] {
  const { device, endpoint, port, salt, to } = plan;
  const pick = (shift: number, modulus: number) => (salt >>> shift) % modulus;
  const network = (index: number) => `${ipText(endpoints[index % endpoints.length].ip)}${MASKS[pick(3, MASKS.length)]}`;
  const protocol = PROTOCOLS[pick(5, 3)];
  return [
    { in: device % draft.devices.length },
    { out: device % draft.devices.length },
    { source: network(endpoint) },
    { destination: network(to) },
    { protocol },
    { sourcePort: PORTS[port % PORTS.length] },
    { destinationPort: PORTS[port % PORTS.length] },
    { icmpType: [0, 3, 8, 11, 255][pick(7, 5)], ...(pick(9, 2) === 0 && { icmpCode: pick(10, 2) }) },
    { ctstate: pick(12, 128) },
    { sourceType: pick(1, 2) === 0 ? ADDRTYPE_LOCAL : pick(2, 16) },
    { destinationType: pick(1, 2) === 0 ? ADDRTYPE_LOCAL | ADDRTYPE_BROADCAST : pick(2, 16) },
    { mark: [pick(4, 4), 3] },
    { ctDestination: network(to) },
    { ctPort: PORTS[port % PORTS.length] },
    { ctDirection: pick(6, 2) },
    { tcpFlags: [pick(8, 64), pick(8, 64) & pick(14, 64)] },
    { ipvs: true },
    { sealed: pick(2, 2) === 0 ? "in" : "out" },
    { word: [[0, 4, 12, 40][pick(3, 4)], 0xff << (8 * pick(5, 3)), (pick(7, 3) === 0 ? salt & 255 : 80) << (8 * pick(5, 3))] },
  ];
}

function specOf(draft: ProgramDraft, plan: RulePlan, table: Table, jump: number | undefined, endpoints: readonly Endpoint[]): RuleSpec {
  const tests = testsOf(draft, plan, endpoints).filter((_, bit) => (plan.tests & (1 << bit)) !== 0);
  return { ...Object.assign({}, ...tests), not: plan.inverts, ...targetOf(plan, table, jump, endpoints) };
}

const ANY_TARGETS = [Target.None, Target.Accept, Target.Return, Target.Mark, Target.Jump, Target.Goto, Target.Drop, Target.Reject] as const;
const NAT_TARGETS = [Target.Dnat, Target.Dnat, Target.Snat, Target.Masquerade, Target.Masquerade, Target.Redirect] as const;

function targetOf({ target: choice, to, port, salt }: RulePlan, table: Table, jump: number | undefined, endpoints: readonly Endpoint[]): Partial<RuleSpec> {
  const target = table === Table.Nat && choice % 4 !== 0 ? NAT_TARGETS[(choice >>> 2) % NAT_TARGETS.length] : ANY_TARGETS[(choice >>> 2) % ANY_TARGETS.length];
  if (target === Target.Jump || target === Target.Goto) return jump === undefined ? { target: table === Table.Raw ? Target.NoTrack : Target.Accept } : { target, chain: jump };
  if (target === Target.Reject) return { target, rejectWith: (salt % 8) as RejectWith };
  if (target === Target.Mark) return { target, setMark: [salt % 4, (salt >>> 2) % 4] };
  const toPorts = salt % 3 === 0 ? PORTS[port % PORTS.length] : undefined;
  if (target === Target.Masquerade || target === Target.Redirect) return { target, toPorts };
  if (target !== Target.Dnat && target !== Target.Snat) return { target };
  const [a, b] = [endpoints[to % endpoints.length].ip, endpoints[(to + (salt % 3)) % endpoints.length].ip];
  const address = salt % 5 === 0 ? undefined : salt % 7 === 0 ? ([ipText(Math.min(a, b)), ipText(Math.max(a, b))] as const) : salt % 11 === 0 ? "127.0.0.1" : ipText(a);
  return { target, to: address, toPorts: address === undefined ? (toPorts ?? 80) : toPorts };
}
