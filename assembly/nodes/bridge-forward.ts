/** __br_forward and br_dev_queue_push_xmit: out of one port. */
import { Node } from "../abi/node";
import { Packet } from "../memory/pool";

/** The port is in `packet.out`, which is where DeviceTransmit looks for it. */
@inline export function bridgeForward(packet: Packet): Node {
  return Node.DeviceTransmit;
}
