/**
 * vxlan_xmit: answers ARP for those it knows, finds the host where the destination is, and sends the frame there in a datagram of the
 * underlay's namespace, in the packet's own slot.
 *
 * Differs from Linux: one IPv4 remote for a MAC; TOS and ECN bits are not copied; IPv6 packets that are too big get no answer.
 */
import { Drop } from "../abi/drop";
import { VXLAN_PORT_FIRST, VXLAN_PORTS } from "../abi/limits";
import { Node } from "../abi/node";
import { DEVICE_VXLAN_PROXY, RouteType } from "../abi/program";
import { PROTOCOL_UDP } from "../abi/protocol";
import { drop } from "../graph/drop";
import { frameOf, Packet, pushFront } from "../memory/pool";
import { detach } from "../netfilter/state";
import { hashOfIpv4 } from "../simulation/frame-hash";
import { finalize } from "../simulation/random";
import { Device, isNull } from "../tables/device";
import { hasRoute, lookup } from "../tables/fib";
import { Namespace } from "../tables/namespace";
import { pathMtu } from "../tables/path-mtu";
import { findRemote, findVxlan, MAC_DEFAULT } from "../tables/vxlan";
import { load32 } from "../wire/bytes";
import { destinationMac, ETHERNET_HEADER, etherType, sourceMac, TYPE_ARP, TYPE_IPV4, TYPE_IPV6 } from "../wire/ethernet";
import { IPV4_HEADER, writeIpv4 } from "../wire/ipv4";
import { UDP_HEADER, writeUdp } from "../wire/udp";
import { VXLAN_HEADER, writeVxlan } from "../wire/vxlan";
import { isShort, snoop } from "./vxlan-input";
import { isSolicitation, proxyArp } from "../tunnels/proxy";
import { isTooBig, tooBig } from "../tunnels/too-big";

/** IPv4, UDP and VXLAN headers; with the Ethernet header that the datagram will have. */
const HEADERS: u32 = IPV4_HEADER + UDP_HEADER + VXLAN_HEADER;
const ROOM: u32 = HEADERS + ETHERNET_HEADER;
/** 127.0.0.1: where a frame comes from that stays on its host. */
const LOCALHOST: u32 = 0x7f000001;

export function vxlanOutput(packet: Packet): Node {
  const device = packet.device;
  const frame = frameOf(packet);
  const type = etherType(frame);
  if (device.flags & DEVICE_VXLAN_PROXY && type != TYPE_IPV4) {
    if (type == TYPE_ARP) return proxyArp(packet, device);
    if (type == TYPE_IPV6 && isSolicitation(frame, packet.length)) return drop(packet, Drop.VxlanArpUnknown, Node.VxlanOutput);
  }
  let remote = findRemote(device, destinationMac(frame));
  if (remote == 0) remote = findRemote(device, MAC_DEFAULT);
  if (remote == 0) return drop(packet, Drop.NoTxTarget, Node.VxlanOutput);
  if (isShort(frame, packet.length)) return drop(packet, Drop.PktTooSmall, Node.VxlanOutput);
  const underlay = device.underlay;
  const decision = lookup(underlay, remote);
  if (!hasRoute(decision) || decision.route.type > RouteType.Broadcast) return drop(packet, Drop.IpOutNoRoutes, Node.VxlanOutput);
  if (decision.route.type == RouteType.Local) return bypass(packet, device, underlay);
  const mtu = <i32>pathMtu(underlay, remote, decision.route.device.mtu) - <i32>ROOM;
  if (<i32>(packet.length - ETHERNET_HEADER) > mtu && isTooBig(packet, device, mtu)) return tooBig(packet, device, <u32>mtu);
  encapsulate(packet, device, underlay, remote, entropyPort(frame, packet.length, type));
  return Node.IpOutput;
}

/** vxlan_encap_bypass: the remote is this host. */
function bypass(packet: Packet, device: Device, underlay: Namespace): Node {
  if (isNull(underlay.loopback)) return drop(packet, Drop.IpOutNoRoutes, Node.VxlanOutput);
  const target = findVxlan(underlay, device.port, device.vni);
  if (isNull(target)) return drop(packet, Drop.VxlanVniNotFound, Node.VxlanOutput);
  snoop(target, sourceMac(frameOf(packet)), LOCALHOST);
  packet.out = target;
  return Node.Receive;
}

/** udp_flow_src_port: frames of one flow take one way through the underlay. */
@inline function entropyPort(frame: usize, length: u32, type: u32): u32 {
  const hash =
    type == TYPE_IPV4 ? hashOfIpv4(frame, length) : finalize(load32(frame) ^ rotl<u32>(load32(frame + 4), 16) ^ rotl<u32>(load32(frame + 8), 8));
  return VXLAN_PORT_FIRST + <u32>((<u64>hash * VXLAN_PORTS) >> 32);
}

/** The packet is one that the underlay's namespace made. */
@inline function encapsulate(packet: Packet, device: Device, underlay: Namespace, remote: u32, port: u32): void {
  const total = packet.length + HEADERS;
  const ip = pushFront(packet, ROOM) + ETHERNET_HEADER;
  const udp = ip + IPV4_HEADER;
  writeIpv4(ip, total, underlay.ttl, PROTOCOL_UDP, 0, remote);
  writeUdp(udp, port, device.port, total - IPV4_HEADER);
  writeVxlan(udp + UDP_HEADER, device.vni);
  packet.network = ip;
  packet.namespace = underlay.index;
  // Neither a type but host, nor an Ethernet header, nor received; nobody waits for what becomes of it.
  packet.type = 0;
  packet.framed = 0;
  packet.received = 0;
  packet.dontFragment = 0;
  packet.fromSource = 0;
  if ((packet.mark | packet.filter) == 0) return;
  detach(packet);
  packet.filter = 0;
  if (device.namespace != underlay) packet.mark = 0;
}
