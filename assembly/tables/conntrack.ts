/**
 * Tracked connections (nf_conntrack). Key: namespace, protocol, addresses and ports, once for each direction: the tuple of the first
 * packet, and the one that answers have. Value: a record. Capacity: `capacity.conntrack`. No timer: a record past its deadline is
 * dead, and whoever meets it frees it; an insertion into a full table frees all dead ones first, then the oldest that nobody would miss.
 *
 * Addresses and ports are as they lie in headers, source in the low half: the inverse of a tuple is a rotation. Of IPv6, numbers of
 * addresses stand there, with their bytes in the order of a header as well.
 */
import {
  CT_ASKS_ORIGINAL_DESTINATION,
  CT_ASKS_ORIGINAL_PORT,
  CT_ASKS_PROTOCOL,
  CT_ASKS_REPLY_END,
  CT_FILTER_ASKS,
  CT_FILTER_FAMILY,
  CT_FILTER_NAMESPACE,
  CT_FILTER_ORIGINAL_DESTINATION,
  CT_FILTER_ORIGINAL_PORT,
  CT_FILTER_PROTOCOL,
  CT_FILTER_REPLY_END,
  Family,
} from "../abi/netfilter";
import { PROTOCOL_ICMP, PROTOCOL_ICMP6 } from "../abi/protocol";
import { NONE } from "../abi/version";
import { powerOfTwo, reserve } from "../memory/arena";
import { clock } from "../simulation/clock";
import { swap16, swap32 } from "../wire/bytes";
import { copyWords6, find6 } from "./address6";
import { deadlineOfConnection, leaveConnection } from "./ipvs-connection";

/** One direction's key. */
@unmanaged
export class Tuple {
  addresses: u64;
  /** Low half: the ports; of ICMP the identifier, type and code. High half: protocol | key of the stack << 8, whose lowest bit is the family. */
  ports: u64;
  /** Address of the next one of the same bucket, or 0. */
  next: u32;
}

/** What every packet needs to know of its connection fits into a cache line. */
@unmanaged
export class Tracked {
  /** The tuple of the original direction; `next` also joins free records. */
  addresses: u64;
  ports: u64;
  next: u32;
  /** What TCP remembers: its state, the last event and its direction, and whether a FIN led to FinWait. */
  tcpState: u8;
  lastEvent: u8;
  lastReply: u8;
  sawFinWait: u8;
  /** SEEN_REPLY and so on. */
  status: u32;
  /** Of the verdicts that follow the record; another one than the rules' means that there are none. */
  generation: u32;
  /** The tuple of the reply. */
  replyAddresses: u64;
  replyPorts: u64;
  replyNext: u32;
  /** Packets that carry it. */
  holders: u32;
  deadline: i64;
  /** When the first packet came. */
  madeAt: i64;
  /** Neighbours in the list of confirmed entries that may have to make room, or 0. */
  older: u32;
  newer: u32;
  /** Index of the device that it is masqueraded by. */
  masqueradeDevice: u32;
  /** Address of the connection of IPVS that it is in, if it is in one. */
  connection: u32;
}

export const SEEN_REPLY: u32 = 1;
/** It need not make room for others. */
export const ASSURED: u32 = 2;
/** It is in the table. */
export const CONFIRMED: u32 = 4;
/** It was in the table, and is found no more. */
export const GONE: u32 = 8;
/** Source, or destination, of the original direction is changed. */
export const SOURCE_NAT: u32 = 16;
export const DESTINATION_NAT: u32 = 32;
/** It has been through the rules for source, or destination. */
export const SOURCE_DONE: u32 = 64;
export const DESTINATION_DONE: u32 = 128;
export const MASQUERADED: u32 = 256;
/** IPVS sends it to a real server; it does not outlive that connection. */
export const IN_CONNECTION: u32 = 512;

/** The reply's tuple lies so far behind the original's. */
const REPLY: usize = 32;
const RECORD_MASK: usize = 63;
/** Verdicts of five hooks in two directions lie behind the record proper. */
export const VERDICT_BYTES: usize = 16;
const VERDICTS: usize = 128;
const TRACKED_BYTES: usize = VERDICTS + 2 * 5 * VERDICT_BYTES + 32;

