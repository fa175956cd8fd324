/**
 * Firewall chains and rules as the packet path reads them: little-endian, every field 32 bits wide. One list of chains and
 * one of rules for the whole simulation; a chain names its namespace, and its rules lie side by side, in order.
 */

/** Where the kernel asks (enum nf_inet_hooks). */
export enum Hook {
  Prerouting = 0,
  Input,
  Forward,
  Output,
  Postrouting,
}

/** The tables, in the order of their priorities (NF_IP_PRI_RAW −300, conntrack −200, MANGLE −150, NAT_DST −100, FILTER 0, NAT_SRC 100). */
export enum Table {
  Raw = 0,
  Mangle,
  Nat,
  Filter,
}

/** Layer 3 of a chain, and of what its rules match. */
export enum Family {
  Ipv4 = 4,
  Ipv6 = 6,
}

/** What a rule does with a packet that it matches. */
export enum Target {
  /** No target: counts and goes on. So does LOG. */
  None = 0,
  Accept,
  Drop,
  /** Back to the calling chain; in a built-in chain: its policy. */
  Return,
  Jump,
  Goto,
  /** Drop, and tell the sender as `RULE_REJECT_WITH` says. */
  Reject,
  Dnat,
  Snat,
  /** SNAT to the address that the outgoing device would use. */
  Masquerade,
  /** DNAT to the receiving device's own address; to 127.0.0.1 for what was made here. */
  Redirect,
  /** mark = (mark & ~mask) ^ value, and go on. */
  Mark,
  /** raw: no connection tracking for this packet. */
  NoTrack,
}

/** What REJECT answers; the numbers are ours. */
export enum RejectWith {
  PortUnreachable = 0,
  NetUnreachable,
  HostUnreachable,
  ProtocolUnreachable,
  /** icmp-admin-prohibited, icmp6-adm-prohibited. */
  AdminProhibited,
  TcpReset,
  /** icmp-net-prohibited, icmp-host-prohibited; IPv6: policy-fail, reject-route. */
  NetProhibited,
  HostProhibited,
}

/** Connection states as `--ctstate` writes them: bits of a mask. */
export const CTSTATE_INVALID: u32 = 1;
export const CTSTATE_ESTABLISHED: u32 = 2;
export const CTSTATE_RELATED: u32 = 4;
export const CTSTATE_NEW: u32 = 8;
export const CTSTATE_SNAT: u32 = 16;
export const CTSTATE_DNAT: u32 = 32;
export const CTSTATE_UNTRACKED: u32 = 64;

/** Address types as `-m addrtype` writes them: bits of a mask; what the FIB of the namespace says of an address. */
export const ADDRTYPE_UNICAST: u32 = 1;
export const ADDRTYPE_LOCAL: u32 = 2;
export const ADDRTYPE_BROADCAST: u32 = 4;
export const ADDRTYPE_MULTICAST: u32 = 8;
export const ADDRTYPE_BLACKHOLE: u32 = 16;
export const ADDRTYPE_UNREACHABLE: u32 = 32;
export const ADDRTYPE_PROHIBIT: u32 = 64;

/** Bits of `RULE_MATCHES` (which tests a rule has) and, in the same places, of `RULE_INVERTS` (which of them are negated). */
export const MATCH_IN: u32 = 1;
export const MATCH_OUT: u32 = 2;
export const MATCH_SOURCE: u32 = 4;
export const MATCH_DESTINATION: u32 = 8;
export const MATCH_PROTOCOL: u32 = 16;
export const MATCH_SOURCE_PORT: u32 = 32;
export const MATCH_DESTINATION_PORT: u32 = 64;
export const MATCH_ICMP_TYPE: u32 = 128;
export const MATCH_CTSTATE: u32 = 256;
export const MATCH_SOURCE_TYPE: u32 = 512;
export const MATCH_DESTINATION_TYPE: u32 = 1024;
export const MATCH_MARK: u32 = 2048;
/** `--ctorigdst`, `--ctorigdstport`: where the connection's first packet was sent. */
export const MATCH_CT_ORIGINAL_DESTINATION: u32 = 4096;
export const MATCH_CT_ORIGINAL_PORT: u32 = 8192;
/** `--ctdir`: 0 original, 1 reply. */
export const MATCH_CT_DIRECTION: u32 = 16384;
/** `-m tcp --syn` and `--tcp-flags`. */
export const MATCH_TCP_FLAGS: u32 = 32768;
/** `-m ipvs --ipvs`: IPVS has forwarded the packet in this namespace. Has no field. */
export const MATCH_IPVS: u32 = 262144;
/** `-m policy`: it came, or will go, encrypted. */
export const MATCH_POLICY: u32 = 65536;
/** `-m u32`, `-m bpf`: a word of what is behind the IP header. */
export const MATCH_WORD: u32 = 131072;

