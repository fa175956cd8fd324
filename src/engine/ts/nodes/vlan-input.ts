import { Node } from "../../../../assembly/abi/node";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { popTag, TAG } from "../wire/vlan";

/** vlan_do_receive: the frame goes on, untagged, at the sub-interface `packet.target`. */
export function vlanInput(kernel: Kernel, packet: Packet): Node {
  popTag(kernel.memory, packet.frame, packet.frameLength);
  packet.frameLength -= TAG;
  return Node.Receive;
}
