/**
 * Virtual services of IPVS and their real servers. Key: namespace and mark. Capacity: `capacity.virtualServices` and
 * `capacity.realServers`, twice each: a program that comes later is compared with the one before.
 */
import { CAPACITY_REAL_SERVERS, CAPACITY_VIRTUAL_SERVICES, Section } from "../abi/image";
import {
  SERVER_ADDRESS,
  SERVER_FORWARDING,
  SERVER_SIZE,
  SERVER_WEIGHT,
  SERVICE_COUNT,
  SERVICE_FIRST,
  SERVICE_FWMARK,
  SERVICE_NAMESPACE,
  SERVICE_SIZE,
} from "../abi/ipvs";
import { NONE } from "../abi/version";
import { powerOfTwo, reserve } from "../memory/arena";
import { capacity, record, recordCount } from "../memory/image";
import { finalize } from "../simulation/random";

@unmanaged
export class Service {
  index: u32;
  namespace: u32;
  fwmark: u32;
  /** Its real servers: index of the first, and how many. */
  first: u32;
  count: u32;
  /** Which of them was chosen last, counted from the first, or NONE. */
  last: u32;
  /** Address of the next one of the same bucket, or 0. */
  next: u32;
  /** Address of the same service in the program that came later, or 0. */
  successor: u32;
}

const SERVICE_BYTES: usize = 32;

/** Those of the program in force; the ones before lie in the other half. */
let services: usize = 0;
let servers: usize = 0;
let otherServices: usize = 0;
let otherServers: usize = 0;
export let serviceCount: u32 = 0;
let buckets: usize = 0;
let bucketCount: u32 = 0;

export function reserveServices(): void {
  if (offsetof<Service>() > SERVICE_BYTES) ERROR("Service outgrew its stride");
  services = reserve(capacity(CAPACITY_VIRTUAL_SERVICES), SERVICE_BYTES);
  otherServices = reserve(capacity(CAPACITY_VIRTUAL_SERVICES), SERVICE_BYTES);
  servers = reserve(capacity(CAPACITY_REAL_SERVERS), SERVER_SIZE);
  otherServers = reserve(capacity(CAPACITY_REAL_SERVERS), SERVER_SIZE);
  bucketCount = <u32>powerOfTwo(max<u64>(2 * <u64>capacity(CAPACITY_VIRTUAL_SERVICES), 4));
  buckets = reserve(bucketCount, 4);
}

@inline export function serviceAt(index: u32): Service {
  return changetype<Service>(services + <usize>index * SERVICE_BYTES);
}

@inline function bucketOf(namespace: u32, fwmark: u32): usize {
  return buckets + (<usize>(finalize((namespace << 16) ^ fwmark) & (bucketCount - 1)) << 2);
}

/** The service of a mark, or null. */
export function findService(namespace: u32, fwmark: u32): Service {
  let at = <usize>load<u32>(bucketOf(namespace, fwmark));
  while (at != 0) {
    const service = changetype<Service>(at);
    if (service.namespace == namespace && service.fwmark == fwmark) break;
    at = service.next;
  }
  return changetype<Service>(at);
}

@inline export function isNoService(service: Service): bool {
  return changetype<usize>(service) == 0;
}

@inline function server(index: u32): usize {
  return servers + <usize>index * SERVER_SIZE;
}

/** Of a real server, by its index; the address in reading order. */
@inline export function serverAddress(index: u32): u32 {
  return load<u32>(server(index), SERVER_ADDRESS);
}

@inline export function serverWeight(index: u32): u32 {
  return load<u32>(server(index), SERVER_WEIGHT);
}

@inline export function serverForwarding(index: u32): u32 {
  return load<u32>(server(index), SERVER_FORWARDING);
}

/** Which real server of a service has an address: its index, or NONE. */
export function serverOf(service: Service, address: u32): u32 {
  for (let index = service.first; index < service.first + service.count; index++) if (serverAddress(index) == address) return index;
  return NONE;
}

/** ip_vs_rr_schedule: the next real server that takes connections: its index, or NONE. */
export function choose(service: Service): u32 {
  const count = service.count;
  const start = service.last == NONE ? 0 : service.last + 1;
  for (let step: u32 = 0; step < count; step++) {
    const position = (start + step) % count;
    if (serverWeight(service.first + position) == 0) continue;
    service.last = position;
    return service.first + position;
  }
  return NONE;
}

/** Reads services from the image. Those that were there have their successors afterwards. */
export function fillServices(): void {
  const before = services;
  const countBefore = serviceCount;
  services = otherServices;
  otherServices = before;
  const serversBefore = servers;
  servers = otherServers;
  otherServers = serversBefore;
  for (let index: u32 = 0; index < countBefore; index++) changetype<Service>(before + <usize>index * SERVICE_BYTES).successor = 0;
  serviceCount = recordCount(Section.VirtualServices);
  memory.copy(servers, record(Section.RealServers, 0, SERVER_SIZE), <usize>recordCount(Section.RealServers) * SERVER_SIZE);
  // The index still leads to the services before.
  for (let index: u32 = 0; index < serviceCount; index++) fillService(index, record(Section.VirtualServices, index, SERVICE_SIZE));
  memory.fill(buckets, 0, <usize>bucketCount << 2);
  for (let index: u32 = 0; index < serviceCount; index++) {
    const service = serviceAt(index);
    const bucket = bucketOf(service.namespace, service.fwmark);
    service.next = load<u32>(bucket);
    store<u32>(bucket, <u32>changetype<usize>(service));
  }
}

function fillService(index: u32, from: usize): void {
  const service = serviceAt(index);
  service.index = index;
  service.namespace = load<u32>(from, SERVICE_NAMESPACE);
  service.fwmark = load<u32>(from, SERVICE_FWMARK);
  service.first = load<u32>(from, SERVICE_FIRST);
  service.count = load<u32>(from, SERVICE_COUNT);
  const before = findService(service.namespace, service.fwmark);
  service.last = isNoService(before) ? NONE : followLast(before, service);
  if (!isNoService(before)) before.successor = <u32>changetype<usize>(service);
}

/** Where the real server that was chosen last is now, or the nearest before it that is still there; else NONE. */
function followLast(before: Service, service: Service): u32 {
  if (before.last == NONE) return NONE;
  for (let position = before.last + 1; position > 0; position--) {
    const address = load<u32>(otherServers + <usize>(before.first + position - 1) * SERVER_SIZE, SERVER_ADDRESS);
    const index = serverOf(service, address);
    if (index != NONE) return index - service.first;
  }
  return NONE;
}
