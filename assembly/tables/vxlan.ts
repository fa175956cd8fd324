/**
 * VXLAN devices by underlay, port and number, and their forwarding databases. Key of these: device and MAC. Value: remote address, and
 * when it was last seen. Capacity: `capacity.vxlanRemotes` permanent entries and as many learned ones; when the learned ones are all in
 * use, aged ones make room, and if there are none the new MAC is not learned.
 */
import { CAPACITY_DEVICES, CAPACITY_VXLAN_REMOTES, Section } from "../abi/image";
import { VXLAN_AGEING_NS } from "../abi/limits";
import { DEVICE_UP, DeviceKind, VXLAN_REMOTE_DEVICE, VXLAN_REMOTE_IP, VXLAN_REMOTE_MAC_HIGH, VXLAN_REMOTE_MAC_LOW, VXLAN_REMOTE_SIZE } from "../abi/program";
import { powerOfTwo, reserve } from "../memory/arena";
import { HashTable } from "../memory/hash-table";
import { capacity as capacityOf, record, recordCount } from "../memory/image";
import { clock } from "../simulation/clock";
import { macFromWords } from "../wire/ethernet";
import { Device, deviceAt, deviceCount } from "./device";
import { Namespace, namespaceAt, namespaceCount } from "./namespace";

@unmanaged
class Entry {
  mac: u64;
  /** PERMANENT: it is the program's. */
  updated: i64;
  /** Null: the place is free. */
  device: Device;
  remote: u32;
}

const ENTRY_BYTES: usize = 24;
const FIBONACCI: u64 = 0x9e3779b97f4a7c15;
const PERMANENT: i64 = i64.MAX_VALUE;
const AGEING = <i64>VXLAN_AGEING_NS;
/** What stands for all MACs without an entry. */
export const MAC_DEFAULT: u64 = 0;

/** All VXLAN devices by what their datagrams have. */
const TUNNELS = changetype<HashTable>(memory.data(16, 8));
/** Underlay and port of those that are up. */
const PORTS = changetype<HashTable>(memory.data(16, 8));

let base: usize = 0;
let spare: usize = 0;
let mask: u32 = 0;
let shift: u32 = 0;
let capacity: u32 = 0;
let learned: u32 = 0;

export function reserveVxlans(): void {
  if (offsetof<Entry>() > ENTRY_BYTES) ERROR("Entry outgrew its stride");
  TUNNELS.reserve(capacityOf(CAPACITY_DEVICES));
  PORTS.reserve(capacityOf(CAPACITY_DEVICES));
  capacity = capacityOf(CAPACITY_VXLAN_REMOTES);
  const size = powerOfTwo(max<u64>(<u64>capacity * 4, 16));
  mask = <u32>(size - 1);
  shift = <u32>(64 - ctz(size));
  base = reserve(size, ENTRY_BYTES);
  spare = reserve(size, ENTRY_BYTES);
}

/** The program's entries; what was learned before stays if its device is there and knows no better. */
export function fillVxlans(): void {
  indexVxlans();
  const from = turnOver();
  for (let index: u32 = 0; index < recordCount(Section.VxlanRemotes); index++) {
    const at = record(Section.VxlanRemotes, index, VXLAN_REMOTE_SIZE);
    const mac = macFromWords(load<u32>(at, VXLAN_REMOTE_MAC_HIGH), load<u32>(at, VXLAN_REMOTE_MAC_LOW));
    write(deviceAt(load<u32>(at, VXLAN_REMOTE_DEVICE)), mac, load<u32>(at, VXLAN_REMOTE_IP), PERMANENT);
  }
  for (let slot: usize = 0; slot <= mask; slot++) {
    const entry = changetype<Entry>(from + slot * ENTRY_BYTES);
    if (isFree(entry) || entry.updated == PERMANENT || !isUp(entry.device)) continue;
    if (isFree(entryOf(entry.device, entry.mac))) keep(entry);
  }
}

@inline function isUp(device: Device): bool {
  return device.kind == DeviceKind.Vxlan && (device.flags & DEVICE_UP) != 0;
}

