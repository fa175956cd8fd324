import type { SourcePosition } from "../../errors";
import type { Cidr } from "../../net/cidr";
import type { IpAddress } from "../../net/ip";

/** Which of the two packet filters: `iptables` or `ip6tables`. */
export type Family = 4 | 6;

/** The kernel's tables, in the order in which a packet meets them at one hook. */
export const TABLES = ["raw", "mangle", "nat", "filter"] as const;

export type TableName = (typeof TABLES)[number];

/** A condition that may be turned round with `!`. */
export interface Negatable<T> {
  readonly value: T;
  readonly not: boolean;
}

/** Ports from `from` to `to`, both included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export type ConntrackStateName = "INVALID" | "NEW" | "ESTABLISHED" | "RELATED" | "UNTRACKED" | "SNAT" | "DNAT";

/** What a route to an address would be (the kernel's RTN_*), as `addrtype` names it. */
export type AddressTypeName = "UNICAST" | "LOCAL" | "BROADCAST" | "MULTICAST" | "BLACKHOLE" | "UNREACHABLE" | "PROHIBIT";

export type TcpFlagName = "FIN" | "SYN" | "RST" | "PSH" | "ACK" | "URG";

/** What `REJECT` answers with; `tcp-reset` in both families, the rest is of one family. */
export type RejectWith =
  | "icmp-net-unreachable"
  | "icmp-host-unreachable"
  | "icmp-proto-unreachable"
  | "icmp-port-unreachable"
  | "icmp-net-prohibited"
  | "icmp-host-prohibited"
  | "icmp-admin-prohibited"
  | "icmp6-no-route"
  | "icmp6-adm-prohibited"
  | "icmp6-addr-unreachable"
  | "icmp6-port-unreachable"
  | "tcp-reset";

/** One `-m` of a rule. All conditions of one match have to hold, and all matches of a rule. */
export type Match =
  | {
      /** Ports of TCP, UDP or SCTP: the rule's protocol is the same. */
      readonly match: "tcp" | "udp" | "sctp";
      readonly sourcePorts?: Negatable<PortRange>;
      readonly destinationPorts?: Negatable<PortRange>;
      /** TCP alone: of the flags in `mask` exactly those in `set` are on. */
      readonly flags?: Negatable<{ readonly mask: readonly TcpFlagName[]; readonly set: readonly TcpFlagName[] }>;
    }
  | { readonly match: "multiport"; readonly side: "source" | "destination" | "either"; readonly ports: Negatable<readonly PortRange[]> }
  /** `code` undefined: every code of the type; `type` undefined: every message. */
  | { readonly match: "icmp" | "icmp6"; readonly type: Negatable<{ readonly type: number | undefined; readonly code: number | undefined }> }
  | {
      readonly match: "conntrack";
      readonly states?: Negatable<readonly ConntrackStateName[]>;
      readonly originalDestination?: Negatable<Cidr>;
      readonly originalDestinationPort?: Negatable<PortRange>;
      readonly direction?: "ORIGINAL" | "REPLY";
    }
  /** The older spelling of `conntrack`. */
  | { readonly match: "state"; readonly states: Negatable<readonly ConntrackStateName[]> }
  | { readonly match: "addrtype"; readonly source?: Negatable<readonly AddressTypeName[]>; readonly destination?: Negatable<readonly AddressTypeName[]> }
  | { readonly match: "mark"; readonly mark: Negatable<{ readonly value: number; readonly mask: number }> }
  /** Whether the packet came, or will leave, through IPsec. */
  | { readonly match: "policy"; readonly direction: "in" | "out"; readonly policy: "none" | "ipsec" }
  /** Whether IPVS has sent the packet on in this network namespace. */
  | { readonly match: "ipvs"; readonly forwarded: Negatable<boolean> }
  /** Whether a UDP datagram carries a VXLAN frame of this number (iptables extensions/libxt_u32.c, libxt_bpf.c, as libnetwork asks for it). */
  | { readonly match: "u32" | "bpf"; readonly vni: number }
  /** A token bucket: one packet each `period` (in ten-thousandths of a second) on average, `burst` at once. Only where nothing but the log depends on it. */
  | { readonly match: "limit"; readonly period: number; readonly burst: number }
  | { readonly match: "comment"; readonly text: string };

