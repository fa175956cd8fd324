/**
 * br_handle_frame and br_handle_frame_finish: check the source, drop what is reserved for the link, learn; a group goes to
 * everybody, an own address up, a known one to its port, an unknown one to all ports.
 *
 * Differs from Linux: no spanning tree, no VLAN filtering, no multicast snooping.
 */
import { Drop } from "../abi/drop";
import { CAPTURE_INBOUND, CAPTURE_OUTBOUND } from "../abi/event";
import { Node } from "../abi/node";
import { DEVICE_HAIRPIN, DEVICE_PORT_SECURITY } from "../abi/program";
import { captureFrame } from "../graph/capture";
import { drop, dropUnmade } from "../graph/drop";
import { append } from "../graph/walk";
import { isFragment, isIpv6 } from "../memory/network";
import { copyPacket, FOR_BRIDGE, frameOf, Packet, PacketType } from "../memory/pool";
import { BRIDGED, detach } from "../netfilter/state";
import { Device, DEVICE_CAPTURED, DEVICE_FILTERED, DEVICE_FILTERED6, isNull } from "../tables/device";
import { find, Found, foundPort, learn } from "../tables/fdb";
import { stackOf } from "../tables/namespace";
import { TRACKS, VISITS_PREROUTING } from "../tables/ruleset";
import { destinationMac, etherType, isGroup, isReserved, MAC_BROADCAST, sourceMac, TYPE_IPV4, TYPE_IPV6, writeSourceMac } from "../wire/ethernet";
import { floodPorts } from "./bridge-flood";
import { checkHeader } from "./ip-input";
import { checkHeader6 } from "./ip6-input";

export function bridgeInput(packet: Packet): Node {
  // It was here before it waited for the MAC of its new destination.
  if (packet.filter & BRIDGED) {
    detour(packet, packet.device.master);
    return switchFrame(packet, Node.BridgeInput);
  }
  const port = packet.device;
  const bridge = port.master;
  const frame = frameOf(packet);
  const source = sourceMac(frame);
  const destination = destinationMac(frame);
  if (source == 0 || isGroup(source)) return drop(packet, Drop.MacInvalidSource, Node.BridgeInput);
  if (port.flags & DEVICE_PORT_SECURITY && !isNull(port.egress) && source != port.egress.mac) return drop(packet, Drop.PortSecurity, Node.BridgeInput);
  if (isReserved(destination)) return drop(packet, Drop.UnhandledProto, Node.BridgeInput);
  if (bridge.flags & DEVICE_FILTERED && etherType(frame) == TYPE_IPV4) return filterFrame(packet, bridge, destination, false);
  if (bridge.flags & DEVICE_FILTERED6 && etherType(frame) == TYPE_IPV6) return filterFrame(packet, bridge, destination, true);
  return switchFrame(packet, Node.BridgeInput);
}

/** br_nf_pre_routing: the frame is a packet for iptables, or for ip6tables. */
function filterFrame(packet: Packet, bridge: Device, destination: u64, isSix: bool): Node {
  const reason = isSix ? checkHeader6(packet) : checkHeader(packet);
  if (reason != Drop.None) return drop(packet, reason, Node.BridgeInput);
  const stack = stackOf(bridge.namespace, isSix);
  // What is for the host is put together above, before the same rules.
  if (stack.filter & TRACKS && isFragment(packet) && find(bridge, destination) == Found.Own) return switchFrame(packet, Node.BridgeInput);
  packet.type = !isGroup(destination) ? <u8>PacketType.Host : destination == MAC_BROADCAST ? <u8>PacketType.Broadcast : <u8>PacketType.Multicast;
  packet.filter |= BRIDGED;
  return stack.filter & VISITS_PREROUTING ? Node.Prerouting : switchFrame(packet, Node.BridgeInput);
}

/** From learning on, as part of the visit in progress. */
@inline export function switchFrame(packet: Packet, inProgress: Node): Node {
  const port = packet.device;
  const bridge = port.master;
  const frame = frameOf(packet);
  const source = sourceMac(frame);
  const destination = destinationMac(frame);
  learn(bridge, source, port);
  if (isGroup(destination)) {
    floodPorts(packet, bridge, port, inProgress);
    return up(packet, bridge);
  }
  const found = find(bridge, destination);
  if (found == Found.Own) return up(packet, bridge);
  if (bridge.flags & DEVICE_CAPTURED) overhear(packet, port, bridge, inProgress);
  if (found == Found.Nothing) return Node.BridgeFlood;
  if (foundPort == port && !(port.flags & DEVICE_HAIRPIN)) return drop(packet, Drop.BridgeNoEgressPort, Node.BridgeInput);
  packet.out = foundPort;
  return Node.BridgeForward;
}

/** tcpdump makes a bridge promiscuous. Its stack wants nothing of others, but takes a second copy of what was for itself before it was translated. */
function overhear(packet: Packet, port: Device, bridge: Device, inProgress: Node): void {
  packet.device = bridge;
  captureFrame(packet, CAPTURE_INBOUND, Drop.None, Node.Done);
  packet.device = port;
  if (!(packet.filter & BRIDGED) || !(packet.received & FOR_BRIDGE)) return;
  const copy = copyPacket(packet);
  if (changetype<usize>(copy) == 0) {
    dropUnmade(Drop.NoMemory, inProgress, port, packet.flow, packet.sequence);
    return;
  }
  detach(copy);
  copy.device = bridge;
  copy.type = <u8>PacketType.Host;
  append(copy, isIpv6(packet) ? Node.Ip6Input : Node.IpInput, inProgress);
}

/** br_nf_pre_routing_finish_bridge by way of neigh->output: tcpdump sees the frame in the bridge's queue, with the bridge's MAC. */
export function detour(packet: Packet, bridge: Device): void {
  if (!(bridge.flags & DEVICE_CAPTURED)) return;
  const port = packet.device;
  const frame = frameOf(packet);
  const source = sourceMac(frame);
  writeSourceMac(frame, bridge.mac);
  packet.device = bridge;
  captureFrame(packet, CAPTURE_OUTBOUND, Drop.None, Node.Done);
  packet.device = port;
  writeSourceMac(frame, source);
}

/** br_pass_frame_up: the bridge's own stack receives it. */
@inline function up(packet: Packet, bridge: Device): Node {
  packet.out = bridge;
  return Node.Receive;
}
