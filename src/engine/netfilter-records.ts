/** Rules and tracked connections: records of a compiled network that `program.ts` holds. */
import type { Family, Hook, RejectWith, Table, Target } from "../../assembly/abi/netfilter";
import type { AddressWords } from "./address-words";

/** A chain of iptables (IPv4) or ip6tables, built in or a user's. Its rules are `first` … `first + count - 1`. */
export interface ChainRecord {
  readonly namespace: number;
  readonly family: Family;
  readonly table: Table;
  /** NONE: reached by jumps only. */
  readonly hook: Hook | number;
  readonly policy: Target.Accept | Target.Drop;
  readonly first: number;
  readonly count: number;
}

/** A rule: `matches` says which of its fields are tests, `inverts` which of those are negated (MATCH_ bits of assembly/abi/netfilter.ts). */
export interface RuleRecord {
  readonly matches: number;
  readonly inverts: number;
  readonly in: number;
  readonly out: number;
  readonly source: AddressWords;
  readonly sourceMask: AddressWords;
  readonly destination: AddressWords;
  readonly destinationMask: AddressWords;
  readonly protocol: number;
  readonly sourcePortFrom: number;
  readonly sourcePortTo: number;
  readonly destinationPortFrom: number;
  readonly destinationPortTo: number;
  readonly icmpType: number;
  readonly icmpCode: number;
  readonly ctstate: number;
  readonly sourceType: number;
  readonly destinationType: number;
  readonly mark: number;
  readonly markMask: number;
  readonly ctDestination: AddressWords;
  readonly ctDestinationMask: AddressWords;
  readonly ctPortFrom: number;
  readonly ctPortTo: number;
  readonly ctDirection: number;
  readonly tcpFlagsMask: number;
  readonly tcpFlags: number;
  /** 0 in, 1 out; 0 unless given. */
  readonly policyDirection?: number;
  /** A word behind the IP header; 0 unless given. */
  readonly wordOffset?: number;
  readonly wordMask?: number;
  readonly word?: number;
  readonly target: Target;
  readonly chain: number;
  readonly rejectWith: RejectWith;
  readonly natFrom: AddressWords;
  readonly natTo: AddressWords;
  readonly natPortFrom: number;
  readonly natPortTo: number;
  readonly setMark: number;
  readonly setMarkMask: number;
}

/** Entries of conntrack with everything that is given; without any of it, all of a namespace and family. */
export interface ConntrackFilter {
  readonly namespace: number;
  readonly family: Family;
  readonly protocol?: number;
  /** Where the first packet was sent. */
  readonly originalDestination?: AddressWords;
  readonly originalPort?: number;
  /** Either end of the answers. */
  readonly replyEnd?: AddressWords;
}