export const CHAIN_NAMESPACE: i32 = 0;
/** `Family`. */
export const CHAIN_FAMILY: i32 = 4;
/** `Table`. */
export const CHAIN_TABLE: i32 = 8;
/** `Hook` of a built-in chain, else NONE. */
export const CHAIN_HOOK: i32 = 12;
/** `Target.Accept` or `Target.Drop`; user chains have none (Accept stands there). */
export const CHAIN_POLICY: i32 = 16;
/** Index of the first rule, and how many. */
export const CHAIN_FIRST: i32 = 20;
export const CHAIN_COUNT: i32 = 24;
export const CHAIN_SIZE: i32 = 28;

/** MATCH_ bits. */
export const RULE_MATCHES: i32 = 0;
export const RULE_INVERTS: i32 = 4;
/** Device indices. NONE: a name that no device of the namespace has, which never matches (and always, negated). */
export const RULE_IN: i32 = 8;
export const RULE_OUT: i32 = 12;
/** Four words each, in reading order. IPv4 has its address in the first; the masks have ones where bits count. */
export const RULE_SOURCE: i32 = 16;
export const RULE_SOURCE_MASK: i32 = 32;
export const RULE_DESTINATION: i32 = 48;
export const RULE_DESTINATION_MASK: i32 = 64;
/** IP protocol number. */
export const RULE_PROTOCOL: i32 = 80;
/** Ranges, both ends included. */
export const RULE_SOURCE_PORT_FROM: i32 = 84;
export const RULE_SOURCE_PORT_TO: i32 = 88;
export const RULE_DESTINATION_PORT_FROM: i32 = 92;
export const RULE_DESTINATION_PORT_TO: i32 = 96;
/** ICMP type; code, or NONE for any. */
export const RULE_ICMP_TYPE: i32 = 100;
export const RULE_ICMP_CODE: i32 = 104;
/** CTSTATE_ bits. */
export const RULE_CTSTATE: i32 = 108;
/** ADDRTYPE_ bits. */
export const RULE_SOURCE_TYPE: i32 = 112;
export const RULE_DESTINATION_TYPE: i32 = 116;
/** packet mark & mask = value. */
export const RULE_MARK: i32 = 120;
export const RULE_MARK_MASK: i32 = 124;
export const RULE_CT_DESTINATION: i32 = 128;
export const RULE_CT_DESTINATION_MASK: i32 = 144;
export const RULE_CT_PORT_FROM: i32 = 160;
export const RULE_CT_PORT_TO: i32 = 164;
export const RULE_CT_DIRECTION: i32 = 168;
/** Of the TCP flags byte: those looked at, and those that must be set. */
export const RULE_TCP_FLAGS_MASK: i32 = 172;
export const RULE_TCP_FLAGS: i32 = 176;
/** `Target`. */
export const RULE_TARGET: i32 = 180;
/** Chain index of Jump and Goto. */
export const RULE_CHAIN: i32 = 184;
/** `RejectWith`. */
export const RULE_REJECT_WITH: i32 = 188;
/** DNAT and SNAT: first and last address (four words each; 0 and 0: the address stays), first and last port (0 and 0: the port stays if it can). */
export const RULE_NAT_FROM: i32 = 192;
export const RULE_NAT_TO: i32 = 208;
export const RULE_NAT_PORT_FROM: i32 = 224;
export const RULE_NAT_PORT_TO: i32 = 228;
/** Mark: value and mask. */
export const RULE_SET_MARK: i32 = 232;
export const RULE_SET_MARK_MASK: i32 = 236;
/** 0: `--dir in`, 1: `--dir out`. */
export const RULE_POLICY_DIRECTION: i32 = 240;
/** Bytes from the end of the IP header on; word & mask = value. */
export const RULE_WORD_OFFSET: i32 = 244;
export const RULE_WORD_MASK: i32 = 248;
export const RULE_WORD: i32 = 252;
export const RULE_SIZE: i32 = 256;

/** Which entries of conntrack are to go, and bits of `CT_FILTER_ASKS`: what is asked of them. */
export const CT_FILTER_NAMESPACE: i32 = 0;
/** `Family`. */
export const CT_FILTER_FAMILY: i32 = 4;
export const CT_FILTER_ASKS: i32 = 8;
export const CT_FILTER_PROTOCOL: i32 = 12;
/** Destination of the original tuple; of ICMP, type × 256 + code are the port. */
export const CT_FILTER_ORIGINAL_PORT: i32 = 16;
export const CT_FILTER_ORIGINAL_DESTINATION: i32 = 20;
/** Source or destination of the reply tuple. */
export const CT_FILTER_REPLY_END: i32 = 36;
export const CT_FILTER_SIZE: i32 = 52;

export const CT_ASKS_PROTOCOL: u32 = 1;
export const CT_ASKS_ORIGINAL_PORT: u32 = 2;
export const CT_ASKS_ORIGINAL_DESTINATION: u32 = 4;
export const CT_ASKS_REPLY_END: u32 = 8;
