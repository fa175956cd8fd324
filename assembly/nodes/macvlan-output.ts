/** macvlan_start_xmit: what bridge mode keeps inside, and everything else out of the lower device, which is in `packet.out`. */
import { Node } from "../abi/node";
import { DEVICE_UP, DeviceKind, MacvlanMode } from "../abi/program";
import { appendCopy } from "../graph/copy";
import { frameOf, Packet } from "../memory/pool";
import { aboveAt, aboveMac, Device, isNull } from "../tables/device";
import { destinationMac, isGroup } from "../wire/ethernet";

export function macvlanOutput(packet: Packet): Node {
  const device = packet.device;
  if (device.mode != MacvlanMode.Bridge) return Node.DeviceTransmit;
  const lower = packet.out;
  const destination = destinationMac(frameOf(packet));
  if (isGroup(destination)) {
    for (let index: u32 = 0; index < lower.aboveCount; index++) {
      const other = aboveAt(lower, index);
      if (other != device && isListening(other)) appendCopy(packet, other, Node.Receive, Node.MacvlanOutput);
    }
    return Node.DeviceTransmit;
  }
  const target = aboveMac(lower, destination);
  // The lower device receives what one on top sends to another (dev_forward_skb): whoever listens there hears it.
  return !isNull(target) && target.mode == MacvlanMode.Bridge ? Node.Receive : Node.DeviceTransmit;
}

@inline function isListening(device: Device): bool {
  return device.kind == DeviceKind.Macvlan && device.mode == MacvlanMode.Bridge && (device.flags & DEVICE_UP) != 0;
}
