import { CAPTURE_INBOUND, CAPTURE_OUTBOUND, EventKind } from "../../../../assembly/abi/event";
import type { Drop } from "../../../../assembly/abi/drop";
import { Drop as Reason } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import type { Kernel } from "../kernel";
import { type Packet, UNTRACED } from "../memory/packet";
import type { Device } from "../tables/device";
import type { Flow } from "../tables/flow";

/** Ends a packet and says why and where: counters, digest, event record, capture record. */
export function drop(kernel: Kernel, packet: Packet, reason: Drop, node: Node): Node {
  const { device, flow, frameLength } = packet;
  account(kernel, reason, node, packet.trace, device, flow, packet.sequence, frameLength);
  if (device?.captured && packet.hasEthernet && frameLength > 0) {
    const direction = isOutputNode(node) ? CAPTURE_OUTBOUND : CAPTURE_INBOUND;
    kernel.captures.write(
      kernel.clock,
      device.index,
      direction,
      reason,
      node,
      kernel.memory.bytes,
      packet.frame,
      frameLength,
      kernel.snaplen,
    );
  }
  kernel.pool.release(packet);
  return Node.Done;
}

/** A packet that could not be built, because no slot was free. */
export function dropUnbuilt(kernel: Kernel, node: Node, device: Device | null, flow: Flow | null, sequence: number): void {
  account(kernel, Reason.NoMemory, node, UNTRACED, device, flow, sequence, 0);
}

/** What every drop leaves behind; `length` is that of the frame. */
export function account(
  kernel: Kernel,
  reason: Drop,
  node: Node,
  trace: number,
  device: Device | null,
  flow: Flow | null,
  sequence: number,
  length: number,
): void {
  const deviceIndex = device === null ? -1 : device.index;
  const flowIndex = flow === null ? -1 : flow.index;
  kernel.totals.dropped++;
  kernel.deviceDrops.count(deviceIndex, reason);
  kernel.flowDrops.count(flowIndex, reason);
  const { digest } = kernel;
  digest.feedTime(kernel.clock);
  digest.feed(EventKind.Drop | (reason << 8) | (node << 16));
  digest.feed(deviceIndex);
  digest.feed(flowIndex);
  digest.feed(sequence);
  digest.feed(length);
  if (kernel.recordDrops || trace !== UNTRACED) {
    kernel.events.write(kernel.clock, EventKind.Drop, node, reason, trace, deviceIndex, flowIndex, sequence, length);
  }
}

function isOutputNode(node: Node): boolean {
  return node === Node.DeviceTransmit || node === Node.Link || node === Node.NeighbourOutput || node === Node.IpOutput || node === Node.Ip6Output;
}
