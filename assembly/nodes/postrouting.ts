/** NF_INET_POST_ROUTING: the last hook of everything that leaves, whoever made it. */
import { FlowError } from "../abi/counter";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DeviceKind } from "../abi/program";
import { drop } from "../graph/drop";
import { isIpv6 } from "../memory/network";
import { CROSSING, HAS_POLICY, Packet } from "../memory/pool";
import { passPostrouting } from "../netfilter/hooks";
import { choosePolicy, senderOf } from "../xfrm/look-up";
import { BRIDGED, detach } from "../netfilter/state";
import { socketError } from "../tables/counters";
import { noDevice } from "../tables/device";
import { flowAt } from "../tables/flow";
import { stackOf } from "../tables/namespace";
import { endCrossing } from "./crossing";
import { leaveStack6 } from "./ip6-forward";

@inline export function postrouting(packet: Packet): Node {
  const isBridged = (packet.filter & BRIDGED) != 0;
  const egress = isBridged ? packet.out.master : packet.out;
  const ingress = isBridged ? egress : packet.received != 0 ? packet.device : noDevice;
  const stack = stackOf(egress.namespace, isIpv6(packet));
  const chooses = MANY_HOSTS && stack.hasPolicies && packet.received == 0;
  const sender = chooses ? senderOf(packet) : 0;
  const reason = passPostrouting(packet, stack, ingress, egress);
  if (reason != Drop.None) return refuse(packet, reason, FlowError.NotPermitted, Node.Postrouting);
  if (chooses && senderOf(packet) != sender) choosePolicy(packet, stack);
  if (egress.kind != DeviceKind.Loopback) detach(packet);
  return packet.dontFragment & CROSSING ? endCrossing(packet, Node.Postrouting) : leaveFilter(packet);
}

/** What follows the last hook. */
@inline export function leaveFilter(packet: Packet): Node {
  if (packet.filter & BRIDGED) return Node.DeviceTransmit;
  if (isIpv6(packet)) return leaveStack6(packet);
  if (MANY_HOSTS && packet.dontFragment & HAS_POLICY) return Node.EspOutput;
  return packet.mtu == 0 ? Node.NeighbourOutput : Node.IpFragment;
}

/** A packet dies on its way out: if its process waits for what becomes of it, it is told. */
export function refuse(packet: Packet, reason: Drop, error: FlowError, node: Node): Node {
  if (packet.fromSource != 0 && packet.received == 0) socketError(flowAt(packet.flow), error, packet.sequence);
  return drop(packet, reason, node);
}
