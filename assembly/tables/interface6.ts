/**
 * IPv6 addresses of devices, in the order of the program. Capacity: `capacity.addresses`. Another program replaces them; what is known
 * of the same address of the same device lives on. An address is tentative until nobody else has claimed it (RFC 4862 §5.4).
 */
import { CAPACITY_ADDRESSES, Section } from "../abi/image";
import { DAD_NS } from "../abi/limits";
import { ADDRESS6_DEVICE, ADDRESS6_FLAGS, ADDRESS6_IP, ADDRESS6_NODAD, ADDRESS6_PREFIX, ADDRESS6_SIZE, DeviceKind, RouteType } from "../abi/program";
import { reserve } from "../memory/arena";
import { capacity, record, recordCount } from "../memory/image";
import { clock, now } from "../simulation/clock";
import { Event, pushEvent } from "../simulation/event-queue";
import { commonPrefix6, isGroup6, isLinkLocal6, isSolicitedNodeOf6, LOCALHOST6, noteWords6, SCOPE_LINK, scopeOf6 } from "./address6";
import { Device, DEVICE_NO_ARP, deviceAt, deviceCount, isNull } from "./device";
import { forgetDecisions, Route } from "./fib";
import { ipv6Of, Namespace, namespaceAt, namespaceCount } from "./namespace";

@unmanaged
export class Address6 {
  device: Device;
  number: u32;
  prefix: u32;
  /** Nobody knows yet whether somebody else has it. */
  tentative: bool;
  solicited: bool;
  /** The event in progress is to ask for it. */
  asks: bool;
  /** Somebody else has it. */
  failed: bool;
  /** When it appeared. */
  since: i64;
}

const ENTRY_BYTES: usize = 32;

/** Those of the program in force, and room for those of the next. */
let entries: usize = 0;
let spare: usize = 0;
let count: u32 = 0;
/** Addresses of the entries of each namespace, u32 each. */
let lists: usize = 0;
let dadQueued: bool = false;

export function reserveInterfaces6(): void {
  if (offsetof<Address6>() > ENTRY_BYTES) ERROR("Address6 outgrew its stride");
  const most = capacity(CAPACITY_ADDRESSES);
  entries = reserve(most, ENTRY_BYTES);
  spare = reserve(most, ENTRY_BYTES);
  lists = reserve(most, 4);
}

@inline function entryAt(index: u32): Address6 {
  return changetype<Address6>(entries + <usize>index * ENTRY_BYTES);
}

@inline function listed(stack: Namespace, index: u32): Address6 {
  return changetype<Address6>(<usize>load<u32>(stack.addresses + (<usize>index << 2)));
}

/** Devices and their namespaces come first. */
export function fillInterfaces6(): void {
  const known = entries;
  const knownCount = count;
  entries = spare;
  spare = known;
  count = recordCount(Section.Addresses6);
  for (let index: u32 = 0; index < count; index++) fillEntry(entryAt(index), record(Section.Addresses6, index, ADDRESS6_SIZE), known, knownCount);
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    device.lostAddress6 = device.hasAddress6;
    device.hasAddress6 = false;
  }
  for (let index: u32 = 0; index < count; index++) {
    const device = entryAt(index).device;
    device.hasAddress6 = true;
    device.lostAddress6 = false;
  }
  fillLists();
  queueDad(clock);
}

function fillEntry(entry: Address6, from: usize, known: usize, knownCount: u32): void {
  const device = deviceAt(load<u32>(from, ADDRESS6_DEVICE));
  const number = noteWords6(from + ADDRESS6_IP);
  entry.device = device;
  entry.number = number;
  entry.prefix = load<u32>(from, ADDRESS6_PREFIX);
  entry.tentative = (load<u32>(from, ADDRESS6_FLAGS) & ADDRESS6_NODAD) == 0 && !(device.flags & DEVICE_NO_ARP);
  entry.solicited = false;
  entry.failed = false;
  entry.since = clock;
  for (let index: u32 = 0; index < knownCount && !device.restarted; index++) {
    const old = changetype<Address6>(known + <usize>index * ENTRY_BYTES);
    if (old.device != device || old.number != number) continue;
    entry.tentative = old.tentative;
    entry.solicited = old.solicited;
    entry.failed = old.failed;
    entry.since = old.since;
    return;
  }
}

/** Queues the event at which tentative addresses go on, if there are any. */
function queueDad(time: i64): void {
  if (dadQueued) return;
  for (let index: u32 = 0; index < count; index++) {
    if (!isTentative(entryAt(index))) continue;
    dadQueued = true;
    pushEvent(time, Event.Dad, 0, 0);
    return;
  }
}

function fillLists(): void {
  for (let index: u32 = 0; index < namespaceCount; index++) ipv6Of(namespaceAt(index)).addressCount = 0;
  for (let index: u32 = 0; index < count; index++) ipv6Of(entryAt(index).device.namespace).addressCount++;
  let at = lists;
  for (let index: u32 = 0; index < namespaceCount; index++) {
    const stack = ipv6Of(namespaceAt(index));
    stack.addresses = at;
    at += <usize>stack.addressCount << 2;
    stack.addressCount = 0;
  }
  for (let index: u32 = 0; index < count; index++) {
    const stack = ipv6Of(entryAt(index).device.namespace);
    store<u32>(stack.addresses + (<usize>stack.addressCount << 2), <u32>changetype<usize>(entryAt(index)));
    stack.addressCount++;
  }
}

