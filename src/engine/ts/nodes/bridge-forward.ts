import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import type { Packet } from "../memory/packet";

/** __br_forward, br_dev_queue_push_xmit: out of the port `packet.target`; with br_netfilter by the hooks of routed packets. */
export function bridgeForward(packet: Packet): Node {
  const { target, bridged } = packet;
  if (target === null) return Node.Done;
  const filter = target.namespace.filterFor(packet);
  if (!bridged || filter === null) return Node.DeviceTransmit;
  if (filter.visits(Hook.Forward)) return Node.Forward;
  return filter.visits(Hook.Postrouting) ? Node.Postrouting : Node.DeviceTransmit;
}