/** New addresses and ports of SNAT and DNAT; undefined: unchanged. */
export interface NatRange {
  readonly from: IpAddress | undefined;
  readonly to: IpAddress | undefined;
  readonly ports: PortRange | undefined;
}

/** What a rule does with a packet that matches. */
export type Target =
  /** `CT` with `--notrack` is the newer spelling of `NOTRACK`. */
  | { readonly target: "ACCEPT" | "DROP" | "RETURN" | "NOTRACK" | "CT" }
  | { readonly target: "REJECT"; readonly with: RejectWith }
  | { readonly target: "JUMP" | "GOTO"; readonly chain: string }
  | { readonly target: "MASQUERADE" | "REDIRECT"; readonly ports: PortRange | undefined }
  | { readonly target: "SNAT" | "DNAT"; readonly range: NatRange }
  /** `(mark & ~mask) ^ value`. */
  | { readonly target: "MARK"; readonly value: number; readonly mask: number }
  /** Writes a line into the kernel's log: nothing that a packet would notice. */
  | { readonly target: "LOG"; readonly prefix: string; readonly level: number }
  /** Fills an SCTP checksum in. */
  | { readonly target: "CHECKSUM" }
  /** Counts, and goes on. */
  | { readonly target: "CONTINUE" };

export type PortProtocolName = "tcp" | "udp" | "sctp";

/** What made a rule: the word of an explanation. */
export type RuleCause =
  /** The daemon's own frame: its chains and the jumps to them. */
  | { readonly kind: "daemon" }
  | { readonly kind: "network"; readonly network: string }
  | { readonly kind: "endpoint"; readonly network: string; readonly container: string }
  | {
      readonly kind: "port";
      readonly network: string;
      readonly container: string;
      readonly protocol: PortProtocolName;
      readonly hostIp: string;
      readonly hostPort: number;
      readonly containerPort: number;
    }
  | { readonly kind: "link"; readonly network: string; readonly parent: string; readonly child: string }
  /** A service of a swarm that is balanced on a network. */
  | { readonly kind: "service"; readonly service: string; readonly network: string }
  /** The embedded DNS server of a sandbox. */
  | { readonly kind: "resolver" }
  /** The network between hosts is in parts: who is on which side, in words. */
  | { readonly kind: "partition"; readonly sides: string }
  /** Somebody at a terminal, or a file of theirs. */
  | { readonly kind: "user"; readonly text: string; readonly position?: SourcePosition };

/** A protocol by the name that `iptables-save` prints, or its number. */
export type ProtocolName = string;

/** One line of a chain. The fields stand in the order in which `iptables-save` prints them. */
export interface Rule {
  readonly source?: Negatable<Cidr>;
  readonly destination?: Negatable<Cidr>;
  /** A device; a `+` at the end stands for any rest. */
  readonly inInterface?: Negatable<string>;
  readonly outInterface?: Negatable<string>;
  readonly protocol?: Negatable<ProtocolName>;
  readonly matches: readonly Match[];
  readonly target: Target;
  readonly cause: RuleCause;
}

export type Policy = "ACCEPT" | "DROP";

export interface ChainState {
  readonly name: string;
  /** Undefined: a chain that is not the kernel's own; its end returns. */
  readonly policy: Policy | undefined;
  readonly rules: readonly Rule[];
}

export interface TableState {
  readonly name: TableName;
  /** The kernel's own in the order of hooks, then the others by name. */
  readonly chains: readonly ChainState[];
}

/** All rules of one network namespace: what `iptables-save` and `ip6tables-save` would print. A snapshot. */
export interface FirewallState {
  readonly v4: readonly TableState[];
  readonly v6: readonly TableState[];
}
