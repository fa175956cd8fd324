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
import type { Device } from "../tables/device";
import type { Namespace } from "../tables/namespace";
import { lookUpPolicy } from "../xfrm/look-up";
import { leaveNamespace } from "./crossing";
import { finishOutput } from "./ip-output";
import { tellSender } from "./local-out";

/** NF_INET_POST_ROUTING: mangle, nat, nf_confirm. The entry stays with what goes out by the loopback device: it comes back. */
export function postrouting(kernel: Kernel, packet: Packet): Node {
  const { device, target, bridged } = packet;
  const namespace = device === null ? null : device.namespace;
  const filter = namespace === null ? null : namespace.filterFor(packet);
  if (device === null || target === null || namespace === null || filter === null) return finishOutput(kernel, packet);
  const { view } = kernel.traversal;
  packet.filtered = true;
  const incoming = bridged ? device.master : packet.received ? device : null;
  const outgoing = bridged ? target.master : target;
  view.setDevices(incoming, outgoing);
  view.readHeaders(kernel, packet);
  const passes =
    runTable(kernel, packet, namespace, Table.Mangle, Hook.Postrouting, Node.Postrouting) &&
    (!filter.translates || translate(kernel, packet, namespace, incoming, outgoing)) &&
    confirm(kernel, packet);
  if (!passes) {
    tellSender(kernel, packet, FlowError.NotPermitted);
    return drop(kernel, packet, Drop.NetfilterDrop, Node.Postrouting);
  }
  if (bridged || !target.isLoopback) kernel.conntrack.forget(packet);
  return leaveNamespace(kernel, packet, Node.Postrouting);
}

/** nf_nat_ipv4_out: another source may be another policy's (nf_xfrm_me_harder). False if the packet is to be dropped. */
function translate(kernel: Kernel, packet: Packet, namespace: Namespace, incoming: Device | null, outgoing: Device | null): boolean {
  const { view } = kernel.traversal;
  const { source, sourcePort } = view;
  if (!nat(kernel, packet, namespace, Hook.Postrouting, Node.Postrouting, incoming, outgoing)) return false;
  if (namespace.xfrm === null) return true;
  view.readHeaders(kernel, packet);
  if (view.source !== source || view.sourcePort !== sourcePort) lookUpPolicy(kernel, packet, namespace);
  return true;
}
