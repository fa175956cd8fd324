/** NF_INET_FORWARD: of routed packets, and of frames that a bridge forwards. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { drop } from "../graph/drop";
import { isIpv6 } from "../memory/network";
import { Packet } from "../memory/pool";
import { passForward } from "../netfilter/hooks";
import { balanceReply } from "../netfilter/ipvs";
import { BRIDGED } from "../netfilter/state";
import { stackOf } from "../tables/namespace";
import { BALANCES, VISITS_POSTROUTING } from "../tables/ruleset";
import { leaveFilter } from "./postrouting";

export function forward(packet: Packet): Node {
  const isBridged = (packet.filter & BRIDGED) != 0;
  const ingress = isBridged ? packet.out.master : packet.device;
  const egress = isBridged ? packet.out.master : packet.out;
  const namespace = stackOf(ingress.namespace, isIpv6(packet));
  const reason = passForward(packet, namespace, ingress, egress);
  if (reason != Drop.None) return drop(packet, reason, Node.Forward);
  if (MANY_HOSTS != 0 && namespace.filter & BALANCES && !isBridged && !balanceReply(packet, namespace)) return drop(packet, Drop.IcmpCsum, Node.Ipvs);
  return namespace.filter & VISITS_POSTROUTING ? Node.Postrouting : leaveFilter(packet);
}
