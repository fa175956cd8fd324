import type { Node } from "../../../../assembly/abi/node";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { dropUnbuilt } from "./drop";
import { append } from "./walk";

/** Appends a copy of the packet to the walk, for a node that works on a device. Without a slot the copy is a drop. */
export function appendCopy(kernel: Kernel, packet: Packet, target: Device, entry: Node): void {
  const copy = kernel.pool.copy(packet);
  if (copy === null) {
    dropUnbuilt(kernel, kernel.node, packet.device, packet.flow, packet.sequence);
    return;
  }
  copy.target = target;
  append(kernel, copy, entry);
}
