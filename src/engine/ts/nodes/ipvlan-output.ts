import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { DeviceKind, IpvlanMode, RouteType } from "../../../../assembly/abi/program";
import { appendCopy } from "../graph/copy";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { destinationAddress, isSoundIpv4 } from "../wire/address";
import { ETHERNET_HEADER, isGroup, macHigh, macLow } from "../wire/ethernet";
import { destinationIp, DONT_FRAGMENT, fragmentField, totalLength } from "../wire/ipv4";

/**
 * ipvlan_start_xmit. In mode L2 as macvlan in bridge mode, but by IP address; in the other modes the routes of the lower device's
 * namespace decide.
 *
 * Differs from Linux: the lower namespace's netfilter is not passed, and a datagram that is too big is dropped without a message.
 */
export function ipvlanOutput(kernel: Kernel, packet: Packet): Node {
  const { device } = packet;
  const lower = device === null ? null : device.peer;
  if (device === null || lower === null) return drop(kernel, packet, Drop.DevReady, Node.IpvlanOutput);
  return device.mode === IpvlanMode.L2 ? bridge(kernel, packet, device, lower) : routeOut(kernel, packet, device, lower);
}

function bridge(kernel: Kernel, packet: Packet, device: Device, lower: Device): Node {
  const { bytes } = kernel.memory;
  const { frame } = packet;
  const high = macHigh(bytes, frame);
  packet.target = lower;
  if (isGroup(high)) {
    for (const other of lower.above) {
      if (other.kind === DeviceKind.Ipvlan && other.up && other !== device) appendCopy(kernel, packet, other, Node.Receive);
    }
    return Node.DeviceTransmit;
  }
  const isForLower = high === lower.macHigh && macLow(bytes, frame) === lower.macLow;
  if (!isForLower || device.isVepa) return Node.DeviceTransmit;
  const holder = holderOf(kernel, packet, lower);
  return holder === null ? Node.Receive : handOver(kernel, packet, device, holder);
}

/** ipvlan_process_outbound. */
function routeOut(kernel: Kernel, packet: Packet, device: Device, lower: Device): Node {
  const holder = device.isVepa ? null : holderOf(kernel, packet, lower);
  if (holder !== null) return handOver(kernel, packet, device, holder);
  const { bytes } = kernel.memory;
  const { frame, frameLength } = packet;
  if (!isSoundIpv4(bytes, frame, frameLength) || isGroup(macHigh(bytes, frame))) {
    return drop(kernel, packet, Drop.UnhandledProto, Node.IpvlanOutput);
  }
  const network = frame + ETHERNET_HEADER;
  packet.network = network;
  packet.datagramLength = totalLength(bytes, network);
  packet.frameLength = ETHERNET_HEADER + packet.datagramLength;
  const destination = destinationIp(bytes, network);
  const route = lower.namespace.fib.find(destination);
  const isLocal = route?.type === RouteType.Local;
  const out = isLocal ? lower.namespace.loopback : (route?.device ?? null);
  if (route === null || out === null || (route.type !== RouteType.Unicast && !isLocal)) {
    return drop(kernel, packet, Drop.IpOutNoRoutes, Node.IpvlanOutput);
  }
  packet.device = lower;
  packet.target = out;
  packet.nextHop = route.gateway === 0 ? destination : route.gateway;
  packet.broadcast = false;
  packet.mtu = out.mtu;
  if (packet.datagramLength <= out.mtu) return Node.NeighbourOutput;
  const mayFragment = (fragmentField(bytes, network) & DONT_FRAGMENT) === 0;
  return mayFragment ? Node.IpFragment : drop(kernel, packet, Drop.PktTooBig, Node.IpvlanOutput);
}

function holderOf(kernel: Kernel, { frame, frameLength }: Packet, lower: Device): Device | null {
  const address = destinationAddress(kernel.addresses, kernel.memory.bytes, frame, frameLength);
  return address === null ? null : lower.holder(address);
}

function handOver(kernel: Kernel, packet: Packet, device: Device, holder: Device): Node {
  if (device.isPrivate) return drop(kernel, packet, Drop.PortIsolated, Node.IpvlanOutput);
  packet.target = holder;
  return Node.Receive;
}
