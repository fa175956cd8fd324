import { Drop } from "../../../../assembly/abi/drop";
import { NEIGHBOUR_REACHABLE_NS } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { RouteType } from "../../../../assembly/abi/program";
import {
  ARP_REPLY,
  ARP_REQUEST,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  ICMP6_SOLICITATION,
  PROTOCOL_ICMP6,
  PROTOCOL_UDP,
} from "../../../../assembly/abi/protocol";
import { drop, dropUnbuilt } from "../graph/drop";
import { append } from "../graph/walk";
import type { Kernel } from "../kernel";
import { type Packet, PacketType, PathMtuDiscovery } from "../memory/packet";
import type { Device } from "../tables/device";
import type { Namespace } from "../tables/namespace";
import { type Neighbour, NeighbourState } from "../tables/neighbour";
import { NO_REMOTE } from "../tables/vxlan-fdb";
import { ARP_FRAME, ARP_SENDER_MAC, isIpv4OverEthernet, operation, senderIp, targetIp, writeArp } from "../wire/arp";
import { ETHERNET_HEADER, etherType, macHigh, macLow, SOURCE, writeEthernet } from "../wire/ethernet";
import { IPV4_HEADER, isLoopback, isMulticast, writeDraft } from "../wire/ipv4";
import { IPV6_HEADER } from "../wire/ipv6";
import { UDP_HEADER, writeUdp } from "../wire/udp";
import { entropyPort, VXLAN_HEADER, writeVxlan } from "../wire/vxlan";
import { outputDevice } from "./ip-output";
import { answerTooBig } from "../tunnels/too-big";
import { findVxlan, isCut, snoop } from "./vxlan-input";

/** What lies between the outer Ethernet header and the frame. */
const ENCAPSULATION = IPV4_HEADER + UDP_HEADER + VXLAN_HEADER;
/** Bytes of a neighbour solicitation without options (RFC 4861 §4.3), and where its next header, type and code are in a frame. */
const SOLICITATION_FRAME = ETHERNET_HEADER + IPV6_HEADER + 24;
const NEXT_HEADER = ETHERNET_HEADER + 6;
const ICMP6_TYPE = ETHERNET_HEADER + IPV6_HEADER;
/** 127.0.0.1: from where frames come that never left. */
const LOCALHOST = 0x7f000001;

/** vxlan_xmit of `packet.device`: ARP ends here; everything else goes to the host that has the destination MAC, in a datagram of the underlay. */
export function vxlanOutput(kernel: Kernel, packet: Packet): Node {
  const { device, frame, frameLength } = packet;
  const underlay = device === null ? null : device.underlay;
  if (device === null || underlay === null) return drop(kernel, packet, Drop.DevReady, Node.VxlanOutput);
  const { bytes } = kernel.memory;
  if (device.isProxy && etherType(bytes, frame) === ETHERTYPE_ARP) return proxyArp(kernel, packet, device);
  if (device.isProxy && isSolicitation(bytes, frame, frameLength)) return drop(kernel, packet, Drop.VxlanArpUnknown, Node.VxlanOutput);
  const remote = remoteOf(kernel, device, macHigh(bytes, frame), macLow(bytes, frame));
  if (remote === NO_REMOTE) return drop(kernel, packet, Drop.NoTxTarget, Node.VxlanOutput);
  if (isCut(bytes, frame, frameLength)) return drop(kernel, packet, Drop.PktTooSmall, Node.VxlanOutput);
  return transmit(kernel, packet, device, underlay, remote);
}

/** The host behind which a MAC is, or the one for all that are not known. */
function remoteOf({ vxlanFdb, clock }: Kernel, device: Device, high: number, low: number): number {
  const remote = vxlanFdb.find(device, high, low, clock);
  return remote === NO_REMOTE ? vxlanFdb.find(device, 0, 0, clock) : remote;
}

/** vxlan_xmit_one. */
function transmit(kernel: Kernel, packet: Packet, device: Device, underlay: Namespace, remote: number): Node {
  const route = underlay.fib.find(remote);
  const out = route === null ? null : outputDevice(underlay, route);
  if (route === null || out === null) return drop(kernel, packet, Drop.IpOutNoRoutes, Node.VxlanOutput);
  if (route.type === RouteType.Local) return bypass(kernel, packet, device, underlay);
  const room = kernel.pathMtus.find(underlay, remote, out.mtu, kernel.clock) - ETHERNET_HEADER - ENCAPSULATION;
  if (packet.frameLength - ETHERNET_HEADER > room && answerTooBig(kernel, packet, device, room)) {
    return drop(kernel, packet, Drop.PktTooBig, Node.VxlanOutput);
  }
  encapsulate(kernel, packet, device, underlay, remote);
  return Node.IpOutput;
}

