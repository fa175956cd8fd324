/**
 * ipvlan_start_xmit; the lower device is in `packet.out`. Mode L2 is a bridge that goes by IP addresses; L3 and L3s leave as
 * packets of the lower device's namespace.
 */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DEVICE_IPVLAN_PRIVATE, DEVICE_IPVLAN_VEPA, DEVICE_UP, DeviceKind, IpvlanMode } from "../abi/program";
import { appendCopy } from "../graph/copy";
import { drop } from "../graph/drop";
import { frameOf, Packet } from "../memory/pool";
import { aboveAt, Device, holderOf, isNull } from "../tables/device";
import { destinationMac, isGroup } from "../wire/ethernet";
import { targetAddress } from "../wire/network-address";
import { cross } from "./crossing";

export function ipvlanOutput(packet: Packet): Node {
  return packet.device.mode == IpvlanMode.L2 ? bridge(packet, packet.device, packet.out) : outbound(packet, packet.device, packet.out);
}

function bridge(packet: Packet, device: Device, lower: Device): Node {
  const destination = destinationMac(frameOf(packet));
  if (isGroup(destination)) {
    for (let index: u32 = 0; index < lower.aboveCount; index++) {
      const other = aboveAt(lower, index);
      if (other == device || other.kind != DeviceKind.Ipvlan || !(other.flags & DEVICE_UP)) continue;
      appendCopy(packet, other, Node.Receive, Node.IpvlanOutput);
    }
    return Node.DeviceTransmit;
  }
  if (destination != lower.mac || device.flags & DEVICE_IPVLAN_VEPA) return Node.DeviceTransmit;
  const holder = find(packet, lower);
  return isNull(holder) ? Node.Receive : handOver(packet, device, holder);
}

function outbound(packet: Packet, device: Device, lower: Device): Node {
  if (device.flags & DEVICE_IPVLAN_VEPA) return cross(packet, lower);
  const holder = find(packet, lower);
  return isNull(holder) ? cross(packet, lower) : handOver(packet, device, holder);
}

/** The device on top of `lower` that the packet is for, or null. */
function find(packet: Packet, lower: Device): Device {
  return holderOf(lower, targetAddress(frameOf(packet), packet.length));
}

function handOver(packet: Packet, device: Device, holder: Device): Node {
  if (device.flags & DEVICE_IPVLAN_PRIVATE) return drop(packet, Drop.PortIsolated, Node.IpvlanOutput);
  packet.out = holder;
  return Node.Receive;
}
