import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import type { Namespace } from "../tables/namespace";
import { NO_REMOTE } from "../tables/vxlan-fdb";
import { ETHERNET_HEADER, etherType, isGroup, macHigh, macLow, SOURCE } from "../wire/ethernet";
import { transportOf } from "../wire/ip";
import { IPV4_HEADER, sourceIp } from "../wire/ipv4";
import { IPV6_HEADER } from "../wire/ipv6";
import { destinationPort, hasValidUdpChecksum, UDP_HEADER, udpLength } from "../wire/udp";
import { hasReservedBits, hasVni, VXLAN_HEADER, vniOf } from "../wire/vxlan";

/** Whether a datagram of UDP over IPv4 goes to the socket of a tunnel of `namespace`. */
export function isForVxlan(kernel: Kernel, packet: Packet, namespace: Namespace): boolean {
  const { bytes } = kernel.memory;
  if (namespace.vxlans.size === 0) return false;
  const udp = transportOf(bytes, packet);
  if (packet.network + packet.datagramLength - udp < UDP_HEADER) return false;
  return namespace.vxlans.get(destinationPort(bytes, udp))?.some(({ up }) => up) === true;
}

/** vxlan_rcv: header, number of the network, who the sender is; then the frame arrives at the device. */
export function vxlanInput(kernel: Kernel, packet: Packet): Node {
  const { memory, pool } = kernel;
  const { bytes } = memory;
  const { device: outer, network, frame } = packet;
  const udp = transportOf(bytes, packet);
  const length = udpLength(bytes, udp);
  const header = udp + UDP_HEADER;
  if (outer === null || length < UDP_HEADER || length > network + packet.datagramLength - udp) return refuse(kernel, packet, Drop.PktTooSmall);
  if (!hasValidUdpChecksum(memory, network, udp, length)) return refuse(kernel, packet, Drop.UdpCsum);
  if (length < UDP_HEADER + VXLAN_HEADER) return refuse(kernel, packet, Drop.PktTooSmall);
  if (!hasVni(bytes, header)) return refuse(kernel, packet, Drop.VxlanInvalidHdr);
  const device = findVxlan(outer.namespace, destinationPort(bytes, udp), vniOf(bytes, header));
  if (device === null) return refuse(kernel, packet, Drop.VxlanVniNotFound);
  if (hasReservedBits(bytes, header)) return refuse(kernel, packet, Drop.VxlanInvalidHdr);

  const inner = header + VXLAN_HEADER;
  const innerLength = length - UDP_HEADER - VXLAN_HEADER;
  if (innerLength < ETHERNET_HEADER) return refuse(kernel, packet, Drop.PktTooSmall);
  const high = macHigh(bytes, inner + SOURCE);
  const low = macLow(bytes, inner + SOURCE);
  if (high === device.macHigh && low === device.macLow) return refuse(kernel, packet, Drop.LocalMac);
  const reason = snoop(kernel, device, high, low, sourceIp(bytes, network));
  if (reason !== Drop.None) return refuse(kernel, packet, reason);
  if (isCut(bytes, inner, innerLength)) return refuse(kernel, packet, Drop.PktTooSmall);
  if (innerLength > kernel.datagramBytes + ETHERNET_HEADER) return refuse(kernel, packet, Drop.PktTooBig);

  if (packet.filtered) pool.unfilter(packet);
  memory.copy(frame, inner, innerLength);
  packet.network = frame + ETHERNET_HEADER;
  packet.frameLength = innerLength;
  packet.hasEthernet = true;
  packet.target = device;
  return Node.Receive;
}

function refuse(kernel: Kernel, packet: Packet, reason: Drop): Node {
  return drop(kernel, packet, reason, Node.VxlanInput);
}

/** vxlan_vs_find_vni: the tunnel that is up, or null. */
export function findVxlan({ vxlans }: Namespace, port: number, vni: number): Device | null {
  for (const device of vxlans.get(port) ?? []) if (device.vni === vni && device.up) return device;
  return null;
}

/** vxlan_snoop: who has a MAC is behind one host, the one that a permanent entry names or else the last one. */
export function snoop(kernel: Kernel, device: Device, high: number, low: number, remote: number): Drop {
  if (!device.isLearning) return Drop.None;
  if (isGroup(high) || (high === 0 && low === 0)) return Drop.MacInvalidSource;
  const known = kernel.vxlanFdb.permanentOf(device, high, low);
  if (known !== NO_REMOTE) return known === remote ? Drop.None : Drop.VxlanEntryExists;
  kernel.vxlanFdb.learn(device, high, low, remote, kernel.clock);
  return Drop.None;
}

/** pskb_inet_may_pull: the frame ends within its IP header. */
export function isCut(bytes: Uint8Array, frame: number, length: number): boolean {
  const type = etherType(bytes, frame);
  if (type === ETHERTYPE_IPV4) return length < ETHERNET_HEADER + IPV4_HEADER;
  return type === ETHERTYPE_IPV6 && length < ETHERNET_HEADER + IPV6_HEADER;
}
