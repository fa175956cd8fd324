/** Hosts with their CPUs, and network namespaces, each of which is two stacks: IPv4, and IPv6. Key: index. */
import { CAPACITY_ADDRESSES, CAPACITY_HOSTS, CAPACITY_NAMESPACES, Section } from "../abi/image";
import { PROCESS_PORT_LAST } from "../abi/limits";
import {
  ADDRESS_DEVICE,
  ADDRESS_IP,
  ADDRESS_SIZE,
  DeviceKind,
  HOST_BACKLOG,
  HOST_COSTLESS,
  HOST_CPUS,
  HOST_SIZE,
  NAMESPACE_FORWARDING,
  NAMESPACE_FORWARDING6,
  NAMESPACE_HOP_LIMIT,
  NAMESPACE_HOST,
  NAMESPACE_SIZE,
  NAMESPACE_TTL,
} from "../abi/program";
import { reserve, reserveLate } from "../memory/arena";
import { capacity, record, recordCount } from "../memory/image";
import { ringBytes, TimeRing } from "../memory/ring";
import { COSTS, NO_COSTS } from "../simulation/cpu";
import { Device, deviceAt, deviceCount } from "./device";

/** Its ring tells when what it has been given will be done. */
@unmanaged
export class Cpu extends TimeRing {
  busyUntil: i64;
  /** All the time that it has worked. */
  busy: i64;
  /** Completions that it may have before it. */
  backlog: u32;
  /** What node visits cost: a table of i64. */
  costs: usize;
}

@unmanaged
export class Host {
  /** Address of the first; they follow each other. */
  cpus: usize;
  cpuCount: u32;
}

/** One of the two stacks of a namespace. */
@unmanaged
export class Namespace {
  /** Of the namespace; both stacks have the same. */
  index: u32;
  /** What tables know it by: index × 2, and 1 more for IPv6. */
  key: u32;
  isIpv6: bool;
  forwarding: u32;
  ttl: u32;
  /** Identification of the next packet, or of the next one that is fragmented. */
  nextId: u32;
  host: Host;
  /** The CPU that its sockets and timers run on. */
  cpu: Cpu;
  /** The first loopback device, or null. */
  loopback: Device;
  /** Its routes, longest prefix first, and its addresses, u32 each. */
  routes: usize;
  routeCount: u32;
  addresses: usize;
  addressCount: u32;
  /** The port that a process of it tries next; the IPv4 stack's counts for both. */
  processPort: u32;
  /** Bits of what its packets meet: FILTERS and so on (`ruleset.ts`); 0: nothing. */
  filter: u32;
  /** It is the underlay of VXLAN devices that are up. */
  carries: bool;
  /** IPsec: something that goes out may have to be encrypted, or comes encrypted. */
  hasPolicies: bool;
  knowsEsp: bool;
}

const CPU_BYTES: usize = 40;
const HOST_BYTES: usize = 8;
const STACK_BYTES: usize = 64;
const NAMESPACE_BYTES: usize = 2 * STACK_BYTES;

let hosts: usize = 0;
let hostCount: u32 = 0;
/** Where the CPUs of hosts to come are, and behind them their rings. */
let cpus: usize = 0;
let rings: usize = 0;
let namespaces: usize = 0;
let addressList: usize = 0;
export let namespaceCount: u32 = 0;

export function reserveNamespaces(): void {
  if (offsetof<Cpu>() > CPU_BYTES) ERROR("Cpu outgrew its stride");
  if (offsetof<Host>() > HOST_BYTES) ERROR("Host outgrew its stride");
  if (offsetof<Namespace>() > STACK_BYTES) ERROR("Namespace outgrew its stride");
  hosts = reserve(capacity(CAPACITY_HOSTS), HOST_BYTES);
  cpus = reserve(cpuBytes() + ringsBytes(), 1);
  rings = cpus + <usize>cpuBytes();
  namespaces = reserve(capacity(CAPACITY_NAMESPACES), NAMESPACE_BYTES);
  addressList = reserve(capacity(CAPACITY_ADDRESSES), 4);
}

/** Room for the CPUs of hosts that a program adds. False: there is none. */
export function reserveAddedHosts(): bool {
  if (recordCount(Section.Hosts) == hostCount) return true;
  cpus = reserveLate(cpuBytes() + ringsBytes());
  rings = cpus + <usize>cpuBytes();
  return cpus != 0;
}

function cpuBytes(): u64 {
  let count: u64 = 0;
  for (let index = hostCount; index < recordCount(Section.Hosts); index++) count += <u64>load<u32>(record(Section.Hosts, index, HOST_SIZE), HOST_CPUS);
  return count * CPU_BYTES;
}

function ringsBytes(): u64 {
  let bytes: u64 = 0;
  for (let index = hostCount; index < recordCount(Section.Hosts); index++) {
    const host = record(Section.Hosts, index, HOST_SIZE);
    bytes += <u64>load<u32>(host, HOST_CPUS) * ringBytes(load<u32>(host, HOST_BACKLOG));
  }
  return bytes;
}

