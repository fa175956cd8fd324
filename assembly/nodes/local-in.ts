/** NF_INET_LOCAL_IN: a whole datagram for this host; then its protocol. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { drop } from "../graph/drop";
import { stackOfPacket } from "../memory/network";
import { Packet } from "../memory/pool";
import { passInput, passInputNat } from "../netfilter/hooks";
import { balanceRequest } from "../netfilter/ipvs";
import { detach } from "../netfilter/state";
import { BALANCES } from "../tables/ruleset";
import { deliverToProtocol } from "./local-deliver";

export function localIn(packet: Packet): Node {
  const stack = stackOfPacket(packet);
  const verdict = passInput(packet, stack);
  if (verdict != Drop.None) return drop(packet, verdict, Node.LocalIn);
  if (MANY_HOSTS != 0 && stack.filter & BALANCES) {
    const next = balanceRequest(packet, stack);
    if (next != Node.LocalIn) return next;
  }
  const reason = passInputNat(packet, stack);
  if (reason != Drop.None) return drop(packet, reason, Node.LocalIn);
  detach(packet);
  return deliverToProtocol(packet, Node.LocalDeliver);
}
