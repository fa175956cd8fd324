import {
  MATCH_CT_DIRECTION,
  MATCH_CT_ORIGINAL_DESTINATION,
  MATCH_CT_ORIGINAL_PORT,
  MATCH_CTSTATE,
  MATCH_DESTINATION,
  MATCH_DESTINATION_PORT,
  MATCH_DESTINATION_TYPE,
  MATCH_ICMP_TYPE,
  MATCH_IN,
  MATCH_IPVS,
  MATCH_MARK,
  MATCH_OUT,
  MATCH_POLICY,
  MATCH_PROTOCOL,
  MATCH_SOURCE,
  MATCH_SOURCE_PORT,
  MATCH_SOURCE_TYPE,
  MATCH_TCP_FLAGS,
  MATCH_WORD,
} from "../../../assembly/abi/netfilter";
import { NONE } from "../../../assembly/abi/version";
import type { RuleRecord } from "../../engine/program";
import { protocolNumber } from "../../model/firewall/protocol";
import type { Match, Rule } from "../../model/firewall/rule";
import { deviceConditions, portConditions } from "./alternatives";
import { addressTypeBits, cidrWords, ctstateBits, EMPTY_RULE, targetFields, tcpFlagBits } from "./record";

/** Behind the headers of UDP and the first word of VXLAN (RFC 7348 §5): the network's number and a byte. */
const VNI_OFFSET = 12;

/** What a rule is compiled in. */
export interface RulePlace {
  /** The devices of the namespace by the names that its rules use. */
  readonly devices: ReadonlyMap<string, number>;
  /** Index of a chain of the same table. */
  readonly chainIndex: (name: string) => number;
}

/** One test of a record: its bit, whether it is turned round, and its fields. */
interface Test {
  readonly bit: number;
  readonly not: boolean;
  readonly fields: Partial<RuleRecord>;
}

/** No packet comes by a device that does not exist. */
const NEVER: Test = { bit: MATCH_IN, not: false, fields: { in: NONE } };

/**
 * The records of one rule: one, unless it lists ports or names several devices at once. A packet satisfies at most one of them.
 * A rule that no packet can satisfy still has a record, so that counters and explanations have a place for it.
 */
export function compileRule(rule: Rule, { devices, chainIndex }: RulePlace): readonly RuleRecord[] {
  const common = [...headerTests(rule), ...rule.matches.flatMap(matchTests)];
  const alternatives: Test[][] = [];
  for (const ports of portConditions(rule)) {
    for (const incoming of deviceConditions(rule.inInterface, devices, NONE)) {
      for (const outgoing of deviceConditions(rule.outInterface, devices, NONE)) {
        const tests = [...common];
        if (incoming) tests.push({ bit: MATCH_IN, not: incoming.not, fields: { in: incoming.value } });
        if (outgoing) tests.push({ bit: MATCH_OUT, not: outgoing.not, fields: { out: outgoing.value } });
        const { source, destination } = ports;
        if (source) tests.push({ bit: MATCH_SOURCE_PORT, not: source.not, fields: { sourcePortFrom: source.value.from, sourcePortTo: source.value.to } });
        if (destination) {
          const fields = { destinationPortFrom: destination.value.from, destinationPortTo: destination.value.to };
          tests.push({ bit: MATCH_DESTINATION_PORT, not: destination.not, fields });
        }
        alternatives.push(tests);
      }
    }
  }
  if (alternatives.length === 0) alternatives.push([NEVER]);
  const target = targetFields(rule.target, chainIndex);
  return alternatives.map((tests) => ({ ...combine(tests), ...target }));
}

function combine(tests: readonly Test[]): RuleRecord {
  // A test that never holds makes every other one idle; its bit could be taken already.
  if (tests.includes(NEVER)) return { ...EMPTY_RULE, matches: NEVER.bit, ...NEVER.fields };
  const matches = tests.reduce((mask, { bit }) => mask | bit, 0);
  const inverts = tests.reduce((mask, { bit, not }) => (not ? mask | bit : mask), 0);
  return Object.assign({ ...EMPTY_RULE, matches, inverts }, ...tests.map(({ fields }) => fields));
}

