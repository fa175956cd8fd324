import { DNS_A, DNS_AAAA, DNS_PTR, RESOLVER_AUTHORITATIVE, RESOLVER_LEGACY, RESOLVER_NDOTS, ZONE_IPV6 } from "../../../../assembly/abi/dns";
import { Family } from "../../../../assembly/abi/netfilter";
import { domainNameBytes } from "../../../net/domain-name";
import { type AddressWords, type DnsTables, NO_ADDRESS6, type UpstreamRecord } from "../../program";
import { type AddressTable, LOOPBACK6 } from "../memory/address-table";
import type { Namespace } from "../tables/namespace";

/** What one zone says of one name. */
export interface ZoneName {
  readonly addresses: Answer[];
  readonly addresses6: Answer[];
  pointer: Answer | null;
}

/** One record's data, as it is written. */
export interface Answer {
  readonly type: number;
  readonly ttl: number;
  readonly data: Uint8Array;
}

export interface Zone {
  readonly hasIpv6: boolean;
  /** By the name in wire form, a character for each byte. */
  readonly names: Map<string, ZoneName>;
}

export interface Upstream {
  readonly namespace: Namespace;
  readonly ip: number;
}

export interface DnsResolver {
  readonly isAuthoritative: boolean;
  readonly isLegacy: boolean;
  readonly keepsSingleLabels: boolean;
  readonly zones: readonly Zone[];
  readonly upstreams: readonly Upstream[];
}

/** Names that queries ask for, and what name servers know. */
export class DnsTable {
  domains: Uint8Array[] = [];
  resolvers: DnsResolver[] = [];

  /** Takes what a program says, in place of what was known. */
  load(tables: DnsTables, namespaces: readonly Namespace[], addresses: AddressTable): void {
    this.domains = tables.domains.map(wireForm);
    const zones = tables.zones.map(({ flags, first, count }): Zone => {
      const names = new Map<string, ZoneName>();
      for (const entry of tables.zoneRecords.slice(first, first + count)) {
        const name = nameIn(names, nameKey(this.domains[entry.name]));
        const { type, ttl } = entry;
        if (type === DNS_A) name.addresses.push({ type, ttl, data: addressBytes(entry.address, 1) });
        if (type === DNS_AAAA) name.addresses6.push({ type, ttl, data: addressBytes(entry.address, 4) });
        if (type === DNS_PTR) name.pointer ??= { type, ttl, data: this.domains[entry.target] };
      }
      return { hasIpv6: (flags & ZONE_IPV6) !== 0, names };
    });
    const upstreams = tables.upstreams.map((record): Upstream => ({ namespace: namespaces[record.namespace], ip: serverAddress(record, addresses) }));
    this.resolvers = tables.resolvers.map(({ flags, searchFirst, searchCount, upstreamFirst, upstreamCount }) => ({
      isAuthoritative: (flags & RESOLVER_AUTHORITATIVE) !== 0,
      isLegacy: (flags & RESOLVER_LEGACY) !== 0,
      keepsSingleLabels: (flags & RESOLVER_NDOTS) !== 0,
      zones: tables.searches.slice(searchFirst, searchFirst + searchCount).map((zone) => zones[zone]),
      upstreams: upstreams.slice(upstreamFirst, upstreamFirst + upstreamCount),
    }));
  }

  append(domains: readonly string[]): void {
    for (const name of domains) this.domains.push(wireForm(name));
  }
}

/** A name's key: its bytes with letters in lower case. */
export function nameKey(wire: Uint8Array): string {
  return String.fromCharCode(...wire).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** What the first zone that can say it says; null if none can. */
export function search<T>(zones: readonly Zone[], key: string, tell: (name: ZoneName, zone: Zone) => T | null): T | null {
  for (const zone of zones) {
    const name = zone.names.get(key);
    const told = name === undefined ? null : tell(name, zone);
    if (told !== null) return told;
  }
  return null;
}

function nameIn(names: Map<string, ZoneName>, key: string): ZoneName {
  const known = names.get(key);
  if (known !== undefined) return known;
  const name: ZoneName = { addresses: [], addresses6: [], pointer: null };
  names.set(key, name);
  return name;
}

function wireForm(name: string): Uint8Array {
  return domainNameBytes(name) ?? new Uint8Array(1);
}

/** Whoever asks :: asks ::1. */
function serverAddress({ family, ip, ip6 = NO_ADDRESS6 }: UpstreamRecord, addresses: AddressTable): number {
  return family === Family.Ipv6 ? addresses.note(ip6) || LOOPBACK6 : ip | 0;
}

function addressBytes(address: AddressWords, words: number): Uint8Array {
  const bytes = new Uint8Array(4 * words);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < words; i++) view.setUint32(4 * i, address[i]);
  return bytes;
}