/** encap_bypass_if_local: the other end of the tunnel is here as well. */
function bypass(kernel: Kernel, packet: Packet, device: Device, underlay: Namespace): Node {
  const end = findVxlan(underlay, device.port, device.vni);
  if (end === null) return drop(kernel, packet, Drop.VxlanVniNotFound, Node.VxlanOutput);
  const source = packet.frame + SOURCE;
  snoop(kernel, end, macHigh(kernel.memory.bytes, source), macLow(kernel.memory.bytes, source), LOCALHOST);
  packet.target = end;
  return Node.Receive;
}

/** vxlan_build_skb, iptunnel_xmit: the frame is the payload of a datagram now that the underlay's stack made. */
function encapsulate(kernel: Kernel, packet: Packet, device: Device, underlay: Namespace, remote: number): void {
  const { memory, pool } = kernel;
  const { bytes } = memory;
  const { frame, frameLength, mark } = packet;
  const port = entropyPort(bytes, frame, frameLength);
  if (packet.filtered) {
    pool.unfilter(packet);
    // skb_scrub_packet: a mark means nothing in another namespace.
    packet.filtered = device.namespace === underlay && mark !== 0;
    if (packet.filtered) packet.mark = mark;
  }
  const network = frame + ETHERNET_HEADER;
  const udp = network + IPV4_HEADER;
  memory.copy(network + ENCAPSULATION, frame, frameLength);
  packet.network = network;
  packet.transport = udp;
  packet.datagramLength = packet.frameLength = ENCAPSULATION + frameLength;
  writeVxlan(bytes, udp + UDP_HEADER, device.vni);
  writeUdp(bytes, udp, port, device.port, UDP_HEADER + VXLAN_HEADER + frameLength);
  writeDraft(bytes, network, packet.datagramLength, underlay.ttl, PROTOCOL_UDP, 0, remote);
  packet.hasEthernet = false;
  packet.isIpv6 = false;
  packet.namespace = underlay;
  packet.received = false;
  packet.type = PacketType.Host;
  packet.isMessage = false;
  packet.pathMtuDiscovery = PathMtuDiscovery.Dont;
}

/** arp_reduce: whoever is known is answered for; nothing goes to other hosts. */
function proxyArp(kernel: Kernel, packet: Packet, device: Device): Node {
  const { frame, frameLength } = packet;
  const { bytes } = kernel.memory;
  if (frameLength < ARP_FRAME) return drop(kernel, packet, Drop.HdrTrunc, Node.VxlanOutput);
  const target = targetIp(bytes, frame);
  const isRequest = isIpv4OverEthernet(bytes, frame) && operation(bytes, frame) === ARP_REQUEST && !isLoopback(target) && !isMulticast(target);
  if (isRequest) {
    const neighbour = kernel.neighbours.find(device, target);
    if (neighbour === null || !isConnected(neighbour, kernel.clock)) return drop(kernel, packet, Drop.VxlanArpUnknown, Node.VxlanOutput);
    answerFor(kernel, packet, device, neighbour);
  }
  kernel.pool.release(packet);
  return Node.Done;
}

/** NUD_CONNECTED. */
function isConnected({ state, confirmed }: Neighbour, clock: number): boolean {
  return state === NeighbourState.Permanent || (state === NeighbourState.Reachable && clock - confirmed <= NEIGHBOUR_REACHABLE_NS);
}

function answerFor(kernel: Kernel, { frame }: Packet, device: Device, { ip, macHigh: high, macLow: low }: Neighbour): void {
  const { bytes } = kernel.memory;
  const answer = kernel.pool.take(null, kernel.clock);
  if (answer === null) {
    dropUnbuilt(kernel, Node.VxlanOutput, device, null, 0);
    return;
  }
  const asker = frame + ARP_SENDER_MAC;
  const askerHigh = macHigh(bytes, asker);
  const askerLow = macLow(bytes, asker);
  writeEthernet(bytes, answer.frame, askerHigh, askerLow, high, low, ETHERTYPE_ARP);
  writeArp(bytes, answer.frame, ARP_REPLY, high, low, ip, askerHigh, askerLow, senderIp(bytes, frame));
  answer.hasEthernet = true;
  answer.frameLength = ARP_FRAME;
  answer.target = device;
  append(kernel, answer, Node.Receive);
}

function isSolicitation(bytes: Uint8Array, frame: number, length: number): boolean {
  return (
    length >= SOLICITATION_FRAME &&
    etherType(bytes, frame) === ETHERTYPE_IPV6 &&
    bytes[frame + NEXT_HEADER] === PROTOCOL_ICMP6 &&
    bytes[frame + ICMP6_TYPE] === ICMP6_SOLICITATION &&
    bytes[frame + ICMP6_TYPE + 1] === 0
  );
}
