import { Node } from "../../../../assembly/abi/node";
import type { Packet } from "../memory/packet";

/** __br_forward, br_dev_queue_push_xmit: out of the port `packet.target`. */
export function bridgeForward(packet: Packet): Node {
  return packet.target === null ? Node.Done : Node.DeviceTransmit;
}
