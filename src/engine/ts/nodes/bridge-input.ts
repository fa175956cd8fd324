import { Drop } from "../../../../assembly/abi/drop";
import { CAPTURE_INBOUND, CAPTURE_OUTBOUND } from "../../../../assembly/abi/event";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { BRIDGE_NF_IPV4, BRIDGE_NF_IPV6, RouteType } from "../../../../assembly/abi/program";
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../../../../assembly/abi/protocol";
import { drop, dropUnbuilt } from "../graph/drop";
import { append } from "../graph/walk";
import { checkHeader6 } from "../ipv6/headers";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import type { Filter } from "../netfilter/filter";
import type { Device } from "../tables/device";
import { NeighbourState } from "../tables/neighbour";
import { etherType, isBroadcast, isGroup, macHigh, macLow, SOURCE, writeMac } from "../wire/ethernet";
import { destinationOf, isFragment } from "../wire/ip";
import { floodCopies } from "./bridge-flood";
import { checkHeader } from "./ip-input";
import { resolve } from "./neighbour-output";

/**
 * br_handle_frame on a bridge port: check the source, keep reserved groups to the link, and let iptables have its say where
 * br_netfilter calls it.
 *
 * Differs from Linux: no STP, no VLAN filtering, no multicast snooping.
 */
export function bridgeInput(kernel: Kernel, packet: Packet): Node {
  const port = packet.device;
  const bridge = port === null ? null : port.master;
  if (port === null || bridge === null) return drop(kernel, packet, Drop.DevReady, Node.BridgeInput);
  // It waited for a neighbour's address, and has been here before.
  if (packet.bridged) {
    if (bridge.captured) captureDetour(kernel, packet, bridge);
    return bridgeFrame(kernel, packet, port, bridge);
  }
  const { bytes } = kernel.memory;
  const sourceHigh = macHigh(bytes, packet.frame + SOURCE);
  const sourceLow = macLow(bytes, packet.frame + SOURCE);
  const isZero = sourceHigh === 0 && sourceLow === 0;
  if (isZero || isGroup(sourceHigh)) return drop(kernel, packet, Drop.MacInvalidSource, Node.BridgeInput);
  if (port.hasPortSecurity && port.peer !== null && (sourceHigh !== port.peer.macHigh || sourceLow !== port.peer.macLow)) {
    return drop(kernel, packet, Drop.PortSecurity, Node.BridgeInput);
  }
  const high = macHigh(bytes, packet.frame);
  const low = macLow(bytes, packet.frame);
  if (isLinkLocal(high, low)) return drop(kernel, packet, Drop.UnhandledProto, Node.BridgeInput);
  const filter = filterOf(bytes, packet, bridge);
  if (filter === null) return bridgeFrame(kernel, packet, port, bridge);
  const reason = etherType(bytes, packet.frame) === ETHERTYPE_IPV6 ? checkHeader6(kernel, packet) : checkHeader(kernel, packet);
  if (reason !== Drop.None) return drop(kernel, packet, reason, Node.BridgeInput);
  // Those for the host meet the rules above, once they are a datagram.
  if (filter.tracks && kernel.localMacs.has(bridge, high, low) && isFragment(bytes, packet)) return bridgeFrame(kernel, packet, port, bridge);
  packet.type = isBroadcast(high, low) ? PacketType.Broadcast : isGroup(high) ? PacketType.Multicast : PacketType.Host;
  packet.bridged = packet.filtered = true;
  packet.forBridge = false;
  return filter.visits(Hook.Prerouting) ? Node.Prerouting : bridgeFrame(kernel, packet, port, bridge);
}

/** The packet filter that br_netfilter asks about what crosses the bridge, or null. */
function filterOf(bytes: Uint8Array, { frame }: Packet, { namespace }: Device): Filter | null {
  const { filter, filter6, bridgeNf } = namespace;
  if (bridgeNf === 0 || (filter === null && filter6 === null)) return null;
  const type = etherType(bytes, frame);
  if (type === ETHERTYPE_IPV4) return (bridgeNf & BRIDGE_NF_IPV4) === 0 ? null : filter;
  return type === ETHERTYPE_IPV6 && (bridgeNf & BRIDGE_NF_IPV6) !== 0 ? filter6 : null;
}

/**
 * br_nf_pre_routing_finish: `asked` is where the packet was sent. If that has changed, it goes to whoever has the new address
 * on this bridge, and else up to the host, which routes it: where it does not forward, ip_route_input finds no way into the bridge either.
 */
