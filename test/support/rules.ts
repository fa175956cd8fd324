/** Firewall rules for tests, written once: as records for the engines and as arguments for iptables. */
import * as abi from "../../assembly/abi/netfilter";
import { Family, Hook, RejectWith, Table, Target } from "../../assembly/abi/netfilter";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import type { AddressWords, RuleRecord } from "../../src/engine/program";
import { ip, type ProgramDraft } from "./program";

/** What a rule tests and does. A number for a port is a range of one. */
export interface RuleSpec {
  readonly in?: number;
  readonly out?: number;
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  readonly sourcePort?: number | readonly [number, number];
  readonly destinationPort?: number | readonly [number, number];
  readonly icmpType?: number;
  readonly icmpCode?: number;
  /** CTSTATE_ bits. */
  readonly ctstate?: number;
  readonly sourceType?: number;
  readonly destinationType?: number;
  readonly mark?: readonly [value: number, mask: number];
  readonly ctDestination?: string;
  readonly ctPort?: number | readonly [number, number];
  readonly ctDirection?: number;
  readonly tcpFlags?: readonly [mask: number, value: number];
  readonly ipvs?: true;
  /** `-m policy --pol ipsec`. */
  readonly sealed?: "in" | "out";
  /** `-m u32`: value of a word behind the IP header. */
  readonly word?: readonly [offset: number, mask: number, value: number];
  /** MATCH_ bits of the tests that are negated. */
  readonly not?: number;
  readonly target?: Target;
  /** Chain index of Jump and Goto. */
  readonly chain?: number;
  readonly rejectWith?: RejectWith;
  /** Dnat and Snat: first and last address. */
  readonly to?: string | readonly [string, string];
  readonly toPorts?: number | readonly [number, number];
  readonly setMark?: readonly [value: number, mask: number];
}

export interface ChainSpec {
  readonly table: Table;
  /** None: a user chain. */
  readonly hook?: Hook;
  readonly policy?: Target.Accept | Target.Drop;
  readonly rules: readonly RuleSpec[];
}

/** Which field of a specification is which test. */
export const MATCHES: Readonly<Partial<Record<keyof RuleSpec, number>>> = {
  in: abi.MATCH_IN,
  out: abi.MATCH_OUT,
  source: abi.MATCH_SOURCE,
  destination: abi.MATCH_DESTINATION,
  protocol: abi.MATCH_PROTOCOL,
  sourcePort: abi.MATCH_SOURCE_PORT,
  destinationPort: abi.MATCH_DESTINATION_PORT,
  icmpType: abi.MATCH_ICMP_TYPE,
  ctstate: abi.MATCH_CTSTATE,
  sourceType: abi.MATCH_SOURCE_TYPE,
  destinationType: abi.MATCH_DESTINATION_TYPE,
  mark: abi.MATCH_MARK,
  ctDestination: abi.MATCH_CT_ORIGINAL_DESTINATION,
  ctPort: abi.MATCH_CT_ORIGINAL_PORT,
  ctDirection: abi.MATCH_CT_DIRECTION,
  tcpFlags: abi.MATCH_TCP_FLAGS,
  ipvs: abi.MATCH_IPVS,
  sealed: abi.MATCH_POLICY,
  word: abi.MATCH_WORD,
};

/** Adds a chain with its rules; returns its index. Chains that a rule jumps to come before it. */
export function addChain(draft: ProgramDraft, namespace: number, { table, hook, policy, rules }: ChainSpec): number {
  const first = draft.rules.length;
  for (const rule of rules) draft.rules.push(ruleRecord(rule));
  return (
    draft.chains.push({
      namespace,
      family: Family.Ipv4,
      table,
      hook: hook ?? NONE,
      policy: policy ?? Target.Accept,
      first,
      count: rules.length,
    }) - 1
  );
}