/** Makes the namespaces that are new, and lets the others have what the program says. */
export function fillNamespaces(): void {
  fillHosts();
  const known = namespaceCount;
  namespaceCount = recordCount(Section.Namespaces);
  for (let index: u32 = 0; index < namespaceCount; index++) {
    const from = record(Section.Namespaces, index, NAMESPACE_SIZE);
    const namespace = namespaceAt(index);
    const stack6 = ipv6Of(namespace);
    namespace.forwarding = load<u32>(from, NAMESPACE_FORWARDING);
    namespace.ttl = load<u32>(from, NAMESPACE_TTL);
    stack6.forwarding = load<u32>(from, NAMESPACE_FORWARDING6);
    stack6.ttl = load<u32>(from, NAMESPACE_HOP_LIMIT);
    if (index < known) continue;
    const host = changetype<Host>(hosts + <usize>load<u32>(from, NAMESPACE_HOST) * HOST_BYTES);
    startStack(namespace, index, host, false);
    startStack(stack6, index, host, true);
  }
}

function startStack(stack: Namespace, index: u32, host: Host, isIpv6: bool): void {
  stack.index = index;
  stack.key = (index << 1) | <u32>isIpv6;
  stack.isIpv6 = isIpv6;
  stack.nextId = 1;
  stack.processPort = PROCESS_PORT_LAST;
  stack.host = host;
  stack.cpu = cpuAt(host, index % host.cpuCount);
}

function fillHosts(): void {
  let cpu = cpus;
  let ring = rings;
  for (let index = hostCount; index < recordCount(Section.Hosts); index++) {
    const from = record(Section.Hosts, index, HOST_SIZE);
    const host = changetype<Host>(hosts + <usize>index * HOST_BYTES);
    const backlog = load<u32>(from, HOST_BACKLOG);
    host.cpus = cpu;
    host.cpuCount = load<u32>(from, HOST_CPUS);
    for (let cpuIndex: u32 = 0; cpuIndex < host.cpuCount; cpuIndex++) {
      changetype<Cpu>(cpu).backlog = backlog;
      changetype<Cpu>(cpu).costs = load<u32>(from, HOST_COSTLESS) != 0 ? NO_COSTS : COSTS;
      changetype<Cpu>(cpu).attach(ring, backlog);
      cpu += CPU_BYTES;
      ring += <usize>ringBytes(backlog);
    }
  }
  hostCount = recordCount(Section.Hosts);
}

/** What namespaces have because of their devices, once those are there: addresses, and the first loopback. */
export function fillAddresses(): void {
  for (let index: u32 = 0; index < namespaceCount; index++) {
    namespaceAt(index).loopback = changetype<Device>(0);
    namespaceAt(index).addressCount = 0;
  }
  for (let index = deviceCount; index > 0; index--) {
    const device = deviceAt(index - 1);
    if (device.kind == DeviceKind.Loopback) device.namespace.loopback = device;
  }
  for (let index: u32 = 0; index < namespaceCount; index++) ipv6Of(namespaceAt(index)).loopback = namespaceAt(index).loopback;
  const count = recordCount(Section.Addresses);
  for (let index: u32 = 0; index < count; index++) namespaceOfAddress(index).addressCount++;
  let at = addressList;
  for (let index: u32 = 0; index < namespaceCount; index++) {
    const namespace = namespaceAt(index);
    namespace.addresses = at;
    at += <usize>namespace.addressCount << 2;
    namespace.addressCount = 0;
  }
  for (let index: u32 = 0; index < count; index++) {
    const namespace = namespaceOfAddress(index);
    const ip = load<u32>(record(Section.Addresses, index, ADDRESS_SIZE), ADDRESS_IP);
    store<u32>(namespace.addresses + (<usize>namespace.addressCount << 2), ip);
    namespace.addressCount++;
  }
}

function namespaceOfAddress(index: u32): Namespace {
  return deviceAt(load<u32>(record(Section.Addresses, index, ADDRESS_SIZE), ADDRESS_DEVICE)).namespace;
}

/** The IPv4 stack. */
@inline export function namespaceAt(index: u32): Namespace {
  return changetype<Namespace>(namespaces + <usize>index * NAMESPACE_BYTES);
}

/** The other stack of the same namespace. */
@inline export function ipv6Of(ipv4: Namespace): Namespace {
  return changetype<Namespace>(changetype<usize>(ipv4) + STACK_BYTES);
}

/** A stack by its key. */
@inline export function stackAt(key: u32): Namespace {
  return changetype<Namespace>(namespaces + <usize>key * STACK_BYTES);
}

/** The stack of a namespace for a family. */
@inline export function stackOf(ipv4: Namespace, isIpv6: bool): Namespace {
  return isIpv6 ? ipv6Of(ipv4) : ipv4;
}

/** Time that the CPUs of a host have worked. */
export function busyTime(index: u32): f64 {
  const host = changetype<Host>(hosts + <usize>index * HOST_BYTES);
  let busy: i64 = 0;
  for (let cpuIndex: u32 = 0; cpuIndex < host.cpuCount; cpuIndex++) busy += cpuAt(host, cpuIndex).busy;
  return <f64>busy;
}

@inline export function cpuAt(host: Host, index: u32): Cpu {
  return changetype<Cpu>(host.cpus + <usize>index * CPU_BYTES);
}