let base: usize = 0;
let capacity: u32 = 0;
/** Records below this one have been used. */
let fresh: u32 = 0;
let free: u32 = 0;
let buckets: usize = 0;
let bucketShift: u32 = 0;
/** No confirmed entry dies before this time. */
let soonest: i64 = i64.MAX_VALUE;
/** Confirmed entries that are not assured, in the order in which they were confirmed. */
let oldest: u32 = 0;
let newest: u32 = 0;

export function reserveConntrack(entries: u32): void {
  if (offsetof<Tracked>() > VERDICTS) ERROR("Tracked outgrew the bytes in front of its verdicts");
  if (offsetof<Tracked>("replyAddresses") != REPLY || offsetof<Tracked>("replyNext") != REPLY + offsetof<Tuple>("next")) ERROR("Tracked: two tuples");
  if (TRACKED_BYTES & RECORD_MASK) ERROR("Tracked: records begin where cache lines do");
  capacity = entries;
  base = reserve(entries, TRACKED_BYTES);
  const size = powerOfTwo(max<u64>(<u64>entries * 2, 16));
  buckets = reserve(size, 4);
  bucketShift = <u32>(64 - ctz(size));
}

@inline export function isNoTuple(tuple: Tuple): bool {
  return changetype<usize>(tuple) == 0;
}

/** The record that a tuple belongs to. */
@inline export function trackedOf(tuple: usize): Tracked {
  return changetype<Tracked>(tuple & ~RECORD_MASK);
}

@inline export function isReply(tuple: usize): bool {
  return (tuple & REPLY) != 0;
}

/** Address of the tuple of the other direction. */
@inline export function otherTuple(tuple: usize): usize {
  return tuple ^ REPLY;
}

@inline export function originalOf(tracked: Tracked): usize {
  return changetype<usize>(tracked);
}

@inline export function replyOf(tracked: Tracked): usize {
  return changetype<usize>(tracked) + REPLY;
}

/** Where the verdict of a hook is kept for one direction. */
@inline export function verdictSlot(tuple: usize, hook: usize): usize {
  const ofReply: usize = (tuple & REPLY) != 0 ? 5 * VERDICT_BYTES : 0;
  return (tuple & ~RECORD_MASK) + VERDICTS + ofReply + hook * VERDICT_BYTES;
}

/** None are known, as of a generation of rules. */
export function forgetVerdicts(tracked: Tracked, generation: u32): void {
  tracked.generation = generation;
  memory.fill(changetype<usize>(tracked) + VERDICTS, 0, 2 * 5 * VERDICT_BYTES);
}

@inline export function invertAddresses(addresses: u64): u64 {
  return rotl<u64>(addresses, 32);
}

/** Protocol and family of ICMP and ICMPv6 in a tuple. */
const ICMP_KIND: u64 = PROTOCOL_ICMP;
const ICMP6_KIND: u64 = PROTOCOL_ICMP6 | 0x100;

@inline export function isIcmpTuple(ports: u64): bool {
  const kind = (ports >> 32) & 0x1ff;
  return kind == ICMP_KIND || kind == ICMP6_KIND;
}

@inline export function isTuple6(ports: u64): bool {
  return ((ports >> 40) & 1) != 0;
}

/** ICMP keeps its identifier; a type that has no partner stays. */
@inline export function invertPorts(ports: u64): u64 {
  if (isIcmpTuple(ports)) return invertIcmp(ports);
  return (ports & 0xffffffff00000000) | <u64>rotl<u32>(<u32>ports, 16);
}

function invertIcmp(ports: u64): u64 {
  const type = <u32>(ports >> 16) & 0xff;
  return (ports & ~(<u64>0xff << 16)) | (<u64>(isTuple6(ports) ? icmp6Partner(type) : icmpPartner(type)) << 16);
}

/** The type that answers: echo 8 and 0, timestamp 13 and 14, information 15 and 16, address mask 17 and 18. */
function icmpPartner(type: u32): u32 {
  if (type == 8) return 0;
  if (type == 0) return 8;
  return type >= 13 && type <= 18 ? ((type - 13) ^ 1) + 13 : type;
}

/** Echo 128 and 129, node information 139 and 140. */
function icmp6Partner(type: u32): u32 {
  if (type == 128 || type == 129) return type ^ 1;
  return type == 139 || type == 140 ? 279 - type : type;
}

export function hasIcmp6Partner(type: u32): bool {
  return type == 128 || type == 129 || type == 139 || type == 140;
}

