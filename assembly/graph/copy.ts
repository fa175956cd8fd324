/** Copies of a packet for several devices. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { copyPacket, Packet } from "../memory/pool";
import { Device } from "../tables/device";
import { dropUnmade } from "./drop";
import { append } from "./walk";

/** Lets a copy go on at `entry`, which is to work on a device. No slot: a drop at the node in progress. */
export function appendCopy(packet: Packet, out: Device, entry: Node, inProgress: Node): void {
  const copy = copyPacket(packet);
  if (changetype<usize>(copy) == 0) {
    dropUnmade(Drop.NoMemory, inProgress, packet.device, packet.flow, packet.sequence);
    return;
  }
  copy.out = out;
  append(copy, entry, inProgress);
}
