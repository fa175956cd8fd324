import {
  ADDRTYPE_BLACKHOLE,
  ADDRTYPE_BROADCAST,
  ADDRTYPE_LOCAL,
  ADDRTYPE_MULTICAST,
  ADDRTYPE_PROHIBIT,
  ADDRTYPE_UNICAST,
  ADDRTYPE_UNREACHABLE,
  CTSTATE_DNAT,
  CTSTATE_ESTABLISHED,
  CTSTATE_INVALID,
  CTSTATE_NEW,
  CTSTATE_RELATED,
  CTSTATE_SNAT,
  CTSTATE_UNTRACKED,
  RejectWith,
  Target,
} from "../../../assembly/abi/netfilter";
import type { AddressWords, RuleRecord } from "../../engine/program";
import type { AddressTypeName, ConntrackStateName, NatRange, PortRange, RejectWith as RejectWithName, Target as RuleTarget, TcpFlagName } from "../../model/firewall/rule";
import type { Cidr } from "../../net/cidr";
import { ipv4Mask } from "../../net/cidr";
import type { IpAddress } from "../../net/ip";

export const NO_ADDRESS: AddressWords = [0, 0, 0, 0];

/** A record that tests nothing and does nothing. */
export const EMPTY_RULE: RuleRecord = {
  matches: 0,
  inverts: 0,
  in: 0,
  out: 0,
  source: NO_ADDRESS,
  sourceMask: NO_ADDRESS,
  destination: NO_ADDRESS,
  destinationMask: NO_ADDRESS,
  protocol: 0,
  sourcePortFrom: 0,
  sourcePortTo: 0,
  destinationPortFrom: 0,
  destinationPortTo: 0,
  icmpType: 0,
  icmpCode: 0,
  ctstate: 0,
  sourceType: 0,
  destinationType: 0,
  mark: 0,
  markMask: 0,
  ctDestination: NO_ADDRESS,
  ctDestinationMask: NO_ADDRESS,
  ctPortFrom: 0,
  ctPortTo: 0,
  ctDirection: 0,
  tcpFlagsMask: 0,
  tcpFlags: 0,
  target: Target.None,
  chain: 0,
  rejectWith: RejectWith.PortUnreachable,
  natFrom: NO_ADDRESS,
  natTo: NO_ADDRESS,
  natPortFrom: 0,
  natPortTo: 0,
  setMark: 0,
  setMarkMask: 0,
};

const CTSTATES: Readonly<Record<ConntrackStateName, number>> = {
  INVALID: CTSTATE_INVALID,
  NEW: CTSTATE_NEW,
  ESTABLISHED: CTSTATE_ESTABLISHED,
  RELATED: CTSTATE_RELATED,
  UNTRACKED: CTSTATE_UNTRACKED,
  SNAT: CTSTATE_SNAT,
  DNAT: CTSTATE_DNAT,
};

const ADDRESS_TYPES: Readonly<Record<AddressTypeName, number>> = {
  UNICAST: ADDRTYPE_UNICAST,
  LOCAL: ADDRTYPE_LOCAL,
  BROADCAST: ADDRTYPE_BROADCAST,
  MULTICAST: ADDRTYPE_MULTICAST,
  BLACKHOLE: ADDRTYPE_BLACKHOLE,
  UNREACHABLE: ADDRTYPE_UNREACHABLE,
  PROHIBIT: ADDRTYPE_PROHIBIT,
};

/** RFC 9293 §3.1: the control bits. */
const TCP_FLAGS: Readonly<Record<TcpFlagName, number>> = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 };

const REJECTS: Readonly<Record<RejectWithName, RejectWith>> = {
  "icmp-net-unreachable": RejectWith.NetUnreachable,
  "icmp-host-unreachable": RejectWith.HostUnreachable,
  "icmp-proto-unreachable": RejectWith.ProtocolUnreachable,
  "icmp-port-unreachable": RejectWith.PortUnreachable,
  "icmp-net-prohibited": RejectWith.NetProhibited,
  "icmp-host-prohibited": RejectWith.HostProhibited,
  "icmp-admin-prohibited": RejectWith.AdminProhibited,
  "icmp6-no-route": RejectWith.NetUnreachable,
  "icmp6-adm-prohibited": RejectWith.AdminProhibited,
  "icmp6-addr-unreachable": RejectWith.HostUnreachable,
  "icmp6-port-unreachable": RejectWith.PortUnreachable,
  "tcp-reset": RejectWith.TcpReset,
};

/** One bit per name. */
const bits = <K extends string>(values: Readonly<Record<K, number>>, names: readonly K[]) => names.reduce((mask, name) => mask | values[name], 0);

export const ctstateBits = (names: readonly ConntrackStateName[]): number => bits(CTSTATES, names);
export const addressTypeBits = (names: readonly AddressTypeName[]): number => bits(ADDRESS_TYPES, names);
export const tcpFlagBits = (names: readonly TcpFlagName[]): number => bits(TCP_FLAGS, names);

/** An address as four words in reading order; IPv4 has the first. */
export function addressWords({ family, value }: IpAddress): AddressWords {
  return family === 4 ? [value >>> 0, 0, 0, 0] : words(value);
}

/** A block's network, and ones where its bits count. */
export function cidrWords(cidr: Cidr): readonly [network: AddressWords, mask: AddressWords] {
  if (cidr.family === 4) return [[cidr.network >>> 0, 0, 0, 0], [ipv4Mask(cidr.prefixLength), 0, 0, 0]];
  const hostBits = BigInt(128 - cidr.prefixLength);
  return [words(cidr.network), words(((1n << 128n) - 1n) - ((1n << hostBits) - 1n))];
}

function words(value: bigint): AddressWords {
  const word = (shift: bigint) => Number((value >> shift) & 0xffffffffn);
  return [word(96n), word(64n), word(32n), word(0n)];
}

/** The fields that say what happens to a packet. `chainIndex` finds the chains of the same table. */
export function targetFields(target: RuleTarget, chainIndex: (name: string) => number): Partial<RuleRecord> {
  switch (target.target) {
    case "ACCEPT":
      return { target: Target.Accept };
    case "DROP":
      return { target: Target.Drop };
    case "RETURN":
      return { target: Target.Return };
    case "NOTRACK":
    case "CT":
      return { target: Target.NoTrack };
    case "REJECT":
      return { target: Target.Reject, rejectWith: REJECTS[target.with] };
    case "JUMP":
      return { target: Target.Jump, chain: chainIndex(target.chain) };
    case "GOTO":
      return { target: Target.Goto, chain: chainIndex(target.chain) };
    case "MASQUERADE":
      return { target: Target.Masquerade, ...natPorts(target.ports) };
    case "REDIRECT":
      return { target: Target.Redirect, ...natPorts(target.ports) };
    case "SNAT":
      return { target: Target.Snat, ...natFields(target.range) };
    case "DNAT":
      return { target: Target.Dnat, ...natFields(target.range) };
    case "MARK":
      return { target: Target.Mark, setMark: target.value, setMarkMask: target.mask };
    case "LOG":
    case "CHECKSUM":
    case "CONTINUE":
      return { target: Target.None };
  }
}

function natFields({ from, to, ports }: NatRange): Partial<RuleRecord> {
  const first = from ? addressWords(from) : NO_ADDRESS;
  return { natFrom: first, natTo: to ? addressWords(to) : first, ...natPorts(ports) };
}

function natPorts(ports: PortRange | undefined): Partial<RuleRecord> {
  return ports ? { natPortFrom: ports.from, natPortTo: ports.to } : {};
}
