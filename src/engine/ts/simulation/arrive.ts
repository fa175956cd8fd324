import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import { enter, follow, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { hashIpv4, isHashable } from "../wire/flow-hash";

/** A frame comes out of a link: the device's host takes it up, unless its CPU is too far behind. */
export function arrive(kernel: Kernel, device: Device, packet: Packet): void {
  const { cpus } = device.namespace.host;
  const cpu = cpus.length === 1 ? cpus[0] : cpus[steer(kernel.memory.bytes, packet) % cpus.length];
  if (!enter(kernel, cpu, kernel.now)) {
    packet.device = device;
    drop(kernel, packet, Drop.CpuBacklog, Node.Receive);
    return;
  }
  packet.target = device;
  follow(kernel, packet, Node.Receive);
  leave(kernel, cpu);
}

/** Receive-side scaling: packets of one conversation meet the same CPU. A u32. */
function steer(bytes: Uint8Array, { frame, frameLength }: Packet): number {
  return isHashable(bytes, frame, frameLength) ? hashIpv4(bytes, frame, frameLength) : 0;
}
