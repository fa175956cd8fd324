/** NF_INET_LOCAL_IN: a whole datagram for this host; then its protocol. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { drop } from "../graph/drop";
import { stackOfPacket } from "../memory/network";
import { Packet } from "../memory/pool";
import { passInput } from "../netfilter/hooks";
import { detach } from "../netfilter/state";
import { deliverToProtocol } from "./local-deliver";

export function localIn(packet: Packet): Node {
  const reason = passInput(packet, stackOfPacket(packet));
  if (reason != Drop.None) return drop(packet, reason, Node.LocalIn);
  detach(packet);
  return deliverToProtocol(packet, Node.LocalDeliver);
}