export function hasIcmpPartner(type: u32): bool {
  return type == 0 || type == 8 || (type >= 13 && type <= 18);
}

@inline function bucketOf(addresses: u64, ports: u64): usize {
  const hash = (addresses ^ rotl<u64>(ports * 0x9e3779b97f4a7c15, 31)) * 0xd6e8feb86659fd93;
  return buckets + (<usize>(hash >> bucketShift) << 2);
}

/** The live entry's tuple, or null. */
@inline export function findTuple(addresses: u64, ports: u64): Tuple {
  let at = <usize>load<u32>(bucketOf(addresses, ports));
  while (at != 0) {
    const tuple = changetype<Tuple>(at);
    if (tuple.addresses == addresses && tuple.ports == ports) break;
    at = tuple.next;
  }
  if (at != 0 && isDead(trackedOf(at))) {
    remove(trackedOf(at));
    return changetype<Tuple>(0);
  }
  return changetype<Tuple>(at);
}

@inline function isDead(tracked: Tracked): bool {
  return clock >= tracked.deadline || (MANY_HOSTS != 0 && (tracked.status & IN_CONNECTION) != 0 && clock >= deadlineOfConnection(tracked));
}

/** A new entry, not confirmed, with one holder, or null. */
export function takeTracked(addresses: u64, ports: u64): Tracked {
  if (free == 0 && fresh == capacity) makeRoom();
  let tracked: Tracked;
  if (free != 0) {
    tracked = changetype<Tracked>(<usize>free);
    free = tracked.next;
  } else {
    if (fresh == capacity) return changetype<Tracked>(0);
    tracked = changetype<Tracked>(base + <usize>fresh * TRACKED_BYTES);
    fresh++;
  }
  tracked.addresses = addresses;
  tracked.ports = ports;
  tracked.replyAddresses = invertAddresses(addresses);
  tracked.replyPorts = invertPorts(ports);
  store<u32>(changetype<usize>(tracked), 0, offsetof<Tracked>("tcpState"));
  tracked.status = 0;
  tracked.generation = 0;
  tracked.holders = 1;
  tracked.madeAt = clock;
  return tracked;
}

/** All dead ones go; if there are none, the oldest that is not assured and that no packet carries. */
function makeRoom(): void {
  if (clock >= soonest) removeDead();
  if (free != 0) return;
  for (let at = <usize>oldest; at != 0; at = changetype<Tracked>(at).newer) {
    if (changetype<Tracked>(at).holders != 0) continue;
    remove(changetype<Tracked>(at));
    return;
  }
}

function removeDead(): void {
  soonest = i64.MAX_VALUE;
  for (let index: u32 = 0; index < fresh; index++) {
    const tracked = changetype<Tracked>(base + <usize>index * TRACKED_BYTES);
    if ((tracked.status & (CONFIRMED | GONE)) != CONFIRMED) continue;
    if (isDead(tracked)) remove(tracked);
    else noteDeadline(tracked);
  }
}

/** Where an address of a filter is turned into the bytes of a header. */
const WANTED = memory.data(16, 16);

/** The confirmed entries that a filter (CT_FILTER_…) asks for go. */
export function deleteTracked(filter: usize): void {
  const isIpv6 = load<u32>(filter, CT_FILTER_FAMILY) == Family.Ipv6;
  const stack = <u64>((load<u32>(filter, CT_FILTER_NAMESPACE) << 1) | <u32>isIpv6);
  const asks = load<u32>(filter, CT_FILTER_ASKS);
  const port = swap16(load<u32>(filter, CT_FILTER_ORIGINAL_PORT));
  const destination = addressHalf(filter + CT_FILTER_ORIGINAL_DESTINATION, isIpv6);
  const end = addressHalf(filter + CT_FILTER_REPLY_END, isIpv6);
  for (let index: u32 = 0; index < fresh; index++) {
    const tracked = changetype<Tracked>(base + <usize>index * TRACKED_BYTES);
    if ((tracked.status & (CONFIRMED | GONE)) != CONFIRMED) continue;
    const ports = tracked.ports;
    if (ports >> 40 != stack) continue;
    if (asks & CT_ASKS_PROTOCOL && (<u32>(ports >> 32) & 0xff) != load<u32>(filter, CT_FILTER_PROTOCOL)) continue;
    if (asks & CT_ASKS_ORIGINAL_PORT && <u16>(ports >> 16) != port) continue;
    if (asks & CT_ASKS_ORIGINAL_DESTINATION && tracked.addresses >> 32 != destination) continue;
    if (asks & CT_ASKS_REPLY_END && (tracked.replyAddresses & 0xffffffff) != end && tracked.replyAddresses >> 32 != end) continue;
    remove(tracked);
  }
}

