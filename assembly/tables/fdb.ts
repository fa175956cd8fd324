/**
 * Forwarding databases of all bridges. Key: bridge and MAC. Value: port and when it was last seen. Capacity: `capacity.fdb`
 * learned entries; when they are all in use, aged ones make room, and if there are none the new address is not learned. The MACs
 * of a bridge and its ports are in the table too, as the kernel has them; they never age and do not count.
 */
import { CAPACITY_DEVICES } from "../abi/image";
import { FDB_AGEING_NS } from "../abi/limits";
import { DEVICE_UP, DeviceKind } from "../abi/program";
import { reserve, powerOfTwo } from "../memory/arena";
import { capacity as capacityOf } from "../memory/image";
import { clock } from "../simulation/clock";
import { Device, deviceAt, deviceCount, isNull } from "./device";
import { hasRemote } from "./vxlan";

@unmanaged
class Entry {
  /** 0: the place is free. */
  key: u64;
  updated: i64;
  /** Null: one of the bridge's own addresses. */
  port: Device;
}

const ENTRY_BYTES: usize = 24;
const FIBONACCI: u64 = 0x9e3779b97f4a7c15;
const AGEING = <i64>FDB_AGEING_NS;
const MAC_BITS: u64 = 0xffffffffffff;
const NO_DEVICE = changetype<Device>(0);

let base: usize = 0;
let spare: usize = 0;
let mask: u32 = 0;
let shift: u32 = 0;
let capacity: u32 = 0;
let learned: u32 = 0;
/** No entry was updated before this time. */
let oldest: i64 = i64.MAX_VALUE;

/** What `find` found: a port, nothing, or an address of the bridge itself. */
export enum Found {
  Nothing = 0,
  Port,
  Own,
}

/** The port that the last successful `find` returned. */
export let foundPort: Device = NO_DEVICE;

export function reserveFdb(entries: u32): void {
  if (offsetof<Entry>() > ENTRY_BYTES) ERROR("Entry outgrew its stride");
  capacity = entries;
  const size = powerOfTwo(max<u64>((<u64>entries + <u64>capacityOf(CAPACITY_DEVICES)) * 2, 16));
  mask = <u32>(size - 1);
  shift = <u32>(64 - ctz(size));
  base = reserve(size, ENTRY_BYTES);
  spare = reserve(size, ENTRY_BYTES);
}

/** Enters the addresses of bridges and ports. What was learned before stays if it is about a port that there is. */
export function fillFdb(): void {
  const from = turnOver();
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (device.kind == DeviceKind.Bridge) enterOwn(device, device.mac);
    if (!isNull(device.master)) enterOwn(device.master, device.mac);
  }
  for (let slot: usize = 0; slot <= mask; slot++) {
    const entry = changetype<Entry>(from + slot * ENTRY_BYTES);
    if (entry.key == 0 || isNull(entry.port) || !isPortOf(entry.port, <u32>(entry.key >> 48))) continue;
    if (MANY_HOSTS && entry.port.kind == DeviceKind.Vxlan && !hasRemote(entry.port, entry.key & MAC_BITS)) continue;
    if (entryOf(entry.key).key == 0) keep(entry);
  }
}

function isPortOf(port: Device, bridge: u32): bool {
  return (port.flags & DEVICE_UP) != 0 && !isNull(port.master) && port.master.bridge == bridge;
}

function enterOwn(bridge: Device, mac: u64): void {
  const entry = entryOf(keyOf(bridge, mac));
  if (entry.key == 0) entry.key = keyOf(bridge, mac);
}

@inline function keyOf(bridge: Device, mac: u64): u64 {
  return mac | (<u64>bridge.bridge << 48);
}

/** The entry of the key, or the free place where it belongs. */
@inline function entryOf(key: u64): Entry {
  let slot = <u32>((key * FIBONACCI) >> shift);
  while (true) {
    const entry = changetype<Entry>(base + <usize>slot * ENTRY_BYTES);
    if (entry.key == key || entry.key == 0) return entry;
    slot = (slot + 1) & mask;
  }
}

@inline export function learn(bridge: Device, mac: u64, port: Device): void {
  const key = keyOf(bridge, mac);
  const entry = entryOf(key);
  if (entry.key == 0) {
    enter(key, port);
  } else if (!isNull(entry.port)) {
    entry.port = port;
    entry.updated = clock;
  }
  if (clock < oldest) oldest = clock;
}

@inline export function find(bridge: Device, mac: u64): Found {
  const entry = entryOf(keyOf(bridge, mac));
  if (entry.key == 0) return Found.Nothing;
  if (isNull(entry.port)) return Found.Own;
  if (clock - entry.updated > AGEING) return Found.Nothing;
  foundPort = entry.port;
  return Found.Port;
}

function enter(key: u64, port: Device): void {
  if (learned >= capacity && clock - oldest > AGEING) forgetAged();
  if (learned >= capacity) return;
  const entry = entryOf(key);
  entry.key = key;
  entry.port = port;
  entry.updated = clock;
  learned++;
}

/** Moves what is not aged into the spare table. */
function forgetAged(): void {
  const from = turnOver();
  for (let slot: usize = 0; slot <= mask; slot++) {
    const entry = changetype<Entry>(from + slot * ENTRY_BYTES);
    if (entry.key == 0) continue;
    if (isNull(entry.port)) memory.copy(changetype<usize>(entryOf(entry.key)), changetype<usize>(entry), ENTRY_BYTES);
    else if (clock - entry.updated <= AGEING) keep(entry);
  }
}

/** Goes on with the spare table, which is empty then; returns the old one. */
function turnOver(): usize {
  const from = base;
  base = spare;
  spare = from;
  memory.fill(base, 0, (<usize>mask + 1) * ENTRY_BYTES);
  learned = 0;
  oldest = i64.MAX_VALUE;
  return from;
}

function keep(entry: Entry): void {
  memory.copy(changetype<usize>(entryOf(entry.key)), changetype<usize>(entry), ENTRY_BYTES);
  learned++;
  oldest = min(oldest, entry.updated);
}
