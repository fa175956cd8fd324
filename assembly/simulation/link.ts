/**
 * The wire behind a device (netem_enqueue), one direction. Duplicate, lose, transmit at the rate, delay; a packet that waits is
 * an event in the queue. The order of draws is part of the results.
 */
import { Drop } from "../abi/drop";
import { CAPACITY_LINKS, Section } from "../abi/image";
import { Node } from "../abi/node";
import { LINK_DELAY, LINK_DUPLICATE, LINK_JITTER, LINK_LIMIT, LINK_LOSS, LINK_RATE, LINK_REORDER, LINK_SIZE } from "../abi/program";
import { drop } from "../graph/drop";
import { reserve, reserveLate } from "../memory/arena";
import { capacity, record, recordCount } from "../memory/image";
import { copyPacket, freePacket, Packet } from "../memory/pool";
import { ringBytes, TimeRing } from "../memory/ring";
import { Device } from "../tables/device";
import { clock } from "./clock";
import { Event, pushEvent } from "./event-queue";
import { Random, RandomKind } from "./random";

/** Its ring tells when transmissions end. */
@unmanaged
export class Link extends TimeRing {
  transmitterBusyUntil: i64;
  /** Bits per second; 0: no limit. */
  rate: f64;
  delay: i64;
  jitter: u32;
  loss: u32;
  duplicate: u32;
  reorder: u32;
  limit: u32;
  random: Random;
}

const LINK_BYTES: usize = 72;
const RANDOM_BYTES: usize = 16;
/** Bits per byte × ns per second. */
const BIT_NS: f64 = 8e9;

let base: usize = 0;
let randoms: usize = 0;
let rings: usize = 0;
export let linkCount: u32 = 0;

export function reserveLinks(): void {
  if (offsetof<Link>() > LINK_BYTES) ERROR("Link outgrew its stride");
  if (offsetof<Random>() > RANDOM_BYTES) ERROR("Random outgrew its stride");
  base = reserve(capacity(CAPACITY_LINKS), LINK_BYTES);
  randoms = reserve(capacity(CAPACITY_LINKS), RANDOM_BYTES);
  rings = reserve(newRingsBytes(), 1);
}

/** Room for the queues that a program adds or makes longer. False: there is none. */
export function reserveAddedLinks(): bool {
  const bytes = newRingsBytes();
  if (bytes == 0) return true;
  rings = reserveLate(bytes);
  return rings != 0;
}

/** Bytes of all queues of the program that do not fit where they are. */
function newRingsBytes(): u64 {
  let bytes: u64 = 0;
  for (let index: u32 = 0; index < recordCount(Section.Links); index++) if (needsRing(index)) bytes += ringBytes(limitOf(index));
  return bytes;
}

function needsRing(index: u32): bool {
  return index >= linkCount || limitOf(index) > linkAt(index).mask;
}

function limitOf(index: u32): u32 {
  return load<u32>(record(Section.Links, index, LINK_SIZE), LINK_LIMIT);
}

@inline export function linkAt(index: u32): Link {
  return changetype<Link>(base + <usize>index * LINK_BYTES);
}

/** Makes the links that are new, and lets the others have what the program says. */
export function fillLinks(seed: u32): void {
  let ring = rings;
  for (let index: u32 = 0; index < recordCount(Section.Links); index++) {
    const link = linkAt(index);
    if (needsRing(index)) {
      if (index < linkCount) link.moveTo(ring, limitOf(index));
      else link.attach(ring, limitOf(index));
      ring += <usize>ringBytes(limitOf(index));
    }
    if (index >= linkCount) {
      link.random = changetype<Random>(randoms + <usize>index * RANDOM_BYTES);
      link.random.seed(seed, RandomKind.Link, index);
    }
    setParameters(link, record(Section.Links, index, LINK_SIZE));
  }
  linkCount = recordCount(Section.Links);
}

/** What is on the wire stays as it was decided. False: there is no memory for a queue that long. */
export function setLink(index: u32, from: usize): bool {
  const link = linkAt(index);
  const limit = load<u32>(from, LINK_LIMIT);
  if (limit > link.mask) {
    const ring = reserveLate(ringBytes(limit));
    if (ring == 0) return false;
    link.moveTo(ring, limit);
  }
  setParameters(link, from);
  return true;
}

function setParameters(link: Link, from: usize): void {
  link.rate = load<f64>(from, LINK_RATE);
  link.delay = <i64>load<f64>(from, LINK_DELAY);
  link.jitter = load<u32>(from, LINK_JITTER);
  link.loss = load<u32>(from, LINK_LOSS);
  link.duplicate = load<u32>(from, LINK_DUPLICATE);
  link.reorder = load<u32>(from, LINK_REORDER);
  link.limit = load<u32>(from, LINK_LIMIT);
}

export function linkOutput(packet: Packet): Node {
  const sender = packet.device;
  const link = sender.link;
  if (link.expire(clock) >= link.limit) return drop(packet, Drop.QdiscDrop, Node.Link);
  let copies = 1;
  if (link.duplicate != 0 && link.random.next() < link.duplicate) copies = 2;
  if (link.loss != 0 && link.random.next() < link.loss) copies--;
  if (copies == 0) return drop(packet, Drop.LinkLoss, Node.Link);
  const copy = copies == 2 ? copyPacket(packet) : changetype<Packet>(0);
  transmit(link, packet, sender.egress);
  if (changetype<usize>(copy) == 0) return Node.Done;
  if (link.count() >= link.limit) freePacket(copy);
  else transmit(link, copy, sender.egress);
  return Node.Done;
}

function transmit(link: Link, packet: Packet, peer: Device): void {
  let end = max(link.transmitterBusyUntil, clock);
  if (link.rate > 0) end += <i64>Math.ceil((<f64>packet.length * BIT_NS) / link.rate);
  link.transmitterBusyUntil = end;
  link.append(end);
  pushEvent(end + extraDelay(link), Event.Arrive, <u32>changetype<usize>(peer), <u32>changetype<usize>(packet));
}

/** Propagation with jitter; a reordered packet overtakes, as netem's `reorder` sends it at once. */
@inline function extraDelay(link: Link): i64 {
  if (link.reorder != 0 && link.random.next() < link.reorder) return 0;
  if (link.jitter == 0) return link.delay;
  const spread = 2 * <u64>link.jitter + 1;
  const offset = <i64>((<u64>(link.random.next() >> 11) * spread) >> 21);
  return max<i64>(0, link.delay + offset - <i64>link.jitter);
}
