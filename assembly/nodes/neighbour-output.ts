/**
 * neigh_resolve_output and arp_solicit: who on the link has the next hop? A known MAC goes into the Ethernet header; otherwise the
 * packet waits and an ARP request asks.
 */
import { Drop } from "../abi/drop";
import { NEIGHBOUR_DELAY_NS, NEIGHBOUR_QUEUE_MAX, NEIGHBOUR_REACHABLE_NS, NEIGHBOUR_RETRANSMIT_NS } from "../abi/limits";
import { Node } from "../abi/node";
import { DeviceKind, RouteType } from "../abi/program";
import { ARP_REQUEST } from "../abi/protocol";
import { NONE } from "../abi/version";
import { drop, dropUnmade } from "../graph/drop";
import { append } from "../graph/walk";
import { addressAt6, isIpv6 } from "../memory/network";
import { frameOf, Packet, takePacket } from "../memory/pool";
import { clock } from "../simulation/clock";
import { BRIDGED } from "../netfilter/state";
import { bytesOf6, multicastMac6 } from "../tables/address6";
import { Device, DEVICE_NO_ARP, otherAddress } from "../tables/device";
import { armNeighbour, createNeighbour, dequeue, enqueue, findNeighbour, isNoNeighbour, Neighbour, NeighbourState } from "../tables/neighbour";
import { ARP_FRAME, writeArp } from "../wire/arp";
import { ETHERNET_HEADER, MAC_BROADCAST, multicastMac, TYPE_ARP, TYPE_IPV4, TYPE_IPV6, writeDestinationMac, writeEthernet } from "../wire/ethernet";
import { IP_BROADCAST, isMulticast, sourceOf } from "../wire/ipv4";
import { isToldOf } from "./arp-input";
import { detour, switchFrame } from "./bridge-input";
import { solicit6 } from "../ipv6/discovery";

export function neighbourOutput(packet: Packet): Node {
  const device = packet.out;
  packet.device = device;
  const nextHop = packet.next;
  if (device.kind == DeviceKind.Loopback) {
    writeEthernet(frameOf(packet), 0, 0, isIpv6(packet) ? TYPE_IPV6 : TYPE_IPV4);
    packet.framed = 1;
    return Node.DeviceTransmit;
  }
  if (device.flags & DEVICE_NO_ARP) return transmit(packet, device, device.mac);
  if (isIpv6(packet)) return output6(packet, device, nextHop);
  if (packet.routeType == RouteType.Broadcast || nextHop == IP_BROADCAST) return transmit(packet, device, MAC_BROADCAST);
  if (isMulticast(nextHop)) return transmit(packet, device, multicastMac(nextHop));
  const entry = findNeighbour(device, nextHop, false);
  if (isNoNeighbour(entry)) return resolveNew(packet, device, nextHop);
  return outputTo(packet, device, entry);
}

/** A group has no number if it is a next hop that was made here: then it is the destination. */
function output6(packet: Packet, device: Device, nextHop: u32): Node {
  const at = nextHop == NONE ? addressAt6(packet.network, false) : bytesOf6(nextHop);
  if (load<u8>(at) == 0xff) return transmit(packet, device, multicastMac6(at));
  const entry = findNeighbour(device, nextHop, true);
  return isNoNeighbour(entry) ? resolveNew(packet, device, nextHop) : outputTo(packet, device, entry);
}

@inline function transmit(packet: Packet, device: Device, destination: u64): Node {
  writeEthernet(frameOf(packet), destination, device.mac, isIpv6(packet) ? TYPE_IPV6 : TYPE_IPV4);
  packet.framed = 1;
  return Node.DeviceTransmit;
}

@inline function outputTo(packet: Packet, device: Device, entry: Neighbour): Node {
  const state = entry.state;
  if (state == NeighbourState.Incomplete) return wait(packet, entry);
  if (state == NeighbourState.Failed) return resolve(packet, entry);
  noteUse(packet, device, entry);
  return transmit(packet, device, entry.mac);
}

/** A MAC is used that nobody has confirmed lately: it will be asked for. */
@inline function noteUse(packet: Packet, device: Device, entry: Neighbour): void {
  const state = entry.state;
  if (state == NeighbourState.Reachable && clock - entry.confirmed <= <i64>NEIGHBOUR_REACHABLE_NS) return;
  if (state == NeighbourState.Reachable || state == NeighbourState.Stale) startDelay(packet, device, entry);
}

