/**
 * macvlan_handle_frame: the lower device received a frame. A group is for all on top who did not hear it when it was sent, and for the
 * lower device itself; anything else for whoever has the MAC.
 *
 * Differs from Linux: nobody has to join a group to hear it.
 */
import { Node } from "../abi/node";
import { DEVICE_UP, DeviceKind, MacvlanMode } from "../abi/program";
import { appendCopy } from "../graph/copy";
import { frameOf, Packet } from "../memory/pool";
import { aboveAt, aboveMac, Device, isNull } from "../tables/device";
import { destinationMac, isGroup, sourceMac } from "../wire/ethernet";
import { stack } from "./receive";

export function macvlanInput(packet: Packet): Node {
  const lower = packet.device;
  const frame = frameOf(packet);
  const destination = destinationMac(frame);
  if (isGroup(destination)) return spread(packet, lower, aboveMac(lower, sourceMac(frame)));
  let device = passthruOf(lower);
  if (isNull(device)) device = aboveMac(lower, destination);
  if (isNull(device)) return stack(packet, lower, Node.MacvlanInput);
  packet.out = device;
  return Node.Receive;
}

/** The one device on top that takes everything, or null. */
function passthruOf(lower: Device): Device {
  for (let index: u32 = 0; index < lower.aboveCount; index++) {
    const device = aboveAt(lower, index);
    if (device.kind != DeviceKind.Macvlan) continue;
    return device.mode == MacvlanMode.Passthru && device.flags & DEVICE_UP ? device : changetype<Device>(0);
  }
  return changetype<Device>(0);
}

/** `sender` is the device on top that the frame came from before a switch sent it back, or null. */
function spread(packet: Packet, lower: Device, sender: Device): Node {
  // Bit by mode: who is to hear it.
  let listeners: u32 = 0xf;
  if (!isNull(sender)) {
    if (sender.mode == MacvlanMode.Private || sender.mode == MacvlanMode.Passthru) {
      packet.out = sender;
      return Node.Receive;
    }
    listeners = 1 << MacvlanMode.Vepa;
    if (sender.mode == MacvlanMode.Vepa) listeners |= 1 << MacvlanMode.Bridge;
  }
  for (let index: u32 = 0; index < lower.aboveCount; index++) {
    const device = aboveAt(lower, index);
    if (device.kind != DeviceKind.Macvlan || !(device.flags & DEVICE_UP) || device == sender) continue;
    if (listeners & (1 << device.mode)) appendCopy(packet, device, Node.Receive, Node.MacvlanInput);
  }
  return stack(packet, lower, Node.MacvlanInput);
}
