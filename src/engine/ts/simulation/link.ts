import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import type { LinkRecord } from "../../program";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { TimeRing } from "../memory/ring";
import { EventType } from "./event-queue";
import type { Random } from "./random";

/** 2^21: the random bits that place a frame within its jitter. */
const JITTER_STEPS = 2097152;

/** One direction of a cable: a queue in front of a transmitter, and what netem can do to a frame behind it. */
export class Link {
  /** When the transmitter has sent all that it was given. */
  busyUntil = 0;
  /** Ends of the transmissions that are not over: the queue. */
  readonly ends = new TimeRing();

  constructor(
    public record: LinkRecord,
    readonly random: Random,
  ) {}
}

/**
 * netem_enqueue: the queue's limit, then loss and duplication, then per copy the time on the wire, delay, reordering
 * and jitter. The sender is `packet.device`.
 */
export function linkOutput(kernel: Kernel, packet: Packet): Node {
  const { device } = packet;
  const link = device === null ? null : device.link;
  if (device === null || link === null || device.peer === null) return drop(kernel, packet, Drop.DevReady, Node.Link);
  const { record, random, ends } = link;
  ends.expire(kernel.clock);
  if (ends.size >= record.limit) return drop(kernel, packet, Drop.QdiscDrop, Node.Link);

  let copies = 1;
  if (record.duplicate > 0 && random.next() < record.duplicate) copies++;
  if (record.loss > 0 && random.next() < record.loss) copies--;
  if (copies === 0) return drop(kernel, packet, Drop.LinkLoss, Node.Link);

  const duplicate = copies === 2 ? kernel.pool.copy(packet) : null;
  const to = device.peer.index;
  kernel.queue.push(arrival(kernel, link, packet.frameLength), EventType.Arrive, to, packet.index);
  if (duplicate === null) return Node.Done;
  if (ends.size >= record.limit) kernel.pool.release(duplicate);
  else kernel.queue.push(arrival(kernel, link, duplicate.frameLength), EventType.Arrive, to, duplicate.index);
  return Node.Done;
}

/** Sends a frame and says when it reaches the other end. */
function arrival(kernel: Kernel, link: Link, length: number): number {
  const { record, random } = link;
  const begin = Math.max(link.busyUntil, kernel.clock);
  link.busyUntil = begin + (record.rateBps > 0 ? Math.ceil((length * 8e9) / record.rateBps) : 0);
  link.ends.push(link.busyUntil);
  return link.busyUntil + extraDelay(record, random);
}

/** What the wire adds to the transmission. A reordered frame overtakes: it has no delay at all. */
function extraDelay({ delayNs, jitterNs, reorder }: LinkRecord, random: Random): number {
  if (reorder > 0 && random.next() < reorder) return 0;
  if (jitterNs === 0) return delayNs;
  const step = random.next() >>> 11;
  const spread = 2 * jitterNs + 1;
  // In two parts: the whole product may have more than 53 bits.
  const rest = spread % JITTER_STEPS;
  const offset = (step * (spread - rest)) / JITTER_STEPS + Math.floor((step * rest) / JITTER_STEPS);
  return Math.max(0, delayNs + offset - jitterNs);
}
