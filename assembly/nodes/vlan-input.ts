/** vlan_do_receive: without its tag, the frame is received by the sub-interface in `packet.out`. */
import { Node } from "../abi/node";
import { frameOf, Packet, pullFront } from "../memory/pool";
import { removeTag, TAG } from "../wire/vlan";

export function vlanInput(packet: Packet): Node {
  removeTag(frameOf(packet));
  pullFront(packet, TAG);
  return Node.Receive;
}