export function ruleRecord(rule: RuleSpec): RuleRecord {
  const [source, sourceMask] = network(rule.source);
  const [destination, destinationMask] = network(rule.destination);
  const [ctDestination, ctDestinationMask] = network(rule.ctDestination);
  const [sourcePortFrom, sourcePortTo] = range(rule.sourcePort);
  const [destinationPortFrom, destinationPortTo] = range(rule.destinationPort);
  const [ctPortFrom, ctPortTo] = range(rule.ctPort);
  const [natPortFrom, natPortTo] = range(rule.toPorts);
  const [natFrom, natTo] = typeof rule.to === "string" ? [rule.to, rule.to] : (rule.to ?? ["0.0.0.0", "0.0.0.0"]);
  let matches = 0;
  for (const [field, bit] of Object.entries(MATCHES)) if (rule[field as keyof RuleSpec] !== undefined) matches |= bit;
  return {
    matches,
    inverts: rule.not ?? 0,
    in: rule.in ?? 0,
    out: rule.out ?? 0,
    source: words(source),
    sourceMask: words(sourceMask),
    destination: words(destination),
    destinationMask: words(destinationMask),
    protocol: rule.protocol ?? 0,
    sourcePortFrom,
    sourcePortTo,
    destinationPortFrom,
    destinationPortTo,
    icmpType: rule.icmpType ?? 0,
    icmpCode: rule.icmpCode ?? NONE,
    ctstate: rule.ctstate ?? 0,
    sourceType: rule.sourceType ?? 0,
    destinationType: rule.destinationType ?? 0,
    mark: rule.mark?.[0] ?? 0,
    markMask: rule.mark?.[1] ?? 0,
    ctDestination: words(ctDestination),
    ctDestinationMask: words(ctDestinationMask),
    ctPortFrom,
    ctPortTo,
    ctDirection: rule.ctDirection ?? 0,
    tcpFlagsMask: rule.tcpFlags?.[0] ?? 0,
    tcpFlags: rule.tcpFlags?.[1] ?? 0,
    policyDirection: rule.sealed === "out" ? 1 : 0,
    wordOffset: rule.word?.[0] ?? 0,
    wordMask: rule.word?.[1] ?? 0,
    word: rule.word?.[2] ?? 0,
    target: rule.target ?? Target.None,
    chain: rule.chain ?? NONE,
    rejectWith: rule.rejectWith ?? RejectWith.PortUnreachable,
    natFrom: words(ip(natFrom)),
    natTo: words(ip(natTo)),
    natPortFrom,
    natPortTo,
    setMark: rule.setMark?.[0] ?? 0,
    setMarkMask: rule.setMark?.[1] ?? 0,
  };
}

function words(first: number): AddressWords {
  return [first >>> 0, 0, 0, 0];
}

/** "172.17.0.0/16" as network and mask. */
function network(text = "0.0.0.0/0"): [address: number, mask: number] {
  const [address = "", length = "32"] = text.split("/");
  const mask = length === "0" ? 0 : (-1 << (32 - Number(length))) >>> 0;
  return [(ip(address) & mask) >>> 0, mask];
}

function range(value: number | readonly [number, number] | undefined): readonly [number, number] {
  if (value === undefined) return [0, 0];
  return typeof value === "number" ? [value, value] : value;
}

const PROTOCOL_NAMES: Readonly<Record<number, string>> = { [PROTOCOL_ICMP]: "icmp", [PROTOCOL_TCP]: "tcp", [PROTOCOL_UDP]: "udp" };

const REJECTIONS: Readonly<Record<RejectWith, string>> = {
  [RejectWith.PortUnreachable]: "icmp-port-unreachable",
  [RejectWith.NetUnreachable]: "icmp-net-unreachable",
  [RejectWith.HostUnreachable]: "icmp-host-unreachable",
  [RejectWith.ProtocolUnreachable]: "icmp-proto-unreachable",
  [RejectWith.AdminProhibited]: "icmp-admin-prohibited",
  [RejectWith.TcpReset]: "tcp-reset",
  [RejectWith.NetProhibited]: "icmp-net-prohibited",
  [RejectWith.HostProhibited]: "icmp-host-prohibited",
};

const STATE_NAMES = [
  [abi.CTSTATE_INVALID, "INVALID"],
  [abi.CTSTATE_ESTABLISHED, "ESTABLISHED"],
  [abi.CTSTATE_RELATED, "RELATED"],
  [abi.CTSTATE_NEW, "NEW"],
  [abi.CTSTATE_SNAT, "SNAT"],
  [abi.CTSTATE_DNAT, "DNAT"],
  [abi.CTSTATE_UNTRACKED, "UNTRACKED"],
] as const;

const TYPE_NAMES = [
  [abi.ADDRTYPE_UNICAST, "UNICAST"],
  [abi.ADDRTYPE_LOCAL, "LOCAL"],
  [abi.ADDRTYPE_BROADCAST, "BROADCAST"],
  [abi.ADDRTYPE_MULTICAST, "MULTICAST"],
] as const;

const FLAG_NAMES = [
  [1, "FIN"],
  [2, "SYN"],
  [4, "RST"],
  [8, "PSH"],
  [16, "ACK"],
  [32, "URG"],
] as const;

function names(bits: number, known: readonly (readonly [number, string])[]): string {
  const found = known.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);
  return found.length === 0 ? "NONE" : found.join(",");
}

const span = (value: number | readonly [number, number], separator: string): string =>
  typeof value === "number" ? String(value) : value.join(separator);

