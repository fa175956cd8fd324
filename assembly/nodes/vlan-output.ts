/** vlan_dev_hard_start_xmit: tags the frame for the lower device, which is in `packet.out`. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { drop } from "../graph/drop";
import { frameBytes, Packet, pushFront } from "../memory/pool";
import { insertTag, TAG } from "../wire/vlan";

export function vlanOutput(packet: Packet): Node {
  if (packet.length + TAG > frameBytes) return drop(packet, Drop.PktTooBig, Node.VlanOutput);
  insertTag(pushFront(packet, TAG), packet.device.vlan);
  return Node.DeviceTransmit;
}
