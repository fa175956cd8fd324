import { FlowError } from "../../../../assembly/abi/counter";
import { Drop } from "../../../../assembly/abi/drop";
import { Hook, Table } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import { unbalance } from "../ipvs/reply";
import type { Kernel } from "../kernel";
import { type Packet, PathMtuDiscovery } from "../memory/packet";
import { nat } from "../netfilter/nat";
import { runTable } from "../netfilter/table";
import { track } from "../netfilter/track";
import { failFlow } from "../simulation/source";
import { isRefusing } from "../tables/fib";
import type { Namespace } from "../tables/namespace";
import { CtState } from "../netfilter/entry";
import { destinationOf, isFragment } from "../wire/ip";
import { DONT_FRAGMENT, fragmentField, isLoopback, sourceIp } from "../wire/ipv4";
import { lookUpPolicy } from "../xfrm/look-up";
import { finishOutput, outputDevice, setRoute } from "./ip-output";
import { leaveNamespace } from "./crossing";

/** NF_INET_LOCAL_OUT: what crosses from another namespace may be a fragment, which is put together first; then the tables. */
export function localOut(kernel: Kernel, packet: Packet): Node {
  packet.filtered = true;
  const tracks = packet.namespace?.filterFor(packet)?.tracks === true;
  packet.defragmenting = packet.crossing && tracks && packet.ctState === CtState.None && isFragment(kernel.memory.bytes, packet);
  return packet.defragmenting ? Node.Reassemble : localOutTables(kernel, packet);
}

/** raw, connection tracking, mangle, nat with another route if need be, load balancing, filter. */
export function localOutTables(kernel: Kernel, packet: Packet): Node {
  const { namespace, target } = packet;
  const filter = namespace === null ? null : namespace.filterFor(packet);
  if (namespace === null || filter === null) return finishOutput(kernel, packet);
  const { tracks, translates } = filter;
  const { view } = kernel.traversal;
  const { bytes } = kernel.memory;
  view.setDevices(null, target);
  view.readHeaders(kernel, packet);
  if (!runTable(kernel, packet, namespace, Table.Raw, Hook.Output, Node.LocalOut)) return deny(kernel, packet, Drop.NetfilterDrop);
  if (tracks && !track(kernel, packet, namespace, false)) return deny(kernel, packet, Drop.ConntrackFull);
  const { mark } = packet;
  if (!runTable(kernel, packet, namespace, Table.Mangle, Hook.Output, Node.LocalOut)) return deny(kernel, packet, Drop.NetfilterDrop);
  if (packet.mark !== mark) {
    if (packet.crossing && !reroute(kernel, packet, namespace)) return Node.Done;
    lookUpPolicy(kernel, packet, namespace);
  }
  if (translates) {
    const { destination: asked, destinationPort: askedPort } = view;
    if (!nat(kernel, packet, namespace, Hook.Output, Node.LocalOut, null, target)) return deny(kernel, packet, Drop.NetfilterDrop);
    if (destinationOf(bytes, packet) !== asked && !reroute(kernel, packet, namespace)) return Node.Done;
    view.readHeaders(kernel, packet);
    if (view.destination !== asked || view.destinationPort !== askedPort) lookUpPolicy(kernel, packet, namespace);
  }
  if (filter.balances && !packet.balanced) {
    if (!unbalance(kernel, packet, namespace)) return Node.Done;
    view.readHeaders(kernel, packet);
  }
  if (!runTable(kernel, packet, namespace, Table.Filter, Hook.Output, Node.LocalOut)) return deny(kernel, packet, Drop.NetfilterDrop);
  return filter.visits(Hook.Postrouting) ? Node.Postrouting : leaveNamespace(kernel, packet, Node.LocalOut);
}

/** ip_route_me_harder: the route to where the packet goes now. False if it was dropped. */
function reroute(kernel: Kernel, packet: Packet, namespace: Namespace): boolean {
  const { bytes } = kernel.memory;
  const { isIpv6, network } = packet;
  const destination = destinationOf(bytes, packet);
  const route = namespace.routeTo(destination);
  const device = route === null ? null : outputDevice(namespace, route);
  const isStranded = device !== null && !isIpv6 && isLoopback(sourceIp(bytes, network)) && !device.isLoopback && !device.routeLocalnet;
  if (route === null || device === null || isStranded) {
    const isRefused = route !== null && isRefusing(route);
    tellSender(kernel, packet, isRefused ? FlowError.HostUnreachable : FlowError.NetworkUnreachable);
    drop(kernel, packet, isRefused ? Drop.RouteUnreachable : Drop.IpOutNoRoutes, Node.LocalOut);
    return false;
  }
  const mtu = kernel.pathMtus.find(namespace, destination, device.mtu, kernel.clock);
  setRoute(packet, route, device, destination, mtu);
  if (packet.crossing) return true;
  const mustFragment = packet.datagramLength > mtu;
  const mayFragment = isIpv6 ? packet.pathMtuDiscovery !== PathMtuDiscovery.Do : (fragmentField(bytes, network) & DONT_FRAGMENT) === 0;
  if (mayFragment || !mustFragment) return true;
  tellSender(kernel, packet, FlowError.MessageTooLong);
  drop(kernel, packet, Drop.PktTooBig, Node.LocalOut);
  return false;
}

function deny(kernel: Kernel, packet: Packet, reason: Drop): Node {
  tellSender(kernel, packet, FlowError.NotPermitted);
  return drop(kernel, packet, reason, Node.LocalOut);
}

/** What the system call returns that sends a datagram of one's own. TCP takes no notice: it sends again. */
export function tellSender(kernel: Kernel, packet: Packet, error: FlowError): void {
  if (!packet.received && packet.isMessage && packet.flow !== null) failFlow(kernel, packet.flow, packet.sequence, error);
}
