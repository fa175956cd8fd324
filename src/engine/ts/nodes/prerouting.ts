import { Drop } from "../../../../assembly/abi/drop";
import { Hook, Table } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { CtState } from "../netfilter/entry";
import { nat } from "../netfilter/nat";
import { runTable } from "../netfilter/table";
import { track } from "../netfilter/track";
import { fragmentField, MORE_FRAGMENTS, OFFSET_MASK } from "../wire/ipv4";
import { passBridge } from "./bridge-input";
import { inputRoute } from "./ip-input";

/** NF_INET_PRE_ROUTING: where connections are tracked fragments are put together first (nf_defrag_ipv4), then the tables. */
export function prerouting(kernel: Kernel, packet: Packet): Node {
  const { device, network } = packet;
  packet.filtered = true;
  const tracks = device?.namespace.filter?.tracks === true;
  if (tracks && !packet.bridged && packet.ctState === CtState.None) {
    const isFragment = (fragmentField(kernel.memory.bytes, network) & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0;
    packet.defragmenting = isFragment;
    if (isFragment) return Node.Reassemble;
  }
  return preroutingTables(kernel, packet);
}

/** raw, connection tracking, mangle, nat; then the bridge, or the input route. */
export function preroutingTables(kernel: Kernel, packet: Packet): Node {
  const { device } = packet;
  const namespace = device === null ? null : device.namespace;
  if (device === null || namespace === null || namespace.filter === null) return inputRoute(kernel, packet);
  const { tracks, translates } = namespace.filter;
  const { view } = kernel.traversal;
  const incoming = packet.bridged ? device.master : device;
  view.setDevices(incoming, null);
  view.readHeaders(kernel.memory.bytes, packet);
  const asked = view.destination;
  if (!runTable(kernel, packet, namespace, Table.Raw, Hook.Prerouting, Node.Prerouting)) return deny(kernel, packet);
  if (tracks && !track(kernel, packet, namespace, true)) return drop(kernel, packet, Drop.ConntrackFull, Node.Prerouting);
  if (!runTable(kernel, packet, namespace, Table.Mangle, Hook.Prerouting, Node.Prerouting)) return deny(kernel, packet);
  if (translates && !nat(kernel, packet, namespace, Hook.Prerouting, Node.Prerouting, incoming, null)) return deny(kernel, packet);
  return packet.bridged ? passBridge(kernel, packet, asked) : inputRoute(kernel, packet);
}

function deny(kernel: Kernel, packet: Packet): Node {
  return drop(kernel, packet, Drop.NetfilterDrop, Node.Prerouting);
}
