/** ip_do_fragment: pieces of a multiple of eight bytes, in order, each with the header and all its options. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { drop, dropUnmade } from "../graph/drop";
import { append, consume } from "../graph/walk";
import { frameBytes, Packet, takePacket } from "../memory/pool";
import { inheritFilter } from "../netfilter/state";
import { store16, copyBytes } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { fragmentWord, headerLength, IP_FRAGMENT, IP_MF, IP_OFFSET_MASK, IP_TOTAL, totalLength, writeChecksum } from "../wire/ipv4";

export function ipFragment(packet: Packet): Node {
  const ip = packet.network;
  const header = headerLength(ip);
  const payload = totalLength(ip) - header;
  const mtu = min(packet.mtu, frameBytes - ETHERNET_HEADER);
  if (mtu < header + 8) return drop(packet, Drop.PktTooBig, Node.IpFragment);
  const piece = (mtu - header) & ~7;
  for (let at: u32 = 0; at < payload; at += piece) {
    const bytes = min(piece, payload - at);
    const fragment = takePacket(header + bytes);
    if (changetype<usize>(fragment) == 0) {
      dropUnmade(Drop.NoMemory, Node.IpFragment, packet.device, packet.flow, packet.sequence);
      break;
    }
    inherit(fragment, packet);
    const to = fragment.network;
    copyBytes(to, ip, header);
    copyBytes(to + header, ip + header + at, bytes);
    const word = fragmentWord(ip);
    // Flags stay, except that all but the last piece have more to come.
    const more = at + bytes < payload ? IP_MF : 0;
    store16(to + IP_TOTAL, header + bytes);
    store16(to + IP_FRAGMENT, (word & ~IP_OFFSET_MASK) | more | (((word & IP_OFFSET_MASK) + (at >> 3)) & IP_OFFSET_MASK));
    writeChecksum(to);
    append(fragment, Node.NeighbourOutput, Node.IpFragment);
  }
  return consume(packet);
}

/** A piece has what the whole has. */
export function inherit(fragment: Packet, packet: Packet): void {
  fragment.device = packet.device;
  fragment.out = packet.out;
  fragment.next = packet.next;
  fragment.routeType = packet.routeType;
  fragment.flow = packet.flow;
  fragment.sequence = packet.sequence;
  fragment.bornAt = packet.bornAt;
  fragment.response = packet.response;
  fragment.trace = packet.trace;
  fragment.type = packet.type;
  fragment.received = packet.received;
  if (MANY_HOSTS != 0) fragment.dontFragment = packet.dontFragment;
  if ((packet.mark | packet.filter) != 0) inheritFilter(fragment, packet);
}