function startDelay(packet: Packet, device: Device, entry: Neighbour): void {
  entry.state = NeighbourState.Delay;
  entry.since = clock;
  entry.solicitSource = solicitSourceOf(packet, device);
  armNeighbour(entry, clock + <i64>NEIGHBOUR_DELAY_NS);
}

function resolveNew(packet: Packet, device: Device, nextHop: u32): Node {
  const entry = createNeighbour(device, nextHop, isIpv6(packet));
  return isNoNeighbour(entry) ? drop(packet, Drop.NeighCreateFail, Node.NeighbourOutput) : resolve(packet, entry);
}

function wait(packet: Packet, entry: Neighbour): Node {
  if (entry.queueCount >= <u32>NEIGHBOUR_QUEUE_MAX) drop(dequeue(entry), Drop.NeighQueueFull, Node.NeighbourOutput);
  enqueue(entry, packet);
  return Node.Done;
}

function resolve(packet: Packet, entry: Neighbour): Node {
  entry.state = NeighbourState.Incomplete;
  entry.probes = 1;
  entry.solicitSource = solicitSourceOf(packet, entry.device);
  enqueue(entry, packet);
  armNeighbour(entry, clock + <i64>NEIGHBOUR_RETRANSMIT_NS);
  solicit(entry, Node.NeighbourOutput);
  return Node.Done;
}

/** The packet's own source if ARP is about it here, else the device's first address, else another device's (arp_announce 0, 2). A solicitation has its own choice. */
function solicitSourceOf(packet: Packet, device: Device): u32 {
  if (isIpv6(packet)) return 0;
  const source = sourceOf(packet.network);
  if (isToldOf(device, source)) return source;
  return device.firstAddress != 0 ? device.firstAddress : otherAddress(device.namespace);
}

/** Appends an ARP request: to the MAC that is known while it is probed, else to all. */
export function solicit(entry: Neighbour, inProgress: Node): void {
  const device = entry.device;
  if (entry.isIpv6) {
    solicit6(entry, inProgress);
    return;
  }
  const request = takePacket(ARP_FRAME - ETHERNET_HEADER);
  if (changetype<usize>(request) == 0) {
    dropUnmade(Drop.NoMemory, inProgress, device, NONE, 0);
    return;
  }
  const destination = entry.state == NeighbourState.Probe ? entry.mac : MAC_BROADCAST;
  const frame = frameOf(request);
  writeEthernet(frame, destination, device.mac, TYPE_ARP);
  writeArp(frame, ARP_REQUEST, device.mac, entry.solicitSource, 0, entry.ip);
  request.framed = 1;
  request.out = device;
  append(request, Node.DeviceTransmit, inProgress);
}

/** A bridged frame whose packet has another destination: it gets the MAC of that, and the bridge goes on with it. */
export function resolveFrame(packet: Packet, bridge: Device, nextHop: u32): Node {
  let entry = findNeighbour(bridge, nextHop, isIpv6(packet));
  if (isNoNeighbour(entry)) {
    entry = createNeighbour(bridge, nextHop, isIpv6(packet));
    if (isNoNeighbour(entry)) return drop(packet, Drop.NeighCreateFail, Node.NeighbourOutput);
    return resolve(packet, entry);
  }
  const state = entry.state;
  if (state == NeighbourState.Incomplete) return wait(packet, entry);
  if (state == NeighbourState.Failed || state == NeighbourState.None) return resolve(packet, entry);
  noteUse(packet, bridge, entry);
  writeDestinationMac(frameOf(packet), entry.mac);
  if (entry.state != NeighbourState.Reachable && entry.state != NeighbourState.Permanent) detour(packet, bridge);
  return switchFrame(packet, Node.Prerouting);
}

/** The MAC is known now: what waited goes on. */
export function releaseQueue(entry: Neighbour, inProgress: Node): void {
  while (entry.queueCount != 0) {
    const packet = dequeue(entry);
    if (packet.filter & BRIDGED) {
      writeDestinationMac(frameOf(packet), entry.mac);
      append(packet, Node.BridgeInput, inProgress);
      continue;
    }
    transmit(packet, entry.device, entry.mac);
    packet.out = entry.device;
    append(packet, Node.DeviceTransmit, inProgress);
  }
}
