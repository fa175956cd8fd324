/**
 * Chains and rules. Key: index; a stack finds its built-in chains by hook and table. Capacity: `capacity.chains` and
 * `capacity.rules`. They may be loaded again while packets wait: then verdicts that were remembered are forgotten.
 */
import { RULE_COUNTER_SIZE } from "../abi/counter";
import { CAPACITY_CHAINS, CAPACITY_NAMESPACES, CAPACITY_RULES, Section } from "../abi/image";
import {
  CHAIN_COUNT,
  CHAIN_FAMILY,
  CHAIN_FIRST,
  CHAIN_HOOK,
  CHAIN_NAMESPACE,
  CHAIN_POLICY,
  CHAIN_SIZE,
  CHAIN_TABLE,
  Family,
  Hook,
  MATCH_CT_DIRECTION,
  MATCH_CT_ORIGINAL_DESTINATION,
  MATCH_CT_ORIGINAL_PORT,
  MATCH_CTSTATE,
  MATCH_POLICY,
  MATCH_TCP_FLAGS,
  MATCH_WORD,
  RULE_MATCHES,
  RULE_SIZE,
  RULE_TARGET,
  Table,
  Target,
} from "../abi/netfilter";
import { BRIDGE_NF_IPV4, BRIDGE_NF_IPV6, DeviceKind, NAMESPACE_BRIDGE_NF, NAMESPACE_SIZE } from "../abi/program";
import { NONE } from "../abi/version";
import { reserve } from "../memory/arena";
import { capacity, record, recordCount } from "../memory/image";
import { buildClassifier, reserveClassifiers, startClassifiers } from "./classifier";
import { Device, DEVICE_FILTERED, DEVICE_FILTERED6, deviceAt, deviceCount } from "./device";
import { ipv6Of, Namespace, namespaceAt, namespaceCount, stackAt, stackOf } from "./namespace";
import { followServices } from "./ipvs-connection";
import { forgetPaths, settlePaths } from "./path";
import { fillServices, serviceAt, serviceCount } from "./virtual-service";

@unmanaged
export class Chain {
  index: u32;
  policy: Target;
  /** Address of its first rule; they follow each other. */
  first: usize;
  end: usize;
  /** Address of its classifier, or 0: its rules are tried one by one. */
  classifier: usize;
}

/**
 * What the packets of a namespace meet (`Namespace.filter`). The lowest bits say for which hook and table there is a chain.
 */
export const TRACKS: u32 = 1 << 20;
export const TRANSLATES: u32 = 1 << 21;
/** A rule looks at TCP flags: what it says of one segment does not hold for the next. */
export const READS_TCP_FLAGS: u32 = 1 << 22;
export const FILTERS: u32 = 1 << 23;
/** It has virtual services of IPVS. */
export const BALANCES: u32 = 1 << 29;
/** The hook is visited; the one of hook h is h bits further left. */
const VISITS_SHIFT: u32 = 24;
export const VISITS_PREROUTING: u32 = 1 << (VISITS_SHIFT + Hook.Prerouting);
export const VISITS_INPUT: u32 = 1 << (VISITS_SHIFT + Hook.Input);
export const VISITS_FORWARD: u32 = 1 << (VISITS_SHIFT + Hook.Forward);
export const VISITS_OUTPUT: u32 = 1 << (VISITS_SHIFT + Hook.Output);
export const VISITS_POSTROUTING: u32 = 1 << (VISITS_SHIFT + Hook.Postrouting);

/** A rule looks at bytes of the packet, or at what IPsec does to it. */
export const READS_PACKETS: u32 = 1 << 30;

const HOOKS: usize = 5;
const TABLES: usize = 4;
const CHAIN_BYTES: usize = 32;
/** A word per hook and table: the address of the chain, or 0. */
const ENTRY_POINTS: usize = HOOKS * TABLES * 4;

let chains: usize = 0;
let rules: usize = 0;
let ruleCount: u32 = 0;
/** RULE_COUNTER_SIZE bytes per rule. */
let counters: usize = 0;
let entryPoints: usize = 0;

export function reserveRuleset(): void {
  if (offsetof<Chain>() > CHAIN_BYTES) ERROR("Chain outgrew its stride");
  chains = reserve(capacity(CAPACITY_CHAINS), CHAIN_BYTES);
  rules = reserve(capacity(CAPACITY_RULES), RULE_SIZE);
  counters = reserve(capacity(CAPACITY_RULES), RULE_COUNTER_SIZE);
  entryPoints = reserve(2 * <u64>capacity(CAPACITY_NAMESPACES), ENTRY_POINTS);
  reserveClassifiers(capacity(CAPACITY_CHAINS), capacity(CAPACITY_RULES));
}

@inline export function chainAt(index: u32): Chain {
  return changetype<Chain>(chains + <usize>index * CHAIN_BYTES);
}

/** Address of a rule, which lies as the image has it. */
@inline export function ruleAt(index: u32): usize {
  return rules + <usize>index * RULE_SIZE;
}

@inline export function ruleIndex(rule: usize): u32 {
  return <u32>((rule - rules) / RULE_SIZE);
}

/** The bit that says whether a namespace has a chain there. */
@inline export function chainBit(hook: Hook, table: Table): u32 {
  return <u32>1 << (<u32>hook * <u32>TABLES + <u32>table);
}