@inline export function isTentative(entry: Address6): bool {
  return entry.tentative && !entry.failed;
}

@inline function isUsable(entry: Address6): bool {
  return !entry.tentative && !entry.failed;
}

/** Whether a namespace may use an address. */
export function isOwn6(stack: Namespace, number: u32): bool {
  for (let index: u32 = 0; index < stack.addressCount; index++) {
    const entry = listed(stack, index);
    if (entry.number == number && isUsable(entry)) return true;
  }
  return false;
}

/** Whether a device has the address, and may not use it. */
export function isWithheld6(device: Device, number: u32): bool {
  const entry = addressOn6(device, number);
  return !isNoAddress6(entry) && !isUsable(entry);
}

/** The device's address with a number, in whatever state, or null. */
export function addressOn6(device: Device, number: u32): Address6 {
  const stack = ipv6Of(device.namespace);
  for (let index: u32 = 0; index < stack.addressCount; index++) {
    const entry = listed(stack, index);
    if (entry.device == device && entry.number == number) return entry;
  }
  return changetype<Address6>(0);
}

@inline export function isNoAddress6(entry: Address6): bool {
  return changetype<usize>(entry) == 0;
}

/** Whether the device may use an address. */
export function hasUsable6(device: Device, number: u32): bool {
  const entry = addressOn6(device, number);
  return !isNoAddress6(entry) && isUsable(entry);
}

/** The first device of a namespace that may use the address, or null. */
export function ownerOf6(stack: Namespace, number: u32): Device {
  let owner = changetype<Device>(0);
  for (let index: u32 = 0; index < stack.addressCount; index++) {
    const entry = listed(stack, index);
    if (entry.number == number && isUsable(entry) && (isNull(owner) || entry.device.index < owner.index)) owner = entry.device;
  }
  return owner;
}

/** Whether the device listens to a solicited-node group: it joined that of each address that it has, usable or not. */
export function isSolicited6(device: Device, group: u32): bool {
  const stack = ipv6Of(device.namespace);
  for (let index: u32 = 0; index < stack.addressCount; index++) {
    const entry = listed(stack, index);
    if (entry.device == device && isSolicitedNodeOf6(group, entry.number)) return true;
  }
  return false;
}

/** The device's first usable address, or its first link-local one; 0: it has none. */
export function firstAddress6(device: Device, isLinkLocal: bool): u32 {
  const stack = ipv6Of(device.namespace);
  for (let index: u32 = 0; index < stack.addressCount; index++) {
    const entry = listed(stack, index);
    if (entry.device == device && isUsable(entry) && (!isLinkLocal || isLinkLocal6(entry.number))) return entry.number;
  }
  return 0;
}

/** A step of the detection for all tentative addresses: each asks now, or has waited long enough. */
export function stepTentative(): void {
  for (let index: u32 = 0; index < count; index++) {
    const entry = entryAt(index);
    entry.asks = isTentative(entry) && !entry.solicited;
    if (entry.asks) entry.solicited = true;
    else if (isTentative(entry) && entry.since + <i64>DAD_NS <= now) entry.tentative = false;
  }
  forgetDecisions();
}

/** The address of a stack with a place in its list if it asks, or null. */
export function asking(stack: Namespace, index: u32): Address6 {
  const entry = listed(stack, index);
  return entry.asks ? entry : changetype<Address6>(0);
}

/** All have taken their step: when the next one is. */
export function endTentativeStep(): void {
  dadQueued = false;
  let next = i64.MAX_VALUE;
  for (let index: u32 = 0; index < count; index++) {
    if (isTentative(entryAt(index))) next = min(next, entryAt(index).since + <i64>DAD_NS);
  }
  if (next != i64.MAX_VALUE) queueDad(max(next, now));
}

/** The source towards a destination by a route (which may be null: there is none that counts); 0: there is no address. */
export function chooseSource6(stack: Namespace, route: Route, destination: u32, device: Device): u32 {
  if (changetype<usize>(route) != 0) {
    if (route.source != 0) return route.source;
    if (route.type == RouteType.Local) return destination;
  }
  const scope = scopeOf6(destination);
  const isNarrow = scope <= SCOPE_LINK && (isGroup6(destination) || isLinkLocal6(destination));
  let best = changetype<Address6>(0);
  for (let index: u32 = 0; index < stack.addressCount; index++) {
    const entry = listed(stack, index);
    if (!isUsable(entry) || (isNarrow && entry.device != device)) continue;
    if (entry.number == LOCALHOST6 && device.kind != DeviceKind.Loopback) continue;
    if (isNoAddress6(best) || isBetter(entry, best, destination, scope, device)) best = entry;
  }
  return isNoAddress6(best) ? 0 : best.number;
}

/** RFC 6724 §5, rules 1, 2, 5 and 8. */
function isBetter(a: Address6, b: Address6, destination: u32, scope: u32, device: Device): bool {
  if (a.number == destination || b.number == destination) return a.number == destination && b.number != destination;
  const sa = scopeOf6(a.number);
  const sb = scopeOf6(b.number);
  if (sa != sb) return sa < sb ? sa >= scope : sb < scope;
  const isHere = a.device == device;
  if (isHere != (b.device == device)) return isHere;
  return min(commonPrefix6(a.number, destination), a.prefix) > min(commonPrefix6(b.number, destination), b.prefix);
}