/** The rule as iptables takes it, without the chain that it is in. */
export function iptablesArguments(rule: RuleSpec, deviceName: (device: number) => string, chainName: (chain: number) => string): string[] {
  const { not = 0 } = rule;
  const found: string[] = [];
  const test = (bit: number, option: string, ...values: string[]) => found.push(...((not & bit) !== 0 ? ["!"] : []), option, ...values);
  if (rule.in !== undefined) test(abi.MATCH_IN, "-i", deviceName(rule.in));
  if (rule.out !== undefined) test(abi.MATCH_OUT, "-o", deviceName(rule.out));
  if (rule.source !== undefined) test(abi.MATCH_SOURCE, "-s", rule.source);
  if (rule.destination !== undefined) test(abi.MATCH_DESTINATION, "-d", rule.destination);
  if (rule.protocol !== undefined) test(abi.MATCH_PROTOCOL, "-p", PROTOCOL_NAMES[rule.protocol] ?? String(rule.protocol));
  if (rule.sourcePort !== undefined) test(abi.MATCH_SOURCE_PORT, "--sport", span(rule.sourcePort, ":"));
  if (rule.destinationPort !== undefined) test(abi.MATCH_DESTINATION_PORT, "--dport", span(rule.destinationPort, ":"));
  if (rule.tcpFlags !== undefined) test(abi.MATCH_TCP_FLAGS, "--tcp-flags", names(rule.tcpFlags[0], FLAG_NAMES), names(rule.tcpFlags[1], FLAG_NAMES));
  if (rule.icmpType !== undefined) {
    const code = rule.icmpCode === undefined || rule.icmpCode === NONE ? "" : `/${rule.icmpCode}`;
    test(abi.MATCH_ICMP_TYPE, "--icmp-type", `${rule.icmpType}${code}`);
  }
  if (rule.sourceType !== undefined || rule.destinationType !== undefined) found.push("-m", "addrtype");
  if (rule.sourceType !== undefined) test(abi.MATCH_SOURCE_TYPE, "--src-type", names(rule.sourceType, TYPE_NAMES));
  if (rule.destinationType !== undefined) test(abi.MATCH_DESTINATION_TYPE, "--dst-type", names(rule.destinationType, TYPE_NAMES));
  if (rule.mark !== undefined) {
    found.push("-m", "mark");
    test(abi.MATCH_MARK, "--mark", rule.mark.join("/"));
  }
  if (rule.ipvs !== undefined) {
    found.push("-m", "ipvs");
    test(abi.MATCH_IPVS, "--ipvs");
  }
  connectionArguments(rule, found, test);
  return [...found, ...targetArguments(rule, chainName)];
}

function connectionArguments(rule: RuleSpec, found: string[], test: (bit: number, option: string, ...values: string[]) => void): void {
  const { ctstate, ctDestination, ctPort, ctDirection } = rule;
  const isAsked = [ctstate, ctDestination, ctPort, ctDirection].some((value) => value !== undefined);
  if (!isAsked) return;
  found.push("-m", "conntrack");
  if (ctstate !== undefined) test(abi.MATCH_CTSTATE, "--ctstate", names(ctstate, STATE_NAMES));
  if (ctDestination !== undefined) test(abi.MATCH_CT_ORIGINAL_DESTINATION, "--ctorigdst", ctDestination);
  if (ctPort !== undefined) test(abi.MATCH_CT_ORIGINAL_PORT, "--ctorigdstport", span(ctPort, ":"));
  if (ctDirection !== undefined) test(abi.MATCH_CT_DIRECTION, "--ctdir", ctDirection === 0 ? "ORIGINAL" : "REPLY");
}

function targetArguments(rule: RuleSpec, chainName: (chain: number) => string): string[] {
  const { target = Target.None, toPorts, to } = rule;
  const ports = toPorts === undefined ? "" : span(toPorts, "-");
  switch (target) {
    case Target.None:
      return [];
    case Target.Jump:
      return ["-j", chainName(rule.chain ?? NONE)];
    case Target.Goto:
      return ["-g", chainName(rule.chain ?? NONE)];
    case Target.Reject:
      return ["-j", "REJECT", "--reject-with", REJECTIONS[rule.rejectWith ?? RejectWith.PortUnreachable]];
    case Target.Dnat:
    case Target.Snat: {
      const address = to === undefined ? "" : typeof to === "string" ? to : to.join("-");
      const option = target === Target.Dnat ? ["-j", "DNAT", "--to-destination"] : ["-j", "SNAT", "--to-source"];
      return [...option, `${address}${ports === "" ? "" : `:${ports}`}`];
    }
    case Target.Masquerade:
    case Target.Redirect:
      return ["-j", target === Target.Masquerade ? "MASQUERADE" : "REDIRECT", ...(ports === "" ? [] : ["--to-ports", ports])];
    case Target.Mark:
      return ["-j", "MARK", "--set-xmark", (rule.setMark ?? [0, 0]).join("/")];
    case Target.NoTrack:
      return ["-j", "CT", "--notrack"];
    default:
      return ["-j", Target[target].toUpperCase()];
  }
}

export const TABLE_NAMES: Readonly<Record<Table, string>> = {
  [Table.Raw]: "raw",
  [Table.Mangle]: "mangle",
  [Table.Nat]: "nat",
  [Table.Filter]: "filter",
};

export const HOOK_NAMES: Readonly<Record<Hook, string>> = {
  [Hook.Prerouting]: "PREROUTING",
  [Hook.Input]: "INPUT",
  [Hook.Forward]: "FORWARD",
  [Hook.Output]: "OUTPUT",
  [Hook.Postrouting]: "POSTROUTING",
};
