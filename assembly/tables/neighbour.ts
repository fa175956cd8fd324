/**
 * Neighbours (ARP, neighbour discovery). Key: device, family and address. Value: state, MAC, waiting packets, timer. Capacity: `capacity.neighbours`;
 * a full table takes no new entries, and only a new program removes some.
 */
import { Section } from "../abi/image";
import {
  NEIGHBOUR6_DEVICE,
  NEIGHBOUR6_IP,
  NEIGHBOUR6_MAC_HIGH,
  NEIGHBOUR6_MAC_LOW,
  NEIGHBOUR6_SIZE,
  NEIGHBOUR_DEVICE,
  NEIGHBOUR_IP,
  NEIGHBOUR_MAC_HIGH,
  NEIGHBOUR_MAC_LOW,
  NEIGHBOUR_SIZE,
} from "../abi/program";
import { reserve } from "../memory/arena";
import { HashTable } from "../memory/hash-table";
import { record, recordCount } from "../memory/image";
import { Packet } from "../memory/pool";
import { NEVER } from "../simulation/clock";
import { Event } from "../simulation/event-queue";
import { setTimer } from "../simulation/timer";
import { macFromWords } from "../wire/ethernet";
import { noteWords6 } from "./address6";
import { Device, deviceAt } from "./device";

/** NUD_*. */
export enum NeighbourState {
  None = 0,
  Incomplete,
  Reachable,
  Stale,
  Delay,
  Probe,
  Failed,
  Permanent,
}

@unmanaged
export class Neighbour {
  mac: u64;
  confirmed: i64;
  /** When the MAC last changed. */
  updated: i64;
  /** When Delay began. */
  since: i64;
  /** NEVER: its timer means nothing. */
  deadline: i64;
  dueAt: i64;
  state: NeighbourState;
  device: Device;
  ip: u32;
  /** Source of its requests. */
  solicitSource: u32;
  probes: u32;
  /** Packets that wait for the MAC, oldest first. */
  queueHead: usize;
  queueTail: usize;
  queueCount: u32;
  /** Timer events of it in the queue. */
  timers: u8;
  isIpv6: bool;
  /** A new program has it as a permanent one. */
  becomesPermanent: bool;
  /** The record is free: address of the next free one, or 0. */
  nextFree: usize;
}

const NEIGHBOUR_BYTES: usize = 88;
const NO_DEVICE = changetype<Device>(0);
const TABLE = changetype<HashTable>(memory.data(16, 8));

let base: usize = 0;
let capacity: u32 = 0;
export let neighbourCount: u32 = 0;
/** Records below `neighbourCount` that were freed, the lowest first. */
let free: usize = 0;

export function reserveNeighbours(entries: u32): void {
  if (offsetof<Neighbour>() > NEIGHBOUR_BYTES) ERROR("Neighbour outgrew its stride");
  capacity = entries;
  base = reserve(entries, NEIGHBOUR_BYTES);
  TABLE.reserve(entries);
}

export function fillNeighbours(): void {
  for (let index: u32 = 0; index < recordCount(Section.Neighbours); index++) {
    const from = record(Section.Neighbours, index, NEIGHBOUR_SIZE);
    const device = deviceAt(load<u32>(from, NEIGHBOUR_DEVICE));
    const ip = load<u32>(from, NEIGHBOUR_IP);
    fillPermanent(device, ip, false, macFromWords(load<u32>(from, NEIGHBOUR_MAC_HIGH), load<u32>(from, NEIGHBOUR_MAC_LOW)));
  }
  for (let index: u32 = 0; index < recordCount(Section.Neighbours6); index++) {
    const from = record(Section.Neighbours6, index, NEIGHBOUR6_SIZE);
    const device = deviceAt(load<u32>(from, NEIGHBOUR6_DEVICE));
    const ip = noteWords6(from + NEIGHBOUR6_IP);
    fillPermanent(device, ip, true, macFromWords(load<u32>(from, NEIGHBOUR6_MAC_HIGH), load<u32>(from, NEIGHBOUR6_MAC_LOW)));
  }
}

function fillPermanent(device: Device, ip: u32, isIpv6: bool, mac: u64): void {
  const known = findNeighbour(device, ip, isIpv6);
  const entry = isNoNeighbour(known) ? createNeighbour(device, ip, isIpv6) : known;
  if (isNoNeighbour(entry)) return;
  entry.mac = mac;
  entry.state = NeighbourState.Permanent;
}