@inline function entryPoint(stack: u32, hook: Hook, table: Table): usize {
  return entryPoints + <usize>stack * ENTRY_POINTS + ((<usize>hook * TABLES + table) << 2);
}

/** The built-in chain; there is one. */
@inline export function builtInChain(stack: u32, hook: Hook, table: Table): Chain {
  return changetype<Chain>(<usize>load<u32>(entryPoint(stack, hook, table)));
}

/** Counts a packet of a rule. */
@inline export function countRule(rule: usize, packets: f64): void {
  const at = counters + <usize>ruleIndex(rule) * RULE_COUNTER_SIZE;
  store<f64>(at, load<f64>(at) + packets);
}

/** Brings the counters up to date, and tells where they are. */
export function ruleCounters(): usize {
  settlePaths();
  return counters;
}

/** Reads chains and rules from the image; their counters begin at zero. */
export function fillRuleset(): void {
  ruleCount = recordCount(Section.Rules);
  memory.copy(rules, record(Section.Rules, 0, RULE_SIZE), <usize>ruleCount * RULE_SIZE);
  memory.fill(counters, 0, <usize>ruleCount * RULE_COUNTER_SIZE);
  memory.fill(entryPoints, 0, <usize>namespaceCount * 2 * ENTRY_POINTS);
  const stacks = namespaceCount << 1;
  for (let key: u32 = 0; key < stacks; key++) stackAt(key).filter = 0;
  forgetPaths();
  startClassifiers();
  const count = recordCount(Section.Chains);
  for (let index: u32 = 0; index < count; index++) fillChain(index, record(Section.Chains, index, CHAIN_SIZE));
  if (MANY_HOSTS != 0) chooseBalancers();
  for (let key: u32 = 0; key < stacks; key++) chooseHooks(stackAt(key));
  for (let index: u32 = 0; index < deviceCount; index++) chooseFrames(deviceAt(index));
}

/** Namespaces with virtual services track connections, and look at what they forward. */
function chooseBalancers(): void {
  fillServices();
  followServices();
  for (let index: u32 = 0; index < serviceCount; index++) {
    const namespace = namespaceAt(serviceAt(index).namespace);
    namespace.filter |= BALANCES | TRACKS | VISITS_FORWARD;
  }
}

/** Whether iptables sees the frames of a bridge. */
function chooseFrames(device: Device): void {
  if (device.kind != DeviceKind.Bridge) return;
  const bridgeNf = load<u32>(record(Section.Namespaces, device.namespace.index, NAMESPACE_SIZE), NAMESPACE_BRIDGE_NF);
  device.flags &= ~(DEVICE_FILTERED | DEVICE_FILTERED6);
  if (bridgeNf & BRIDGE_NF_IPV4 && device.namespace.filter & FILTERS) device.flags |= DEVICE_FILTERED;
  if (bridgeNf & BRIDGE_NF_IPV6 && ipv6Of(device.namespace).filter & FILTERS) device.flags |= DEVICE_FILTERED6;
}

function fillChain(index: u32, from: usize): void {
  const chain = chainAt(index);
  chain.index = index;
  chain.policy = load<u32>(from, CHAIN_POLICY);
  chain.first = ruleAt(load<u32>(from, CHAIN_FIRST));
  chain.end = chain.first + <usize>load<u32>(from, CHAIN_COUNT) * RULE_SIZE;
  chain.classifier = buildClassifier(index, chain.first, chain.end);
  const namespace = stackOf(namespaceAt(load<u32>(from, CHAIN_NAMESPACE)), load<u32>(from, CHAIN_FAMILY) == Family.Ipv6);
  namespace.filter |= FILTERS | needsOf(chain);
  const hook = load<u32>(from, CHAIN_HOOK);
  if (hook == NONE) return;
  const table = load<u32>(from, CHAIN_TABLE);
  store<u32>(entryPoint(namespace.key, hook, table), <u32>changetype<usize>(chain));
  namespace.filter |= chainBit(hook, table);
  if (table == Table.Nat) namespace.filter |= TRACKS | TRANSLATES;
}

/** What the rules of a chain ask of its namespace. */
function needsOf(chain: Chain): u32 {
  const tracked = MATCH_CTSTATE | MATCH_CT_ORIGINAL_DESTINATION | MATCH_CT_ORIGINAL_PORT | MATCH_CT_DIRECTION;
  let needs: u32 = 0;
  for (let rule = chain.first; rule < chain.end; rule += RULE_SIZE) {
    const tests = load<u32>(rule, RULE_MATCHES);
    if (tests & tracked || load<u32>(rule, RULE_TARGET) == Target.NoTrack) needs |= TRACKS;
    if (tests & MATCH_TCP_FLAGS) needs |= READS_TCP_FLAGS;
    if (MANY_HOSTS && tests & (MATCH_POLICY | MATCH_WORD)) needs |= READS_PACKETS;
  }
  return needs;
}

function chooseHooks(namespace: Namespace): void {
  const tables: u32 = (1 << <u32>TABLES) - 1;
  for (let hook: u32 = 0; hook < <u32>HOOKS; hook++) {
    const hasChain = ((namespace.filter >> (hook * <u32>TABLES)) & tables) != 0;
    const tracks = (namespace.filter & TRACKS) != 0 && hook != Hook.Forward;
    if (hasChain || tracks) namespace.filter |= 1 << (VISITS_SHIFT + hook);
  }
}
