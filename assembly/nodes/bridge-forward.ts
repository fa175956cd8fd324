/** __br_forward and br_dev_queue_push_xmit: out of one port. */
import { Node } from "../abi/node";
import { stackOfPacket } from "../memory/network";
import { Packet } from "../memory/pool";
import { BRIDGED } from "../netfilter/state";
import { VISITS_FORWARD, VISITS_POSTROUTING } from "../tables/ruleset";

/** The port is in `packet.out`, which is where DeviceTransmit looks for it. */
@inline export function bridgeForward(packet: Packet): Node {
  return packet.filter & BRIDGED ? afterBridgeForward(packet) : Node.DeviceTransmit;
}

function afterBridgeForward(packet: Packet): Node {
  const filter = stackOfPacket(packet).filter;
  if (filter & VISITS_FORWARD) return Node.Forward;
  return filter & VISITS_POSTROUTING ? Node.Postrouting : Node.DeviceTransmit;
}
