import { Drop } from "../../../../assembly/abi/drop";
import { CAPTURE_INBOUND } from "../../../../assembly/abi/event";
import { Node } from "../../../../assembly/abi/node";
import { DeviceKind } from "../../../../assembly/abi/program";
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import type { Device } from "../tables/device";
import { ETHERNET_HEADER, etherType, isBroadcast, isGroup, macHigh, macLow } from "../wire/ethernet";
import { isTagged, vlanId } from "../wire/vlan";

/** __netif_receive_skb of `packet.target`: count, capture, VLANs, the rx_handler of a bridge or of devices on top, then the stack. */
export function receive(kernel: Kernel, packet: Packet): Node {
  const device = packet.target;
  packet.device = device;
  packet.received = true;
  if (packet.filtered && device !== null && device.kind !== DeviceKind.Loopback && device.kind !== DeviceKind.Bridge) kernel.pool.unfilter(packet);
  if (device === null || !device.up) return drop(kernel, packet, Drop.DevReady, Node.Receive);
  device.rxPackets++;
  device.rxBytes += packet.frameLength;
  if (device.captured) kernel.capture(device, CAPTURE_INBOUND, packet);
  if (packet.frameLength < ETHERNET_HEADER) return drop(kernel, packet, Drop.PktTooSmall, Node.Receive);
  if (device.hasVlans) {
    packet.target = vlanOf(kernel, packet, device);
    if (packet.target !== null) return Node.VlanInput;
  }
  return device.handler === Node.Done ? stack(kernel, packet, device) : device.handler;
}

/** The sub-interface for the frame's tag, or null. */
function vlanOf(kernel: Kernel, { frame, frameLength }: Packet, device: Device): Device | null {
  const { bytes } = kernel.memory;
  if (!isTagged(bytes, frame, frameLength)) return null;
  const id = vlanId(bytes, frame);
  return device.above.find(({ kind, vlan }) => kind === DeviceKind.Vlan && vlan === id) ?? null;
}

/** eth_type_trans, and the protocol that takes the frame. */
export function stack(kernel: Kernel, packet: Packet, device: Device): Node {
  const { bytes } = kernel.memory;
  packet.type = packetType(bytes, packet.frame, device);
  switch (etherType(bytes, packet.frame)) {
    case ETHERTYPE_IPV4:
      return Node.IpInput;
    case ETHERTYPE_ARP:
      return Node.ArpInput;
    case ETHERTYPE_IPV6:
      return Node.Ip6Input;
    default:
      return drop(kernel, packet, Drop.UnhandledProto, kernel.node);
  }
}

function packetType(bytes: Uint8Array, frame: number, device: Device): PacketType {
  if (device.isLoopback) return PacketType.Host;
  const high = macHigh(bytes, frame);
  const low = macLow(bytes, frame);
  if (high === device.macHigh && low === device.macLow) return PacketType.Host;
  if (isBroadcast(high, low)) return PacketType.Broadcast;
  return isGroup(high) ? PacketType.Multicast : PacketType.OtherHost;
}
