import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { DeviceKind, IpvlanMode } from "../../../../assembly/abi/program";
import { appendCopy } from "../graph/copy";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { destinationAddress } from "../wire/address";
import { isGroup, macHigh, macLow } from "../wire/ethernet";
import { cross } from "./crossing";

/**
 * ipvlan_start_xmit. In mode L2 as macvlan in bridge mode, but by IP address; in the other modes what is for nobody on top of the same
 * device goes out of that device's namespace.
 */
export function ipvlanOutput(kernel: Kernel, packet: Packet): Node {
  const { device } = packet;
  const lower = device === null ? null : device.peer;
  if (device === null || lower === null) return drop(kernel, packet, Drop.DevReady, Node.IpvlanOutput);
  return device.mode === IpvlanMode.L2 ? bridge(kernel, packet, device, lower) : leave(kernel, packet, device, lower);
}

function bridge(kernel: Kernel, packet: Packet, device: Device, lower: Device): Node {
  const { bytes } = kernel.memory;
  const { frame } = packet;
  const high = macHigh(bytes, frame);
  packet.target = lower;
  if (isGroup(high)) {
    for (const other of lower.above) {
      if (other.kind === DeviceKind.Ipvlan && other.up && other !== device) appendCopy(kernel, packet, other, Node.Receive);
    }
    return Node.DeviceTransmit;
  }
  const isForLower = high === lower.macHigh && macLow(bytes, frame) === lower.macLow;
  if (!isForLower || device.isVepa) return Node.DeviceTransmit;
  const holder = holderOf(kernel, packet, lower);
  return holder === null ? Node.Receive : handOver(kernel, packet, device, holder);
}

function leave(kernel: Kernel, packet: Packet, device: Device, lower: Device): Node {
  const holder = device.isVepa ? null : holderOf(kernel, packet, lower);
  return holder === null ? cross(kernel, packet, lower) : handOver(kernel, packet, device, holder);
}

function holderOf(kernel: Kernel, { frame, frameLength }: Packet, lower: Device): Device | null {
  const address = destinationAddress(kernel.addresses, kernel.memory.bytes, frame, frameLength);
  return address === null ? null : lower.holder(address);
}

function handOver(kernel: Kernel, packet: Packet, device: Device, holder: Device): Node {
  if (device.isPrivate) return drop(kernel, packet, Drop.PortIsolated, Node.IpvlanOutput);
  packet.target = holder;
  return Node.Receive;
}
