import { Drop } from "../../../../assembly/abi/drop";
import { Hook, Table } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import { unbalance } from "../ipvs/reply";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { runTable } from "../netfilter/table";
import { finishOutput } from "./ip-output";

/** NF_INET_FORWARD: mangle, filter, load balancing. A bridged packet comes from the bridge and goes to it. */
export function forward(kernel: Kernel, packet: Packet): Node {
  const { device, target, bridged } = packet;
  const namespace = device === null ? null : device.namespace;
  const filter = namespace === null ? null : namespace.filterFor(packet);
  if (device === null || target === null || namespace === null || filter === null) return finishOutput(kernel, packet);
  const { view } = kernel.traversal;
  packet.filtered = true;
  view.setDevices(bridged ? device.master : device, bridged ? target.master : target);
  view.readHeaders(kernel, packet);
  const passes =
    runTable(kernel, packet, namespace, Table.Mangle, Hook.Forward, Node.Forward) &&
    runTable(kernel, packet, namespace, Table.Filter, Hook.Forward, Node.Forward);
  if (!passes) return drop(kernel, packet, Drop.NetfilterDrop, Node.Forward);
  if (filter.balances && !packet.balanced && !bridged && !unbalance(kernel, packet, namespace)) return Node.Done;
  return filter.visits(Hook.Postrouting) ? Node.Postrouting : finishOutput(kernel, packet);
}
