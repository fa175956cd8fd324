import { Drop } from "../../../../assembly/abi/drop";
import { Hook, Table } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { FlowError } from "../../../../assembly/abi/counter";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { nat } from "../netfilter/nat";
import { runTable } from "../netfilter/table";
import { confirm } from "../netfilter/track";
import { finishOutput } from "./ip-output";
import { tellSender } from "./local-out";

/** NF_INET_POST_ROUTING: mangle, nat, nf_confirm. The entry stays with what goes out by the loopback device: it comes back. */
export function postrouting(kernel: Kernel, packet: Packet): Node {
  const { device, target, bridged } = packet;
  const namespace = device === null ? null : device.namespace;
  const filter = namespace === null ? null : namespace.filterFor(packet);
  if (device === null || target === null || namespace === null || filter === null) return finishOutput(packet);
  const { view } = kernel.traversal;
  packet.filtered = true;
  const incoming = bridged ? device.master : packet.received ? device : null;
  const outgoing = bridged ? target.master : target;
  view.setDevices(incoming, outgoing);
  view.readHeaders(kernel, packet);
  const passes =
    runTable(kernel, packet, namespace, Table.Mangle, Hook.Postrouting, Node.Postrouting) &&
    (!filter.translates || nat(kernel, packet, namespace, Hook.Postrouting, Node.Postrouting, incoming, outgoing)) &&
    confirm(kernel, packet);
  if (!passes) {
    tellSender(kernel, packet, FlowError.NotPermitted);
    return drop(kernel, packet, Drop.NetfilterDrop, Node.Postrouting);
  }
  if (bridged || !target.isLoopback) kernel.conntrack.forget(packet);
  return finishOutput(packet);
}
