import { Drop } from "../../../../assembly/abi/drop";
import { EventKind } from "../../../../assembly/abi/event";
import { Node } from "../../../../assembly/abi/node";
import type { Kernel } from "../kernel";
import { type Packet, UNTRACED } from "../memory/packet";

/** Gives a packet that a socket makes the next trace number, if its flow has packets left to be traced. */
export function beginTrace(kernel: Kernel, packet: Packet): void {
  const { flow } = packet;
  if (flow === null || flow.traceBudget === 0 || packet.trace !== UNTRACED) return;
  flow.traceBudget--;
  packet.trace = kernel.nextTrace++;
}

/** Records that a traced packet visits a node. */
export function recordHop(kernel: Kernel, packet: Packet, node: Node): void {
  const device = entersDevice(node) ? packet.target : packet.device;
  kernel.events.write(
    kernel.clock,
    EventKind.Hop,
    node,
    Drop.None,
    packet.trace,
    device === null ? -1 : device.index,
    packet.flow === null ? -1 : packet.flow.index,
    packet.sequence,
    packet.frameLength,
  );
}

function entersDevice(node: Node): boolean {
  return node === Node.DeviceTransmit || node === Node.Receive || node === Node.BridgeForward || node === Node.NeighbourOutput;
}
