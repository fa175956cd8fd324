/**
 * arp_rcv and arp_process: a request for one of our addresses is answered and its sender entered; anything else may refresh what is
 * known already.
 *
 * Differs from Linux: the sender's address is not checked against the routes.
 */
import { Drop } from "../abi/drop";
import { NEIGHBOUR_LOCK_NS } from "../abi/limits";
import { Node } from "../abi/node";
import { DEVICE_ARP_IGNORE } from "../abi/program";
import { ARP_REPLY, ARP_REQUEST } from "../abi/protocol";
import { NONE } from "../abi/version";
import { drop, dropUnmade } from "../graph/drop";
import { append, consume } from "../graph/walk";
import { frameOf, Packet, PacketType, takePacket } from "../memory/pool";
import { clock, NEVER } from "../simulation/clock";
import { Device, DEVICE_NO_ARP, hasAddress } from "../tables/device";
import { lookup } from "../tables/fib";
import { createNeighbour, findNeighbour, isNoNeighbour, Neighbour, NeighbourState } from "../tables/neighbour";
import { ARP_FRAME, arpOperation, arpSenderIp, arpSenderMac, arpTargetIp, isArpForIpv4, writeArp } from "../wire/arp";
import { ETHERNET_HEADER, TYPE_ARP, writeEthernet } from "../wire/ethernet";
import { isClassDOrAbove, isLoopback } from "../wire/ipv4";
import { releaseQueue } from "./neighbour-output";

export function arpInput(packet: Packet): Node {
  const frame = frameOf(packet);
  const device = packet.device;
  if (packet.length < ARP_FRAME) return drop(packet, Drop.HdrTrunc, Node.ArpInput);
  if (device.flags & DEVICE_NO_ARP) return consume(packet);
  if (packet.type == PacketType.OtherHost) return drop(packet, Drop.OtherHost, Node.ArpInput);
  if (!isArpForIpv4(frame)) return drop(packet, Drop.UnhandledProto, Node.ArpInput);
  const target = arpTargetIp(frame);
  if (isLoopback(target) || isClassDOrAbove(target)) return drop(packet, Drop.UnhandledProto, Node.ArpInput);
  const sender = arpSenderIp(frame);
  const senderMac = arpSenderMac(frame);
  const isRequest = arpOperation(frame) == ARP_REQUEST;
  const entry = findNeighbour(device, sender, false);
  if (isRequest && isToldOf(device, target)) {
    if (sender != 0) {
      enterNeighbour(device, sender, senderMac, false, entry, Node.ArpInput);
    }
    reply(device, target, senderMac, sender);
  } else if (!isNoNeighbour(entry)) {
    const state = !isRequest && packet.type == PacketType.Host ? NeighbourState.Reachable : NeighbourState.Stale;
    updateNeighbour(entry, senderMac, state, sender == target || clock - entry.updated > <i64>NEIGHBOUR_LOCK_NS, Node.ArpInput);
  }
  return consume(packet);
}

/** Whether ARP of a device is about an address: of the whole namespace (arp_ignore 0), or of the device alone (1). */
@inline export function isToldOf(device: Device, ip: u32): bool {
  return lookup(device.namespace, ip).isOwn && (MANY_HOSTS == 0 || !(device.flags & DEVICE_ARP_IGNORE) || hasAddress(device, ip));
}

function reply(device: Device, ip: u32, targetMac: u64, targetIp: u32): void {
  const answer = takePacket(ARP_FRAME - ETHERNET_HEADER);
  if (changetype<usize>(answer) == 0) {
    dropUnmade(Drop.NoMemory, Node.ArpInput, device, NONE, 0);
    return;
  }
  const frame = frameOf(answer);
  writeEthernet(frame, targetMac, device.mac, TYPE_ARP);
  writeArp(frame, ARP_REPLY, device.mac, ip, targetMac, targetIp);
  answer.framed = 1;
  answer.out = device;
  append(answer, Node.DeviceTransmit, Node.ArpInput);
}

/** Somebody asks who is known as `known`, or not at all; a full table ignores those. */
export function enterNeighbour(device: Device, ip: u32, mac: u64, isIpv6: bool, known: Neighbour, node: Node): void {
  if (!isNoNeighbour(known)) {
    updateNeighbour(known, mac, NeighbourState.Stale, true, node);
    return;
  }
  const entry = createNeighbour(device, ip, isIpv6);
  if (isNoNeighbour(entry)) return;
  entry.mac = mac;
  entry.state = NeighbourState.Stale;
  entry.updated = clock;
}

/** neigh_update. */
export function updateNeighbour(entry: Neighbour, mac: u64, state: NeighbourState, mayReplace: bool, node: Node): void {
  const old = entry.state;
  if (old == NeighbourState.Permanent) return;
  const wasValid = old != NeighbourState.Incomplete && old != NeighbourState.Failed;
  if (wasValid && (mac == entry.mac ? state == NeighbourState.Stale : !mayReplace)) return;
  if (!wasValid || mac != entry.mac) entry.updated = clock;
  entry.mac = mac;
  entry.state = state;
  entry.deadline = NEVER;
  if (state == NeighbourState.Reachable) entry.confirmed = clock;
  if (old == NeighbourState.Incomplete) releaseQueue(entry, node);
}
