/**
 * Domain names by index, in wire form and lower case, and the index by name: chains of names of one hash. Capacities:
 * `capacity.domains`, `capacity.domainBytes`. A patch appends, another program replaces them all.
 */
import { DOMAIN_BYTES, DOMAIN_OFFSET, DOMAIN_SIZE } from "../abi/dns";
import { Section } from "../abi/image";
import { NONE } from "../abi/version";
import { powerOfTwo, reserve } from "../memory/arena";
import { record, recordCount } from "../memory/image";

/** Where its bytes are, how many, and the next name of its chain + 1. */
const OFFSET: usize = 0;
const LENGTH: usize = 4;
const NEXT: usize = 8;
const ENTRY: usize = 16;

let entries: usize = 0;
let bytes: usize = 0;
let buckets: usize = 0;
let bucketMask: u32 = 0;
let count: u32 = 0;
let used: u32 = 0;

export function reserveDomains(capacity: u32, bytesOfAll: u32): void {
  entries = reserve(capacity, ENTRY);
  bytes = reserve(bytesOfAll, 1);
  const size = powerOfTwo(max<u64>(capacity, 16));
  buckets = reserve(size, 4);
  bucketMask = <u32>(size - 1);
}

export function fillDomains(): void {
  count = 0;
  used = 0;
  memory.fill(buckets, 0, (<usize>bucketMask + 1) << 2);
  const from = record(Section.DomainBytes, 0, 1);
  const domains = recordCount(Section.Domains);
  for (let index: u32 = 0; index < domains; index++) {
    const at = record(Section.Domains, index, DOMAIN_SIZE);
    appendDomain(from + load<u32>(at, DOMAIN_OFFSET), load<u32>(at, DOMAIN_BYTES));
  }
}

/** The host has made sure that there is room. A name that is there already keeps its first index in the chains. */
export function appendDomain(from: usize, length: u32): void {
  const isKnown = findDomain(from, length) != NONE;
  const entry = entries + <usize>count * ENTRY;
  count++;
  store<u32>(entry, used, OFFSET);
  store<u32>(entry, length, LENGTH);
  memory.copy(bytes + used, from, length);
  used += length;
  if (isKnown) return;
  const bucket = bucketOf(from, length);
  store<u32>(entry, load<u32>(bucket), NEXT);
  store<u32>(bucket, count);
}

/** The lowest index of a name in lower case, or NONE. */
export function findDomain(name: usize, length: u32): u32 {
  for (let next = load<u32>(bucketOf(name, length)); next != 0; ) {
    const entry = entries + <usize>(next - 1) * ENTRY;
    if (load<u32>(entry, LENGTH) == length && memory.compare(bytes + load<u32>(entry, OFFSET), name, length) == 0) return next - 1;
    next = load<u32>(entry, NEXT);
  }
  return NONE;
}

export function domainAddress(domain: u32): usize {
  return bytes + load<u32>(entries + <usize>domain * ENTRY, OFFSET);
}

export function domainLength(domain: u32): u32 {
  return load<u32>(entries + <usize>domain * ENTRY, LENGTH);
}

/** FNV-1a. */
function bucketOf(name: usize, length: u32): usize {
  let hash: u32 = 0x811c9dc5;
  for (let at: usize = 0; at < <usize>length; at++) hash = (hash ^ load<u8>(name + at)) * 0x01000193;
  return buckets + (<usize>(hash & bucketMask) << 2);
}
