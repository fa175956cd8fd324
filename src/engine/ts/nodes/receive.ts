import { Drop } from "../../../../assembly/abi/drop";
import { CAPTURE_INBOUND } from "../../../../assembly/abi/event";
import { Node } from "../../../../assembly/abi/node";
import { DeviceKind } from "../../../../assembly/abi/program";
import { ETHERTYPE_ARP, ETHERTYPE_IPV4 } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import type { Device } from "../tables/device";
import { ETHERNET_HEADER, etherType, isBroadcast, isGroup, macHigh, macLow } from "../wire/ethernet";

/** __netif_receive_skb of `packet.target`: count, capture, the bridge's rx_handler, then eth_type_trans and the protocol. */
export function receive(kernel: Kernel, packet: Packet): Node {
  const device = packet.target;
  packet.device = device;
  packet.received = true;
  if (device === null || !device.up) return drop(kernel, packet, Drop.DevReady, Node.Receive);
  device.rxPackets++;
  device.rxBytes += packet.frameLength;
  if (device.captured) kernel.capture(device, CAPTURE_INBOUND, packet);
  if (packet.frameLength < ETHERNET_HEADER) return drop(kernel, packet, Drop.PktTooSmall, Node.Receive);
  if (device.master !== null && device.kind !== DeviceKind.Bridge) return Node.BridgeInput;

  const { bytes } = kernel.memory;
  packet.type = packetType(bytes, packet.frame, device);
  switch (etherType(bytes, packet.frame)) {
    case ETHERTYPE_IPV4:
      return Node.IpInput;
    case ETHERTYPE_ARP:
      return Node.ArpInput;
    default:
      return drop(kernel, packet, Drop.UnhandledProto, Node.Receive);
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
