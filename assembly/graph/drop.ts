/** The end of a packet that nobody wants: counted by device and by flow, hashed, recorded and captured if asked for. */
import { Drop } from "../abi/drop";
import { CAPTURE_INBOUND, CAPTURE_OUTBOUND, EventKind } from "../abi/event";
import { Node } from "../abi/node";
import { NONE } from "../abi/version";
import { frameLength, freePacket, Packet } from "../memory/pool";
import { digest } from "../simulation/digest";
import { dropped } from "../tables/counters";
import { Device, DEVICE_CAPTURED } from "../tables/device";
import { dropsWithoutFlow, flowAt } from "../tables/flow";
import { captureFrame } from "./capture";
import { recordDrops, writeRecord } from "./trace";

/** Returns Done, so that a node can end with it. */
export function drop(packet: Packet, reason: Drop, node: Node): Node {
  dropRecord(reason, node, packet.device, packet.flow, packet.sequence, frameLength(packet), packet.trace);
  if (packet.device.flags & DEVICE_CAPTURED && packet.framed != 0 && packet.length != 0) {
    const outbound = node == Node.DeviceTransmit || node == Node.Link || node == Node.NeighbourOutput || node == Node.IpOutput || node == Node.Ip6Output;
    captureFrame(packet, outbound ? CAPTURE_OUTBOUND : CAPTURE_INBOUND, reason, node);
  }
  freePacket(packet);
  return Node.Done;
}

/** Counts a packet that could not be made. */
export function dropUnmade(reason: Drop, node: Node, device: Device, flow: u32, sequence: u32): void {
  dropRecord(reason, node, device, flow, sequence, 0, NONE);
}

/** What is written down of a drop, whether there is a slot behind it or not. */
export function dropRecord(reason: Drop, node: Node, device: Device, flow: u32, sequence: u32, length: u32, trace: u32): void {
  dropped++;
  countDrop(device.drops, reason);
  countDrop(flow == NONE ? dropsWithoutFlow() : flowAt(flow).drops, reason);
  digest(EventKind.Drop, reason, node, device.index, flow, sequence, length);
  if (recordDrops || trace != NONE) writeRecord(EventKind.Drop, node, reason, trace, device.index, flow, sequence, length);
}

@inline function countDrop(row: usize, reason: Drop): void {
  const at = row + (<usize>reason << 3);
  store<f64>(at, load<f64>(at) + 1);
}
