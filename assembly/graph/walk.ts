/** Runs packets to completion: one after the other through the nodes, then what they left in the queue of the walk. */
import { Drop } from "../abi/drop";
import { WALK_QUEUE_MAX, WALK_STEPS_MAX } from "../abi/limits";
import { Node } from "../abi/node";
import { NONE } from "../abi/version";
import { freePacket, Packet } from "../memory/pool";
import { leave, steps, visit } from "../simulation/cpu";
import { drop } from "./drop";
import { step } from "./step";
import { recordHop } from "./trace";

/** Packet u32, entry node u32. */
const QUEUE = memory.data(WALK_QUEUE_MAX * 8, 16);
const MASK: u32 = <u32>WALK_QUEUE_MAX - 1;
/** Both run freely. */
let head: u32 = 0;
let tail: u32 = 0;

/** Lets a packet go on at `entry` once the one in progress is done. No room: it is dropped at the node in progress. */
export function append(packet: Packet, entry: Node, inProgress: Node): void {
  if (tail - head == WALK_QUEUE_MAX) {
    drop(packet, Drop.WalkLimit, inProgress);
    return;
  }
  const at = QUEUE + (<usize>(tail & MASK) << 3);
  tail++;
  store<u32>(at, <u32>changetype<usize>(packet));
  store<u32>(at, entry, 4);
}

/** Walks a packet from `entry` to its end. */
export function walk(packet: Packet, entry: Node): void {
  let node = entry;
  do {
    visit(node);
    if (steps > <u32>WALK_STEPS_MAX) {
      drop(packet, Drop.WalkLimit, node);
      return;
    }
    if (packet.trace != NONE) recordHop(packet, node);
    node = step(packet, node);
  } while (node != Node.Done);
}

/** Walks everything that waits, and ends the walk. */
export function finish(): void {
  while (head != tail) {
    const at = QUEUE + (<usize>(head & MASK) << 3);
    head++;
    const packet = changetype<Packet>(<usize>load<u32>(at));
    const entry = <Node>load<u32>(at, 4);
    if (steps > <u32>WALK_STEPS_MAX) drop(packet, Drop.WalkLimit, entry);
    else walk(packet, entry);
  }
  leave();
}

/** The packet has served its purpose; it is not a drop. */
@inline export function consume(packet: Packet): Node {
  freePacket(packet);
  return Node.Done;
}
