import { Drop } from "../../../../assembly/abi/drop";
import { Hook, Table } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import { balance } from "../ipvs/request";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { nat } from "../netfilter/nat";
import { runTable } from "../netfilter/table";
import { confirm } from "../netfilter/track";
import { deliverToProtocol } from "./local-deliver";

/** NF_INET_LOCAL_IN: mangle, filter, load balancing, nat, nf_confirm; then the protocol, which sees nothing of the connection's entry. */
export function localIn(kernel: Kernel, packet: Packet): Node {
  const { device } = packet;
  const namespace = device === null ? null : device.namespace;
  const filter = namespace === null ? null : namespace.filterFor(packet);
  if (namespace === null || filter === null) return deliverToProtocol(kernel, packet, Node.LocalDeliver);
  const { view } = kernel.traversal;
  packet.filtered = true;
  view.setDevices(device, null);
  view.readHeaders(kernel, packet);
  const isAccepted =
    runTable(kernel, packet, namespace, Table.Mangle, Hook.Input, Node.LocalIn) &&
    runTable(kernel, packet, namespace, Table.Filter, Hook.Input, Node.LocalIn);
  if (!isAccepted) return drop(kernel, packet, Drop.NetfilterDrop, Node.LocalIn);
  if (filter.balances && !packet.balanced) {
    const next = balance(kernel, packet, namespace);
    if (next !== null) return next;
    view.readHeaders(kernel, packet);
  }
  const passes =
    (!filter.translates || nat(kernel, packet, namespace, Hook.Input, Node.LocalIn, device, null)) &&
    confirm(kernel, packet);
  if (!passes) return drop(kernel, packet, Drop.NetfilterDrop, Node.LocalIn);
  kernel.conntrack.forget(packet);
  return deliverToProtocol(kernel, packet, Node.LocalDeliver);
}
