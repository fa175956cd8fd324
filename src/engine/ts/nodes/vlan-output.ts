import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { pushTag, TAG } from "../wire/vlan";

/** vlan_dev_hard_start_xmit: the tag of `packet.device`, then out of the device below. */
export function vlanOutput(kernel: Kernel, packet: Packet): Node {
  const { device, frame, frameLength } = packet;
  if (device === null || kernel.isOversize(frameLength + TAG - ETHERNET_HEADER)) return drop(kernel, packet, Drop.PktTooBig, Node.VlanOutput);
  pushTag(kernel.memory, frame, frameLength, device.vlan);
  packet.frameLength = frameLength + TAG;
  packet.target = device.peer;
  return Node.DeviceTransmit;
}
