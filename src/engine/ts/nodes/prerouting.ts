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
import { isFragment } from "../wire/ip";
import { passBridge } from "./bridge-input";
import { inputRoute } from "./ip-input";
import { inputRoute6 } from "./ip6-input";

/** NF_INET_PRE_ROUTING: where connections are tracked fragments are put together first (nf_defrag_ipv4), then the tables. */
export function prerouting(kernel: Kernel, packet: Packet): Node {
  const { device } = packet;
  packet.filtered = true;
  const tracks = device?.namespace.filterFor(packet)?.tracks === true;
  if (tracks && !packet.bridged && packet.ctState === CtState.None) {
    packet.defragmenting = isFragment(kernel.memory.bytes, packet);
    if (packet.defragmenting) return Node.Reassemble;
  }
  return preroutingTables(kernel, packet);
}

/** raw, connection tracking, mangle, nat; then the bridge, or the input route. */
export function preroutingTables(kernel: Kernel, packet: Packet): Node {
  const { device } = packet;
  const namespace = device === null ? null : device.namespace;
  const filter = namespace === null ? null : namespace.filterFor(packet);
  if (device === null || namespace === null || filter === null) return route(kernel, packet);
  const { tracks, translates } = filter;
  const { view } = kernel.traversal;
  const incoming = packet.bridged ? device.master : device;
  view.setDevices(incoming, null);
  view.readHeaders(kernel, packet);
  const asked = view.destination;
  if (!runTable(kernel, packet, namespace, Table.Raw, Hook.Prerouting, Node.Prerouting)) return deny(kernel, packet);
  if (tracks && !track(kernel, packet, namespace, true)) return drop(kernel, packet, Drop.ConntrackFull, Node.Prerouting);
  if (!runTable(kernel, packet, namespace, Table.Mangle, Hook.Prerouting, Node.Prerouting)) return deny(kernel, packet);
  if (translates && !nat(kernel, packet, namespace, Hook.Prerouting, Node.Prerouting, incoming, null)) return deny(kernel, packet);
  return packet.bridged ? passBridge(kernel, packet, asked) : route(kernel, packet);
}

function route(kernel: Kernel, packet: Packet): Node {
  return packet.isIpv6 ? inputRoute6(kernel, packet) : inputRoute(kernel, packet);
}

function deny(kernel: Kernel, packet: Packet): Node {
  return drop(kernel, packet, Drop.NetfilterDrop, Node.Prerouting);
}
