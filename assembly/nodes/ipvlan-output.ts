/**
 * ipvlan_start_xmit; the lower device is in `packet.out`. Mode L2 is a bridge that goes by IP addresses; L3 and L3s leave by the routes
 * of the lower device's namespace.
 *
 * Differs from Linux: netfilter of that namespace does not see it, and nobody is told that a datagram is too big.
 */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DEVICE_IPVLAN_PRIVATE, DEVICE_IPVLAN_VEPA, DEVICE_UP, DeviceKind, IpvlanMode, RouteType } from "../abi/program";
import { appendCopy } from "../graph/copy";
import { drop } from "../graph/drop";
import { frameOf, Packet } from "../memory/pool";
import { aboveAt, Device, holderOf, isNull } from "../tables/device";
import { hasRoute, lookup } from "../tables/fib";
import { destinationMac, ETHERNET_HEADER, isGroup } from "../wire/ethernet";
import { destinationOf, fragmentWord, IP_DF, totalLength } from "../wire/ipv4";
import { isWholeIpv4, targetAddress } from "../wire/network-address";

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
  if (!(device.flags & DEVICE_IPVLAN_VEPA)) {
    const holder = find(packet, lower);
    if (!isNull(holder)) return handOver(packet, device, holder);
  }
  const frame = frameOf(packet);
  if (isGroup(destinationMac(frame)) || !isWholeIpv4(frame, packet.length)) return drop(packet, Drop.UnhandledProto, Node.IpvlanOutput);
  const ip = frame + ETHERNET_HEADER;
  packet.network = ip;
  packet.length = totalLength(ip) + ETHERNET_HEADER;
  const destination = destinationOf(ip);
  const decision = lookup(lower.namespace, destination);
  if (!hasRoute(decision)) return drop(packet, Drop.IpOutNoRoutes, Node.IpvlanOutput);
  const route = decision.route;
  let out = route.device;
  if (route.type == RouteType.Local) out = lower.namespace.loopback;
  else if (route.type != RouteType.Unicast) return drop(packet, Drop.IpOutNoRoutes, Node.IpvlanOutput);
  if (isNull(out)) return drop(packet, Drop.IpOutNoRoutes, Node.IpvlanOutput);
  packet.device = lower;
  packet.out = out;
  packet.next = route.gateway != 0 ? route.gateway : destination;
  packet.routeType = <u8>RouteType.Unicast;
  packet.mtu = out.mtu;
  if (packet.length - ETHERNET_HEADER <= out.mtu) return Node.NeighbourOutput;
  return (fragmentWord(ip) & IP_DF) != 0 ? drop(packet, Drop.PktTooBig, Node.IpvlanOutput) : Node.IpFragment;
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
