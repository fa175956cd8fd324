import { Drop } from "../../../../assembly/abi/drop";
import { WALK_QUEUE_MAX, WALK_STEPS_MAX } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Cpu } from "../simulation/clock";
import { drop } from "./drop";
import { step } from "./step";

/** Packets that wait in a walk, each with the node where it goes on. */
export class WalkQueue {
  size = 0;
  private head = 0;
  private readonly packets: (Packet | null)[] = Array.from({ length: WALK_QUEUE_MAX }, () => null);

  push(packet: Packet): void {
    this.packets[(this.head + this.size++) % WALK_QUEUE_MAX] = packet;
  }

  shift(): Packet | null {
    if (this.size === 0) return null;
    const packet = this.packets[this.head];
    this.head = (this.head + 1) % WALK_QUEUE_MAX;
    this.size--;
    return packet;
  }
}

/** Starts a walk on a CPU at `time`; false if the CPU's backlog is full. */
export function enter(kernel: Kernel, cpu: Cpu, time: number): boolean {
  const clock = cpu.enter(time);
  if (clock < 0) return false;
  kernel.clock = clock;
  kernel.steps = 0;
  kernel.chargeFor(cpu);
  return true;
}

/** Puts a packet at the end of the walk's queue. */
export function append(kernel: Kernel, packet: Packet, entry: Node): void {
  if (kernel.walkQueue.size === WALK_QUEUE_MAX) {
    drop(kernel, packet, Drop.WalkLimit, kernel.node);
    return;
  }
  packet.entry = entry;
  kernel.walkQueue.push(packet);
}

/** Takes a packet from node to node until its walk has ended. */
export function follow(kernel: Kernel, packet: Packet, entry: Node): void {
  let node = entry;
  do node = step(kernel, packet, node);
  while (node !== Node.Done);
}

/** Follows every packet that waits, then gives the CPU back. */
export function leave(kernel: Kernel, cpu: Cpu): void {
  for (let packet = kernel.walkQueue.shift(); packet !== null; packet = kernel.walkQueue.shift()) {
    if (kernel.steps > WALK_STEPS_MAX) {
      kernel.steps++;
      drop(kernel, packet, Drop.WalkLimit, packet.entry);
    } else {
      follow(kernel, packet, packet.entry);
    }
  }
  cpu.leave(kernel.clock);
}
