/** Tables of name servers that grow, for programs built by hand. */
import { DNS_A, DNS_AAAA, DNS_PTR } from "../../assembly/abi/dns";
import { NONE } from "../../assembly/abi/version";
import type { DnsTables, ResolverRecord, UpstreamRecord, ZoneEntryRecord, ZoneRecord } from "../../src/engine/program";
import { ip } from "./program";

/** The name that a reverse entry points to. */
export interface DraftPointer {
  readonly pointer: string;
}

/** Addresses and pointers by name. */
export type DraftNames = Readonly<Record<string, readonly (string | DraftPointer)[]>>;

export class DnsDraft implements DnsTables {
  readonly domains: string[] = [];
  readonly resolvers: ResolverRecord[] = [];
  readonly searches: number[] = [];
  readonly zones: ZoneRecord[] = [];
  readonly zoneRecords: ZoneEntryRecord[] = [];
  readonly upstreams: UpstreamRecord[] = [];

  /** Index of a domain name, which is added if it is new. */
  domain(name: string): number {
    const known = this.domains.indexOf(name);
    return known >= 0 ? known : this.domains.push(name) - 1;
  }

  /** A zone of names with their addresses, or with the name that an address belongs to. */
  zone(names: DraftNames, { ttl = 600, flags = 0 } = {}): number {
    const first = this.zoneRecords.length;
    for (const [name, answers] of Object.entries(names)) {
      for (const answer of answers) {
        const entry = { name: this.domain(name), ttl, target: NONE, address: [0, 0, 0, 0] as const };
        if (typeof answer !== "string") this.zoneRecords.push({ ...entry, type: DNS_PTR, target: this.domain(answer.pointer) });
        else if (answer.includes(":")) this.zoneRecords.push({ ...entry, type: DNS_AAAA, address: [0xfd000000, 0, 0, Number.parseInt(answer.split(":").at(-1) ?? "", 16)] });
        else this.zoneRecords.push({ ...entry, type: DNS_A, address: [ip(answer), 0, 0, 0] });
      }
    }
    return this.zones.push({ flags, first, count: this.zoneRecords.length - first }) - 1;
  }

  /** A resolver of zones and upstream servers. */
  resolver(zones: readonly number[], upstreams: readonly UpstreamRecord[] = [], flags = 0): number {
    const searchFirst = this.searches.length;
    const upstreamFirst = this.upstreams.length;
    this.searches.push(...zones);
    this.upstreams.push(...upstreams.map(({ namespace, ip: address, family, ip6 }) => ({ namespace, ip: address, ...(family !== undefined && { family, ip6 }) })));
    return this.resolvers.push({ flags, searchFirst, searchCount: zones.length, upstreamFirst, upstreamCount: upstreams.length }) - 1;
  }
}
