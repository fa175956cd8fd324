/**
 * What name servers know. Records of one zone and name are a chain in the order of the program; a table leads from (zone, name) to
 * its head. Capacities: `capacity.resolvers`, `searches`, `zones`, `zoneRecords`, `upstreams`. Another program replaces them all.
 */
import {
  RESOLVER_SIZE,
  SEARCH_SIZE,
  UPSTREAM_FAMILY,
  UPSTREAM_IP,
  UPSTREAM_IP6,
  UPSTREAM_NAMESPACE,
  UPSTREAM_SIZE,
  ZONE_COUNT,
  ZONE_FIRST,
  ZONE_FLAGS,
  ZONE_RECORD_NAME,
  ZONE_RECORD_SIZE,
  ZONE_SIZE,
} from "../abi/dns";
import {
  CAPACITY_RESOLVERS,
  CAPACITY_SEARCHES,
  CAPACITY_UPSTREAMS,
  CAPACITY_ZONE_RECORDS,
  CAPACITY_ZONES,
  Section,
} from "../abi/image";
import { Family } from "../abi/netfilter";
import { NONE } from "../abi/version";
import { reserve } from "../memory/arena";
import { HashTable } from "../memory/hash-table";
import { capacity, record, recordCount } from "../memory/image";
import { noteTarget6 } from "./address6";
import { domainAddress, domainLength, findDomain } from "./domain";
import { Namespace, namespaceAt, stackOf } from "./namespace";

const HEADS = changetype<HashTable>(memory.data(16, 8));

let resolvers: usize = 0;
let searches: usize = 0;
let zones: usize = 0;
let entries: usize = 0;
let upstreams: usize = 0;
/** By entry: index of the next one of its chain, or NONE. */
let nexts: usize = 0;
/** Addresses of the entries that go into one answer, for the moment in which they are put into order. */
export let chosen: usize = 0;

export function reserveZones(): void {
  const entryCount = capacity(CAPACITY_ZONE_RECORDS);
  resolvers = reserve(capacity(CAPACITY_RESOLVERS), RESOLVER_SIZE);
  searches = reserve(capacity(CAPACITY_SEARCHES), SEARCH_SIZE);
  zones = reserve(capacity(CAPACITY_ZONES), ZONE_SIZE);
  entries = reserve(entryCount, ZONE_RECORD_SIZE);
  upstreams = reserve(capacity(CAPACITY_UPSTREAMS), UPSTREAM_SIZE);
  nexts = reserve(entryCount, 4);
  chosen = reserve(entryCount, 4);
  HEADS.reserve(entryCount);
}

/** Domain names come first. */
export function fillZones(): void {
  copySection(resolvers, Section.Resolvers, RESOLVER_SIZE);
  copySection(searches, Section.Searches, SEARCH_SIZE);
  copySection(zones, Section.Zones, ZONE_SIZE);
  copySection(entries, Section.ZoneRecords, ZONE_RECORD_SIZE);
  copySection(upstreams, Section.Upstreams, UPSTREAM_SIZE);
  const upstreamCount = recordCount(Section.Upstreams);
  for (let upstream: u32 = 0; upstream < upstreamCount; upstream++) {
    upstreamAddress(upstreamAt(upstream));
  }
  HEADS.clear();
  const zoneCount = recordCount(Section.Zones);
  for (let zone: u32 = 0; zone < zoneCount; zone++) indexZone(zone);
}

function copySection(to: usize, section: Section, size: i32): void {
  memory.copy(to, record(section, 0, size), <usize>recordCount(section) * size);
}

/** From the last entry to the first, so that each becomes the head of those after it. */
function indexZone(zone: u32): void {
  const at = zones + <usize>zone * ZONE_SIZE;
  const first = load<u32>(at, ZONE_FIRST);
  for (let index = load<u32>(at, ZONE_COUNT); index > 0; index--) {
    const entry = first + index - 1;
    const domain = load<u32>(entryAt(entry), ZONE_RECORD_NAME);
    const key = keyOf(zone, findDomain(domainAddress(domain), domainLength(domain)));
    const head = HEADS.find(key);
    store<u32>(nexts + (<usize>entry << 2), head == 0 ? NONE : head - 1);
    if (head == 0) HEADS.insert(key, entry + 1);
    else HEADS.replace(key, entry + 1);
  }
}

@inline function keyOf(zone: u32, domain: u32): u64 {
  return (<u64>(zone + 1) << 32) | <u64>domain;
}

/** Index of a name's first entry in a zone, or NONE. */
export function firstEntry(zone: u32, domain: u32): u32 {
  return HEADS.find(keyOf(zone, domain)) - 1;
}

/** Index of the entry after it, or NONE. */
export function nextEntry(entry: u32): u32 {
  return load<u32>(nexts + (<usize>entry << 2));
}

export function entryAt(entry: u32): usize {
  return entries + <usize>entry * ZONE_RECORD_SIZE;
}

export function zoneFlags(zone: u32): u32 {
  return load<u32>(zones + <usize>zone * ZONE_SIZE, ZONE_FLAGS);
}

export function resolverAt(resolver: u32): usize {
  return resolvers + <usize>resolver * RESOLVER_SIZE;
}

export function searchedZone(search: u32): u32 {
  return load<u32>(searches + <usize>search * SEARCH_SIZE);
}

function isUpstream6(upstream: usize): bool {
  return load<u32>(upstream, UPSTREAM_FAMILY) == Family.Ipv6;
}

/** Where an upstream server is asked from. */
export function upstreamStack(upstream: usize): Namespace {
  return stackOf(namespaceAt(load<u32>(upstream, UPSTREAM_NAMESPACE)), isUpstream6(upstream));
}

export function upstreamAddress(upstream: usize): u32 {
  return isUpstream6(upstream) ? noteTarget6(upstream + UPSTREAM_IP6) : load<u32>(upstream, UPSTREAM_IP);
}

export function upstreamAt(upstream: u32): usize {
  return upstreams + <usize>upstream * UPSTREAM_SIZE;
}