/** Files the devices anew: some are others, up or down. */
export function indexVxlans(): void {
  TUNNELS.clear();
  PORTS.clear();
  for (let index: u32 = 0; index < namespaceCount; index++) namespaceAt(index).carries = false;
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (device.kind != DeviceKind.Vxlan) continue;
    TUNNELS.insert(keyOf(device.underlay, device.port, device.vni), <u32>changetype<usize>(device));
    if (!isUp(device)) continue;
    device.underlay.carries = true;
    const port = portKey(device.underlay, device.port);
    if (PORTS.find(port) == 0) PORTS.insert(port, 1);
  }
}

@inline function keyOf(underlay: Namespace, port: u32, vni: u32): u64 {
  return (<u64>(underlay.index + 1) << 40) | (<u64>vni << 16) | <u64>port;
}

@inline function portKey(underlay: Namespace, port: u32): u64 {
  return (<u64>(underlay.index + 1) << 16) | <u64>port;
}

/** Whether a VXLAN device takes what comes to the port. */
@inline export function isVxlanPort(underlay: Namespace, port: u32): bool {
  return underlay.carries && PORTS.find(portKey(underlay, port)) != 0;
}

/** The device that is up, or null. */
@inline export function findVxlan(underlay: Namespace, port: u32, vni: u32): Device {
  const device = changetype<Device>(<usize>TUNNELS.find(keyOf(underlay, port, vni)));
  return changetype<usize>(device) != 0 && device.flags & DEVICE_UP ? device : changetype<Device>(0);
}

/** The entry of a MAC, or the free place for it. */
@inline function entryOf(device: Device, mac: u64): Entry {
  let slot = <u32>(((mac ^ (<u64>device.index << 40)) * FIBONACCI) >> shift);
  while (true) {
    const entry = changetype<Entry>(base + <usize>slot * ENTRY_BYTES);
    if (isFree(entry) || (entry.mac == mac && entry.device == device)) return entry;
    slot = (slot + 1) & mask;
  }
}

@inline function isFree(entry: Entry): bool {
  return changetype<usize>(entry.device) == 0;
}

@inline function isAged(entry: Entry): bool {
  return entry.updated != PERMANENT && clock - entry.updated > AGEING;
}

function write(device: Device, mac: u64, remote: u32, updated: i64): void {
  const entry = entryOf(device, mac);
  entry.device = device;
  entry.mac = mac;
  entry.remote = remote;
  entry.updated = updated;
}

/** Whether there is an entry of a MAC, aged or not. */
export function hasRemote(device: Device, mac: u64): bool {
  return !isFree(entryOf(device, mac));
}

/** Behind which address a MAC is; 0: nobody knows. */
@inline export function findRemote(device: Device, mac: u64): u32 {
  const entry = entryOf(device, mac);
  return isFree(entry) || isAged(entry) ? 0 : entry.remote;
}

/** Whether a permanent entry says that the MAC is elsewhere; what is not permanent is learned. */
@inline export function isElsewhere(device: Device, mac: u64, remote: u32): bool {
  const entry = entryOf(device, mac);
  if (isFree(entry)) {
    learn(device, mac, remote);
    return false;
  }
  if (entry.updated == PERMANENT) return entry.remote != remote;
  entry.remote = remote;
  entry.updated = clock;
  return false;
}

function learn(device: Device, mac: u64, remote: u32): void {
  if (learned >= capacity) removeAged();
  if (learned >= capacity) return;
  learned++;
  write(device, mac, remote, clock);
}

function removeAged(): void {
  const from = turnOver();
  for (let slot: usize = 0; slot <= mask; slot++) {
    const entry = changetype<Entry>(from + slot * ENTRY_BYTES);
    if (!isFree(entry) && !isAged(entry)) keep(entry);
  }
}

/** Empties the table; what was in it is at the address returned. */
function turnOver(): usize {
  const from = base;
  base = spare;
  spare = from;
  memory.fill(base, 0, (<usize>mask + 1) * ENTRY_BYTES);
  learned = 0;
  return from;
}

function keep(entry: Entry): void {
  if (entry.updated != PERMANENT) learned++;
  write(entry.device, entry.mac, entry.remote, entry.updated);
}
