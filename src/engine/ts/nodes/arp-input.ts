import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { NEIGHBOUR_LOCK_NS } from "../../../../assembly/abi/limits";
import { ARP_REPLY, ARP_REQUEST, ETHERTYPE_ARP } from "../../../../assembly/abi/protocol";
import { drop, dropUnbuilt } from "../graph/drop";
import { append } from "../graph/walk";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import type { Device } from "../tables/device";
import { NeighbourState } from "../tables/neighbour";
import { ARP_FRAME, ARP_SENDER_MAC, isIpv4OverEthernet, operation, senderIp, targetIp, writeArp } from "../wire/arp";
import { macHigh, macLow, writeEthernet } from "../wire/ethernet";
import { isLoopback, isNotUnicast } from "../wire/ipv4";
import { updateNeighbour } from "./neighbour-output";

/**
 * arp_rcv and arp_process: length, packet type, formats, target; answer what asks for one of ours and learn who asked;
 * from everything else only refresh what is known.
 *
 * Differs from Linux: the sender of a request is not checked against the routes.
 */
export function arpInput(kernel: Kernel, packet: Packet): Node {
  const { device, frame, type } = packet;
  const { bytes } = kernel.memory;
  if (device === null || packet.frameLength < ARP_FRAME) return drop(kernel, packet, Drop.HdrTrunc, Node.ArpInput);
  if (device.isNoArp) {
    kernel.pool.release(packet);
    return Node.Done;
  }
  if (type === PacketType.OtherHost) return drop(kernel, packet, Drop.OtherHost, Node.ArpInput);
  const kind = operation(bytes, frame);
  const isKnown = isIpv4OverEthernet(bytes, frame) && (kind === ARP_REQUEST || kind === ARP_REPLY);
  const target = targetIp(bytes, frame);
  if (!isKnown || isLoopback(target) || isNotUnicast(target)) return drop(kernel, packet, Drop.UnhandledProto, Node.ArpInput);

  const sender = senderIp(bytes, frame);
  const high = macHigh(bytes, frame + ARP_SENDER_MAC);
  const low = macLow(bytes, frame + ARP_SENDER_MAC);
  if (kind === ARP_REQUEST && device.answersFor(target)) {
    if (sender !== 0) {
      const entry = kernel.neighbours.find(device, sender) ?? kernel.neighbours.create(device, sender);
      if (entry !== null) updateNeighbour(kernel, entry, high, low, NeighbourState.Stale, true);
    }
    reply(kernel, device, high, low, sender, target);
  } else {
    const entry = kernel.neighbours.find(device, sender);
    if (entry !== null) {
      const state = kind === ARP_REPLY && type === PacketType.Host ? NeighbourState.Reachable : NeighbourState.Stale;
      const override = kernel.clock - entry.updated > NEIGHBOUR_LOCK_NS || sender === target;
      updateNeighbour(kernel, entry, high, low, state, override);
    }
  }
  kernel.pool.release(packet);
  return Node.Done;
}

function reply(kernel: Kernel, device: Device, high: number, low: number, sender: number, target: number): void {
  const answer = kernel.pool.take(null, kernel.clock);
  if (answer === null) {
    dropUnbuilt(kernel, Node.ArpInput, device, null, 0);
    return;
  }
  const { bytes } = kernel.memory;
  writeEthernet(bytes, answer.frame, high, low, device.macHigh, device.macLow, ETHERTYPE_ARP);
  writeArp(bytes, answer.frame, ARP_REPLY, device.macHigh, device.macLow, target, high, low, sender);
  answer.hasEthernet = true;
  answer.frameLength = ARP_FRAME;
  answer.target = device;
  append(kernel, answer, Node.DeviceTransmit);
}
