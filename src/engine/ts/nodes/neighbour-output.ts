import { Drop } from "../../../../assembly/abi/drop";
import { NEIGHBOUR_DELAY_NS, NEIGHBOUR_QUEUE_MAX, NEIGHBOUR_REACHABLE_NS, NEIGHBOUR_RETRANSMIT_NS } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { ARP_REQUEST, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../../../../assembly/abi/protocol";
import { drop, dropUnbuilt } from "../graph/drop";
import { append } from "../graph/walk";
import { solicit6 } from "../ipv6/discovery";
import { isGroup6 } from "../ipv6/scope";
import type { Kernel } from "../kernel";
import { isIpv6 } from "../memory/address-table";
import type { Packet } from "../memory/packet";
import { EventType } from "../simulation/event-queue";
import { setDeadline } from "../simulation/timer";
import type { Device } from "../tables/device";
import { type Neighbour, NeighbourState, NO_DEADLINE } from "../tables/neighbour";
import { ARP_FRAME, writeArp } from "../wire/arp";
import { ETHERNET_HEADER, writeEthernet, writeMac } from "../wire/ethernet";
import { isMulticast, LIMITED_BROADCAST, sourceIp } from "../wire/ipv4";

/** neigh_resolve_output on `packet.target`: addresses that need no ARP, then what the entry's state says. */
export function neighbourOutput(kernel: Kernel, packet: Packet): Node {
  const device = packet.target;
  packet.device = device;
  if (device === null) return drop(kernel, packet, Drop.DevReady, Node.NeighbourOutput);
  const { nextHop } = packet;
  if (device.isLoopback) return transmit(kernel, packet, device, 0, 0, 0, 0);
  if (device.isNoArp) return transmit(kernel, packet, device, device.macHigh, device.macLow, device.macHigh, device.macLow);
  if (packet.isIpv6 && isGroup6(kernel.addresses, nextHop)) {
    // RFC 2464 §7: 33:33 and the last word.
    return transmit(kernel, packet, device, 0x3333, kernel.addresses.word(nextHop, 3), device.macHigh, device.macLow);
  }
  if (packet.broadcast || nextHop === LIMITED_BROADCAST) return transmit(kernel, packet, device, 0xffff, -1, device.macHigh, device.macLow);
  if (!packet.isIpv6 && isMulticast(nextHop)) {
    // RFC 1112 §6.4: 01:00:5e and the low 23 bits.
    const low = 0x5e000000 | (nextHop & 0x7fffff);
    return transmit(kernel, packet, device, 0x0100, low, device.macHigh, device.macLow);
  }
  const entry = kernel.neighbours.find(device, nextHop) ?? kernel.neighbours.create(device, nextHop);
  if (entry === null) return drop(kernel, packet, Drop.NeighCreateFail, Node.NeighbourOutput);
  if (!resolve(kernel, packet, device, entry)) return Node.Done;
  return transmit(kernel, packet, device, entry.macHigh, entry.macLow, device.macHigh, device.macLow);
}

/** Does the entry have a MAC address to send to? Otherwise the packet waits for one. */
export function resolve(kernel: Kernel, packet: Packet, device: Device, entry: Neighbour): boolean {
  if (entry.state === NeighbourState.Reachable && kernel.clock - entry.confirmed > NEIGHBOUR_REACHABLE_NS) {
    entry.state = NeighbourState.Stale;
  }
  if (!entry.hasMac) {
    if (entry.state === NeighbourState.Incomplete) enqueue(kernel, packet, entry);
    else solicitAnew(kernel, packet, entry);
    return false;
  }
  if (entry.state === NeighbourState.Stale) {
    entry.state = NeighbourState.Delay;
    entry.since = kernel.clock;
    entry.solicitSource = solicitSource(kernel, packet, device);
    armNeighbour(kernel, entry, kernel.clock + NEIGHBOUR_DELAY_NS);
  }
  return true;
}

function enqueue(kernel: Kernel, packet: Packet, entry: Neighbour): void {
  if (entry.queue.length >= NEIGHBOUR_QUEUE_MAX) {
    const oldest = entry.queue.shift();
    if (oldest !== undefined) drop(kernel, oldest, Drop.NeighQueueFull, Node.NeighbourOutput);
  }
  entry.queue.push(packet);
}

/** From NUD_NONE or NUD_FAILED: the first request, and the packet waits for its answer. */
function solicitAnew(kernel: Kernel, packet: Packet, entry: Neighbour): void {
  entry.state = NeighbourState.Incomplete;
  entry.probes = 1;
  entry.queue.push(packet);
  entry.solicitSource = solicitSource(kernel, packet, entry.device);
  armNeighbour(kernel, entry, kernel.clock + NEIGHBOUR_RETRANSMIT_NS);
  solicit(kernel, entry);
}

/** arp_solicit with arp_announce 0 or 2: the packet's source if it is ours, else the device's first address, else another device's. */
function solicitSource(kernel: Kernel, packet: Packet, device: Device): number {
  // Neighbour discovery chooses one for each solicitation.
  if (packet.isIpv6) return 0;
  const source = sourceIp(kernel.memory.bytes, packet.network);
  if (device.answersFor(source)) return source;
  return device.ip === 0 ? kernel.otherAddress(device.namespace) : device.ip;
}

/** Writes the Ethernet header in front of the datagram. */
export function writeHeader(
  kernel: Kernel,
  packet: Packet,
  destinationHigh: number,
  destinationLow: number,
  sourceHigh: number,
  sourceLow: number,
): void {
  writeEthernet(kernel.memory.bytes, packet.frame, destinationHigh, destinationLow, sourceHigh, sourceLow, packet.isIpv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
  packet.hasEthernet = true;
  packet.frameLength = ETHERNET_HEADER + packet.datagramLength;
}

function transmit(
  kernel: Kernel,
  packet: Packet,
  device: Device,
  destinationHigh: number,
  destinationLow: number,
  sourceHigh: number,
  sourceLow: number,
): Node {
  writeHeader(kernel, packet, destinationHigh, destinationLow, sourceHigh, sourceLow);
  packet.target = device;
  return Node.DeviceTransmit;
}

/** arp_send: broadcast, or to the MAC that is in doubt while probing. */
export function solicit(kernel: Kernel, entry: Neighbour): void {
  const { device } = entry;
  if (isIpv6(entry.ip)) {
    solicit6(kernel, entry);
    return;
  }
  const request = kernel.pool.take(null, kernel.clock);
  if (request === null) {
    dropUnbuilt(kernel, kernel.node, device, null, 0);
    return;
  }
  const isProbe = entry.state === NeighbourState.Probe;
  const high = isProbe ? entry.macHigh : 0xffff;
  const low = isProbe ? entry.macLow : -1;
  const { bytes } = kernel.memory;
  writeEthernet(bytes, request.frame, high, low, device.macHigh, device.macLow, ETHERTYPE_ARP);
  writeArp(bytes, request.frame, ARP_REQUEST, device.macHigh, device.macLow, entry.solicitSource, 0, 0, entry.ip);
  request.hasEthernet = true;
  request.frameLength = ARP_FRAME;
  request.target = device;
  append(kernel, request, Node.DeviceTransmit);
}

/** Sets the entry's timer. */
export function armNeighbour(kernel: Kernel, entry: Neighbour, deadline: number): void {
  setDeadline(kernel, entry, EventType.NeighbourTimer, deadline);
}

/** neigh_update: what an ARP packet says about an entry. Packets that waited for the MAC go out. */
export function updateNeighbour(
  kernel: Kernel,
  entry: Neighbour,
  high: number,
  low: number,
  state: NeighbourState.Reachable | NeighbourState.Stale,
  override: boolean,
): void {
  if (entry.state === NeighbourState.Permanent) return;
  const isSame = entry.macHigh === high && entry.macLow === low;
  if (entry.hasMac) {
    if (!isSame && !override) return;
    if (isSame && state === NeighbourState.Stale) return;
  }
  if (!entry.hasMac || !isSame) entry.updated = kernel.clock;
  entry.macHigh = high;
  entry.macLow = low;
  entry.state = state;
  if (state === NeighbourState.Reachable) entry.confirmed = kernel.clock;
  entry.deadline = NO_DEADLINE;
  for (const packet of entry.queue) {
    if (packet.bridged) {
      writeMac(kernel.memory.bytes, packet.frame, high, low);
      append(kernel, packet, Node.BridgeInput);
      continue;
    }
    writeHeader(kernel, packet, high, low, entry.device.macHigh, entry.device.macLow);
    packet.target = entry.device;
    append(kernel, packet, Node.DeviceTransmit);
  }
  entry.queue.length = 0;
}
