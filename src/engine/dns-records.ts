/** What name servers know: records of a compiled network that `program.ts` holds. */
import type { Family } from "../../assembly/abi/netfilter";
import type { AddressWords } from "./address-words";

/** What name servers know. */
export interface DnsTables {
  /** `web.front`, lower case, without a last dot. */
  readonly domains: readonly string[];
  readonly resolvers: readonly ResolverRecord[];
  /** Indices of zones; a resolver has a range of them. */
  readonly searches: readonly number[];
  readonly zones: readonly ZoneRecord[];
  readonly zoneRecords: readonly ZoneEntryRecord[];
  readonly upstreams: readonly UpstreamRecord[];
}

/** Capacities of a network without proxies and name servers; names of queries alone find room. */
export const NO_PROCESSES = { sessions: 0, domains: 256, domainBytes: 8192, resolvers: 0, searches: 0, zones: 0, zoneRecords: 0, upstreams: 0 };

export const NO_DNS: DnsTables = { domains: [], resolvers: [], searches: [], zones: [], zoneRecords: [], upstreams: [] };

export interface ResolverRecord {
  /** RESOLVER_ bits. */
  readonly flags: number;
  /** Its zones, in the order in which they are searched: `searches[searchFirst]` and so on. */
  readonly searchFirst: number;
  readonly searchCount: number;
  readonly upstreamFirst: number;
  readonly upstreamCount: number;
}

export interface ZoneRecord {
  /** ZONE_ bits. */
  readonly flags: number;
  /** Its entries are `zoneRecords[first]` … `first + count - 1`. */
  readonly first: number;
  readonly count: number;
}

/** One name's address, or the name of an address (`2.0.18.172.in-addr.arpa`). */
export interface ZoneEntryRecord {
  readonly name: number;
  /** DNS_A, DNS_AAAA or DNS_PTR. */
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** Of a PTR: an index of `domains`; else NONE. */
  readonly target: number;
  readonly address: AddressWords;
}

/** A server that a resolver asks, and from where. */
export interface UpstreamRecord {
  readonly namespace: number;
  readonly ip: number;
  /** IPv4 unless given; a server of IPv6 has the address `ip6`. */
  readonly family?: Family;
  readonly ip6?: AddressWords;
}
