/**
 * Forwarding databases of all bridges. Key: bridge and MAC. Value: port and when it was last seen. Capacity: `capacity.fdb`
 * learned entries; when they are all in use, aged ones make room, and if there are none the new address is not learned. The MACs
 * of a bridge and its ports are in the table too, as the kernel has them; they never age and do not count.
 */
import { FDB_AGEING_NS } from "../abi/limits";
import { DeviceKind } from "../abi/program";
import { reserve, powerOfTwo } from "../memory/arena";
import { clock } from "../simulation/clock";
import { Device, deviceAt, deviceCount, isNull } from "./device";

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
  const size = powerOfTwo(max<u64>((<u64>entries + <u64>deviceCount) * 2, 16));
  mask = <u32>(size - 1);
  shift = <u32>(64 - ctz(size));
  base = reserve(size, ENTRY_BYTES);
  spare = reserve(size, ENTRY_BYTES);
}

/** Enters the addresses of bridges and ports. */
export function fillFdb(): void {
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (device.kind == DeviceKind.Bridge) enterOwn(device, device.mac);
    if (!isNull(device.master)) enterOwn(device.master, device.mac);
  }
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
  const from = base;
  base = spare;
  spare = from;
  memory.fill(base, 0, (<usize>mask + 1) * ENTRY_BYTES);
  learned = 0;
  oldest = i64.MAX_VALUE;
  for (let slot: usize = 0; slot <= mask; slot++) {
    const entry = changetype<Entry>(from + slot * ENTRY_BYTES);
    if (entry.key == 0) continue;
    const isOwn = isNull(entry.port);
    if (!isOwn && clock - entry.updated > AGEING) continue;
    memory.copy(changetype<usize>(entryOf(entry.key)), changetype<usize>(entry), ENTRY_BYTES);
    if (isOwn) continue;
    learned++;
    oldest = min(oldest, entry.updated);
  }
}
