/** Domain names by index, in wire form and lower case. Capacities: `capacity.domains`, `capacity.domainBytes`. A patch appends. */
import { DOMAIN_BYTES, DOMAIN_OFFSET, DOMAIN_SIZE } from "../abi/dns";
import { Section } from "../abi/image";
import { reserve } from "../memory/arena";
import { record, recordCount } from "../memory/image";

let index: usize = 0;
let bytes: usize = 0;
let count: u32 = 0;
let used: u32 = 0;

export function reserveDomains(entries: u32, bytesOfAll: u32): void {
  index = reserve(entries, DOMAIN_SIZE);
  bytes = reserve(bytesOfAll, 1);
}

export function fillDomains(): void {
  used = recordCount(Section.DomainBytes);
  memory.copy(bytes, record(Section.DomainBytes, 0, 1), used);
  count = recordCount(Section.Domains);
  memory.copy(index, record(Section.Domains, 0, DOMAIN_SIZE), <usize>count * DOMAIN_SIZE);
}

/** The host has made sure that there is room. */
export function appendDomain(from: usize, length: u32): void {
  const entry = index + <usize>count * DOMAIN_SIZE;
  count++;
  store<u32>(entry, used, DOMAIN_OFFSET);
  store<u32>(entry, length, DOMAIN_BYTES);
  memory.copy(bytes + used, from, length);
  used += length;
}

export function domainAddress(domain: u32): usize {
  return bytes + load<u32>(index + <usize>domain * DOMAIN_SIZE, DOMAIN_OFFSET);
}

export function domainLength(domain: u32): u32 {
  return load<u32>(index + <usize>domain * DOMAIN_SIZE, DOMAIN_BYTES);
}