/** Marks the entries that a new program has as permanent ones. */
export function markPermanent(): void {
  for (let index: u32 = 0; index < recordCount(Section.Neighbours); index++) {
    const from = record(Section.Neighbours, index, NEIGHBOUR_SIZE);
    mark(findNeighbour(deviceAt(load<u32>(from, NEIGHBOUR_DEVICE)), load<u32>(from, NEIGHBOUR_IP), false));
  }
  for (let index: u32 = 0; index < recordCount(Section.Neighbours6); index++) {
    const from = record(Section.Neighbours6, index, NEIGHBOUR6_SIZE);
    mark(findNeighbour(deviceAt(load<u32>(from, NEIGHBOUR6_DEVICE)), noteWords6(from + NEIGHBOUR6_IP), true));
  }
}

@inline function mark(entry: Neighbour): void {
  if (!isNoNeighbour(entry)) entry.becomesPermanent = true;
}

/** Whether a new program has no use for an entry: its device does not know it any more, or it is, or becomes, permanent. */
export function isStray(entry: Neighbour): bool {
  const isLost = entry.isIpv6 ? entry.device.lostAddress6 : entry.device.lostAddress;
  return entry.device.restarted || entry.device.lostCarrier || isLost || entry.becomesPermanent || entry.state == NeighbourState.Permanent;
}

@inline export function isFree(entry: Neighbour): bool {
  return changetype<usize>(entry.device) == 0;
}

/** Frees a record; nobody finds it once `indexNeighbours` has been called. */
export function removeNeighbour(entry: Neighbour): void {
  entry.device = NO_DEVICE;
  entry.deadline = NEVER;
}

/** Files all entries anew, and the free records. */
export function indexNeighbours(): void {
  TABLE.clear();
  free = 0;
  for (let index = neighbourCount; index > 0; index--) {
    const entry = neighbourAt(index - 1);
    if (isFree(entry)) {
      entry.nextFree = free;
      free = changetype<usize>(entry);
    } else {
      TABLE.insert(keyOf(entry.device, entry.ip, entry.isIpv6), <u32>changetype<usize>(entry));
    }
  }
}

@inline export function neighbourAt(index: u32): Neighbour {
  return changetype<Neighbour>(base + <usize>index * NEIGHBOUR_BYTES);
}

@inline export function isNoNeighbour(entry: Neighbour): bool {
  return changetype<usize>(entry) == 0;
}

@inline function keyOf(device: Device, ip: u32, isIpv6: bool): u64 {
  return <u64>ip | (<u64>(device.index + 1) << 32) | (<u64>isIpv6 << 63);
}

/** The entry, or null. */
@inline export function findNeighbour(device: Device, ip: u32, isIpv6: bool): Neighbour {
  return changetype<Neighbour>(<usize>TABLE.find(keyOf(device, ip, isIpv6)));
}

/** A new entry in state None, or null. */
export function createNeighbour(device: Device, ip: u32, isIpv6: bool): Neighbour {
  const entry = takeRecord();
  if (isNoNeighbour(entry)) return entry;
  TABLE.insert(keyOf(device, ip, isIpv6), <u32>changetype<usize>(entry));
  entry.device = device;
  entry.ip = ip;
  entry.isIpv6 = isIpv6;
  entry.becomesPermanent = false;
  entry.state = NeighbourState.None;
  entry.mac = 0;
  entry.updated = 0;
  entry.confirmed = -1;
  entry.deadline = NEVER;
  return entry;
}

/** A record without a key, or null. */
function takeRecord(): Neighbour {
  if (free != 0) {
    const entry = changetype<Neighbour>(free);
    free = entry.nextFree;
    return entry;
  }
  return neighbourCount == capacity ? changetype<Neighbour>(0) : neighbourAt(neighbourCount++);
}

/** Sets the timer. */
export function armNeighbour(entry: Neighbour, deadline: i64): void {
  setTimer(entry, deadline, Event.NeighbourTimer, <u32>changetype<usize>(entry));
}

export function enqueue(entry: Neighbour, packet: Packet): void {
  const address = changetype<usize>(packet);
  packet.next = 0;
  if (entry.queueHead == 0) entry.queueHead = address;
  else changetype<Packet>(entry.queueTail).next = <u32>address;
  entry.queueTail = address;
  entry.queueCount++;
}

/** The oldest waiting packet; there is one. */
export function dequeue(entry: Neighbour): Packet {
  const packet = changetype<Packet>(entry.queueHead);
  entry.queueHead = <usize>packet.next;
  entry.queueCount--;
  return packet;
}
