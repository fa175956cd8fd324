/** ipvlan_handle_frame: the MAC is that of all devices on top; whom a frame is for, its IP address says. */
import { Node } from "../abi/node";
import { DEVICE_UP, DeviceKind, IpvlanMode } from "../abi/program";
import { appendCopy } from "../graph/copy";
import { frameOf, Packet } from "../memory/pool";
import { aboveAt, Device, DEVICE_TAKES_IN, holderOf, isNull } from "../tables/device";
import { destinationMac, isGroup, sourceMac } from "../wire/ethernet";
import { senderAddress, targetAddress } from "../wire/network-address";
import { stack } from "./receive";

export function ipvlanInput(packet: Packet): Node {
  const lower = packet.device;
  const frame = frameOf(packet);
  // Its stack finds out whom they are for, once they have passed Prerouting.
  if (lower.flags & DEVICE_TAKES_IN) return stack(packet, lower, Node.IpvlanInput);
  if (isGroup(destinationMac(frame)) && bridges(lower)) {
    if (!wasSentHere(packet, lower)) spread(packet, lower);
    return stack(packet, lower, Node.IpvlanInput);
  }
  const holder = holderOf(lower, targetAddress(frame, packet.length));
  if (isNull(holder)) return stack(packet, lower, Node.IpvlanInput);
  packet.out = holder;
  return Node.Receive;
}

/** All on top have the same mode in Linux; here the first one's counts. */
function bridges(lower: Device): bool {
  for (let index: u32 = 0; index < lower.aboveCount; index++) {
    const device = aboveAt(lower, index);
    if (device.kind == DeviceKind.Ipvlan) return device.mode == IpvlanMode.L2;
  }
  return false;
}

/** ipvlan_external_frame is false: a switch sent it back, and everybody has heard it. */
function wasSentHere(packet: Packet, lower: Device): bool {
  const frame = frameOf(packet);
  if (sourceMac(frame) != lower.mac) return false;
  return !isNull(holderOf(lower, senderAddress(frame, packet.length)));
}

function spread(packet: Packet, lower: Device): void {
  for (let index: u32 = 0; index < lower.aboveCount; index++) {
    const device = aboveAt(lower, index);
    if (device.kind == DeviceKind.Ipvlan && device.flags & DEVICE_UP) appendCopy(packet, device, Node.Receive, Node.IpvlanInput);
  }
}