/** An address of a filter as tuples have it; one of IPv6 without a number is nowhere. */
function addressHalf(words: usize, isIpv6: bool): u64 {
  if (!isIpv6) return <u64>swap32(load<u32>(words));
  copyWords6(WANTED, words);
  const number = find6(WANTED);
  return number == NONE ? u64.MAX_VALUE : <u64>swap32(number);
}

/** From now on it is found. */
export function confirm(tracked: Tracked): void {
  tracked.status |= CONFIRMED;
  insert(changetype<Tuple>(originalOf(tracked)));
  // Of two equal tuples the reply's is found.
  insert(changetype<Tuple>(replyOf(tracked)));
  noteDeadline(tracked);
  if (tracked.status & ASSURED) return;
  const address = <u32>changetype<usize>(tracked);
  tracked.older = newest;
  tracked.newer = 0;
  if (newest != 0) changetype<Tracked>(<usize>newest).newer = address;
  else oldest = address;
  newest = address;
}

function insert(tuple: Tuple): void {
  const bucket = bucketOf(tuple.addresses, tuple.ports);
  tuple.next = load<u32>(bucket);
  store<u32>(bucket, <u32>changetype<usize>(tuple));
}

@inline export function setDeadline(tracked: Tracked, deadline: i64): void {
  tracked.deadline = deadline;
  if (deadline < soonest && tracked.status & CONFIRMED) soonest = deadline;
}

@inline function noteDeadline(tracked: Tracked): void {
  soonest = min(soonest, tracked.deadline);
  if (MANY_HOSTS != 0 && tracked.status & IN_CONNECTION) soonest = min(soonest, deadlineOfConnection(tracked));
}

/** Its connection dies then, and so does it. */
export function dieNotAfter(tracked: Tracked, deadline: i64): void {
  if (tracked.status & CONFIRMED) soonest = min(soonest, deadline);
}

/** It stays when others must make room. */
export function assure(tracked: Tracked): void {
  if (tracked.status & ASSURED) return;
  tracked.status |= ASSURED;
  if ((tracked.status & (CONFIRMED | GONE)) == CONFIRMED) leaveList(tracked);
}

function leaveList(tracked: Tracked): void {
  const older = tracked.older;
  const newer = tracked.newer;
  if (older != 0) changetype<Tracked>(<usize>older).newer = newer;
  else oldest = newer;
  if (newer != 0) changetype<Tracked>(<usize>newer).older = older;
  else newest = older;
}

/** It is found no more; its place is free once no packet carries it. */
export function remove(tracked: Tracked): void {
  if (MANY_HOSTS != 0 && tracked.status & IN_CONNECTION) leaveConnection(tracked);
  const status = tracked.status;
  if (status & GONE) return;
  tracked.status = status | GONE;
  if (status & CONFIRMED) {
    unlink(originalOf(tracked));
    unlink(replyOf(tracked));
    if (!(status & ASSURED)) leaveList(tracked);
  }
  if (tracked.holders == 0) release(tracked);
}

function unlink(tuple: usize): void {
  let link = bucketOf(changetype<Tuple>(tuple).addresses, changetype<Tuple>(tuple).ports);
  while (load<u32>(link) != <u32>tuple) link = <usize>load<u32>(link) + offsetof<Tuple>("next");
  store<u32>(link, changetype<Tuple>(tuple).next);
}

function release(tracked: Tracked): void {
  if (MANY_HOSTS != 0 && tracked.status & IN_CONNECTION) leaveConnection(tracked);
  tracked.status = 0;
  tracked.next = free;
  free = <u32>changetype<usize>(tracked);
}

@inline export function hold(tracked: Tracked): void {
  tracked.holders++;
}

/** A packet carries it no more. */
@inline export function letGo(tracked: Tracked): void {
  const holders = tracked.holders - 1;
  tracked.holders = holders;
  if (holders == 0 && (tracked.status & (CONFIRMED | GONE)) != CONFIRMED) release(tracked);
}
