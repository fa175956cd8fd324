/** arp_reduce: a VXLAN device answers for those whom its host knows about, and nobody's question crosses to other hosts. */
import { Drop } from "../abi/drop";
import { NEIGHBOUR_REACHABLE_NS } from "../abi/limits";
import { Node } from "../abi/node";
import { ARP_REPLY, ARP_REQUEST, ICMP6_SOLICITATION, PROTOCOL_ICMP6 } from "../abi/protocol";
import { NONE } from "../abi/version";
import { drop, dropUnmade } from "../graph/drop";
import { append, consume } from "../graph/walk";
import { frameOf, Packet, takePacket } from "../memory/pool";
import { clock } from "../simulation/clock";
import { Device } from "../tables/device";
import { findNeighbour, isNoNeighbour, Neighbour, NeighbourState } from "../tables/neighbour";
import { ARP_FRAME, arpOperation, arpSenderIp, arpSenderMac, arpTargetIp, isArpForIpv4, writeArp } from "../wire/arp";
import { ETHERNET_HEADER, TYPE_ARP, writeEthernet } from "../wire/ethernet";
import { isLoopback, isMulticast } from "../wire/ipv4";
import { IP6_NEXT, IPV6_HEADER } from "../wire/ipv6";

const ICMP6: usize = ETHERNET_HEADER + IPV6_HEADER;
/** Bytes of a frame with a solicitation without options. */
const SOLICITATION: u32 = <u32>ICMP6 + 24;

export function proxyArp(packet: Packet, device: Device): Node {
  const frame = frameOf(packet);
  if (packet.length < ARP_FRAME) return drop(packet, Drop.HdrTrunc, Node.VxlanOutput);
  if (!isArpForIpv4(frame) || arpOperation(frame) != ARP_REQUEST) return consume(packet);
  const target = arpTargetIp(frame);
  if (isLoopback(target) || isMulticast(target)) return consume(packet);
  const neighbour = findNeighbour(device, target, false);
  if (isNoNeighbour(neighbour) || !isConnected(neighbour)) return drop(packet, Drop.VxlanArpUnknown, Node.VxlanOutput);
  answer(device, neighbour, frame);
  return consume(packet);
}

/** Its MAC may be told without asking. */
function isConnected(neighbour: Neighbour): bool {
  if (neighbour.state == NeighbourState.Permanent) return true;
  return neighbour.state == NeighbourState.Reachable && clock - neighbour.confirmed <= <i64>NEIGHBOUR_REACHABLE_NS;
}

/** The device receives what the neighbour would answer. */
function answer(device: Device, neighbour: Neighbour, request: usize): void {
  const reply = takePacket(ARP_FRAME - ETHERNET_HEADER);
  if (changetype<usize>(reply) == 0) {
    dropUnmade(Drop.NoMemory, Node.VxlanOutput, device, NONE, 0);
    return;
  }
  const frame = frameOf(reply);
  const asker = arpSenderMac(request);
  writeEthernet(frame, asker, neighbour.mac, TYPE_ARP);
  writeArp(frame, ARP_REPLY, neighbour.mac, neighbour.ip, asker, arpSenderIp(request));
  reply.framed = 1;
  reply.out = device;
  append(reply, Node.Receive, Node.VxlanOutput);
}

/** A neighbour solicitation in an IPv6 frame. */
export function isSolicitation(frame: usize, length: u32): bool {
  if (length < SOLICITATION || <u32>load<u8>(frame + ETHERNET_HEADER + IP6_NEXT) != PROTOCOL_ICMP6) return false;
  return <u32>load<u8>(frame + ICMP6) == ICMP6_SOLICITATION && load<u8>(frame + ICMP6, 1) == 0;
}