export function passBridge(kernel: Kernel, packet: Packet, asked: number): Node {
  const port = packet.device;
  const bridge = port === null ? null : port.master;
  if (port === null || bridge === null) return drop(kernel, packet, Drop.DevReady, Node.BridgeInput);
  const { bytes } = kernel.memory;
  const destination = destinationOf(bytes, packet);
  if (destination === asked) return bridgeFrame(kernel, packet, port, bridge);
  const route = bridge.namespace.routeTo(destination);
  if (route === null || route.type !== RouteType.Unicast || route.device !== bridge || !bridge.namespace.forwarding) {
    writeMac(bytes, packet.frame, bridge.macHigh, bridge.macLow);
    return bridgeFrame(kernel, packet, port, bridge);
  }
  const nextHop = route.gateway === 0 ? destination : route.gateway;
  const entry = kernel.neighbours.find(bridge, nextHop) ?? kernel.neighbours.create(bridge, nextHop);
  if (entry === null) return drop(kernel, packet, Drop.NeighCreateFail, Node.NeighbourOutput);
  packet.forBridge = macHigh(bytes, packet.frame) === bridge.macHigh && macLow(bytes, packet.frame) === bridge.macLow;
  if (!resolve(kernel, packet, bridge, entry)) return Node.Done;
  writeMac(bytes, packet.frame, entry.macHigh, entry.macLow);
  const isConnected = entry.state === NeighbourState.Reachable || entry.state === NeighbourState.Permanent;
  if (bridge.captured && !isConnected) captureDetour(kernel, packet, bridge);
  return bridgeFrame(kernel, packet, port, bridge);
}

/** br_handle_frame_finish: learn, then flood, deliver up the stack, forward. */
function bridgeFrame(kernel: Kernel, packet: Packet, port: Device, bridge: Device): Node {
  const { bytes } = kernel.memory;
  const sourceHigh = macHigh(bytes, packet.frame + SOURCE);
  const sourceLow = macLow(bytes, packet.frame + SOURCE);
  const high = macHigh(bytes, packet.frame);
  const low = macLow(bytes, packet.frame);
  if (!kernel.localMacs.has(bridge, sourceHigh, sourceLow)) kernel.fdb.learn(bridge, sourceHigh, sourceLow, port, kernel.clock);

  if (isGroup(high)) {
    floodCopies(kernel, packet, bridge, port);
    return deliverUp(packet, bridge);
  }
  if (kernel.localMacs.has(bridge, high, low)) return deliverUp(packet, bridge);
  if (bridge.captured) overhear(kernel, packet, bridge);
  const egress = kernel.fdb.find(bridge, high, low, kernel.clock);
  if (egress === null) {
    packet.target = bridge;
    return Node.BridgeFlood;
  }
  if (egress === port && !port.hairpin) return drop(kernel, packet, Drop.BridgeNoEgressPort, Node.BridgeInput);
  packet.target = egress;
  return Node.BridgeForward;
}

/** neigh->output of br_nf_pre_routing_finish_bridge: the frame goes through the bridge's own queue, with the header of what the host sends. */
function captureDetour(kernel: Kernel, packet: Packet, bridge: Device): void {
  const { bytes } = kernel.memory;
  const source = packet.frame + SOURCE;
  const high = macHigh(bytes, source);
  const low = macLow(bytes, source);
  writeMac(bytes, source, bridge.macHigh, bridge.macLow);
  kernel.capture(bridge, CAPTURE_OUTBOUND, packet);
  writeMac(bytes, source, high, low);
}

/**
 * tcpdump makes a bridge promiscuous: it hears what passes, and so does the stack above. That wants no frame of others; but one
 * that came for the bridge, and has been translated to somebody beside it, it routes a second time.
 */
function overhear(kernel: Kernel, packet: Packet, bridge: Device): void {
  kernel.capture(bridge, CAPTURE_INBOUND, packet);
  if (!packet.bridged || !packet.forBridge) return;
  const copy = kernel.pool.copy(packet);
  if (copy === null) {
    dropUnbuilt(kernel, kernel.node, packet.device, packet.flow, packet.sequence);
    return;
  }
  kernel.pool.disconnect(copy);
  copy.device = bridge;
  copy.type = PacketType.Host;
  append(kernel, copy, packet.isIpv6 ? Node.Ip6Input : Node.IpInput);
}

/** br_pass_frame_up. */
function deliverUp(packet: Packet, bridge: Device): Node {
  packet.target = bridge;
  return Node.Receive;
}

/** 01:80:c2:00:00:01 to 0f, which IEEE 802.1D §7.12.6 bridges never forward (group_fwd_mask 0). */
function isLinkLocal(high: number, low: number): boolean {
  return high === 0x0180 && low >>> 4 === 0xc200000 && (low & 15) !== 0;
}
