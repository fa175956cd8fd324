/** br_dev_xmit: the host's own stack sends into its bridge. Groups and unknown addresses go to all ports. */
import { Node } from "../abi/node";
import { frameOf, Packet } from "../memory/pool";
import { find, Found, foundPort } from "../tables/fdb";
import { destinationMac, isGroup } from "../wire/ethernet";

@inline export function bridgeOutput(packet: Packet): Node {
  const destination = destinationMac(frameOf(packet));
  if (isGroup(destination) || find(packet.device, destination) != Found.Port) return Node.BridgeFlood;
  packet.out = foundPort;
  return Node.BridgeForward;
}