function headerTests({ source, destination, protocol }: Rule): readonly Test[] {
  const tests: Test[] = [];
  if (source) {
    const [network, mask] = cidrWords(source.value);
    tests.push({ bit: MATCH_SOURCE, not: source.not, fields: { source: network, sourceMask: mask } });
  }
  if (destination) {
    const [network, mask] = cidrWords(destination.value);
    tests.push({ bit: MATCH_DESTINATION, not: destination.not, fields: { destination: network, destinationMask: mask } });
  }
  if (protocol) tests.push({ bit: MATCH_PROTOCOL, not: protocol.not, fields: { protocol: numberOf(protocol.value) } });
  return tests;
}

function numberOf(protocol: string): number {
  const number = protocolNumber(protocol);
  if (number === undefined) throw new Error(`a rule names the protocol ${protocol}`);
  return number;
}

/** Ports are not here: they may take several records. */
function matchTests(match: Match): readonly Test[] {
  switch (match.match) {
    case "tcp": {
      const { flags } = match;
      return flags ? [{ bit: MATCH_TCP_FLAGS, not: flags.not, fields: { tcpFlagsMask: tcpFlagBits(flags.value.mask), tcpFlags: tcpFlagBits(flags.value.set) } }] : [];
    }
    case "icmp":
    case "icmp6": {
      const { value, not } = match.type;
      if (value.type === undefined) return not ? [NEVER] : [];
      return [{ bit: MATCH_ICMP_TYPE, not, fields: { icmpType: value.type, icmpCode: value.code ?? NONE } }];
    }
    case "conntrack":
      return conntrackTests(match);
    case "state":
      return [{ bit: MATCH_CTSTATE, not: match.states.not, fields: { ctstate: ctstateBits(match.states.value) } }];
    case "addrtype": {
      const tests: Test[] = [];
      const { source, destination } = match;
      if (source) tests.push({ bit: MATCH_SOURCE_TYPE, not: source.not, fields: { sourceType: addressTypeBits(source.value) } });
      if (destination) tests.push({ bit: MATCH_DESTINATION_TYPE, not: destination.not, fields: { destinationType: addressTypeBits(destination.value) } });
      return tests;
    }
    case "mark":
      return [{ bit: MATCH_MARK, not: match.mark.not, fields: { mark: match.mark.value.value, markMask: match.mark.value.mask } }];
    case "ipvs":
      return [{ bit: MATCH_IPVS, not: match.forwarded.not, fields: {} }];
    case "policy":
      return [{ bit: MATCH_POLICY, not: match.policy === "none", fields: { policyDirection: match.direction === "in" ? 0 : 1 } }];
    case "u32":
    case "bpf":
      return [{ bit: MATCH_WORD, not: false, fields: { wordOffset: VNI_OFFSET, wordMask: 0xffffff00, word: match.vni * 256 } }];
    case "udp":
    case "sctp":
    case "multiport":
    case "limit":
    case "comment":
      return [];
  }
}

function conntrackTests({ states, originalDestination, originalDestinationPort, direction }: Extract<Match, { match: "conntrack" }>): readonly Test[] {
  const tests: Test[] = [];
  if (states) tests.push({ bit: MATCH_CTSTATE, not: states.not, fields: { ctstate: ctstateBits(states.value) } });
  if (originalDestination) {
    const [network, mask] = cidrWords(originalDestination.value);
    tests.push({ bit: MATCH_CT_ORIGINAL_DESTINATION, not: originalDestination.not, fields: { ctDestination: network, ctDestinationMask: mask } });
  }
  if (originalDestinationPort) {
    const { value, not } = originalDestinationPort;
    tests.push({ bit: MATCH_CT_ORIGINAL_PORT, not, fields: { ctPortFrom: value.from, ctPortTo: value.to } });
  }
  if (direction) tests.push({ bit: MATCH_CT_DIRECTION, not: false, fields: { ctDirection: direction === "ORIGINAL" ? 0 : 1 } });
  return tests;
}
