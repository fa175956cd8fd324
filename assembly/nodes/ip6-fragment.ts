/** ip6_fragment: pieces of a multiple of eight bytes of what follows the fixed header, in order. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { NEXT_FRAGMENT } from "../abi/protocol";
import { drop, dropUnmade } from "../graph/drop";
import { append, consume } from "../graph/walk";
import { readHeaders6 } from "../memory/network";
import { frameBytes, notesOf, Packet, takePacket } from "../memory/pool";
import { ipv6Of } from "../tables/namespace";
import { copyBytes, store16 } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { FRAGMENT_HEADER, IP6_LENGTH, IP6_NEXT, IPV6_HEADER, payloadLength6, writeFragmentHeader } from "../wire/ipv6";
import { inherit } from "./ip-fragment";

const HEADERS: u32 = IPV6_HEADER + FRAGMENT_HEADER;

export function ip6Fragment(packet: Packet): Node {
  const ip = packet.network;
  const payload = payloadLength6(ip);
  const mtu = min(packet.mtu, frameBytes - ETHERNET_HEADER);
  if (mtu < HEADERS + 8) return drop(packet, Drop.PktTooBig, Node.Ip6Fragment);
  const piece = (mtu - HEADERS) & ~7;
  const id = ipv6Of(packet.device.namespace).nextId++;
  const next = <u32>load<u8>(ip, IP6_NEXT);
  for (let at: u32 = 0; at < payload; at += piece) {
    const bytes = min(piece, payload - at);
    const fragment = takePacket(HEADERS + bytes);
    if (changetype<usize>(fragment) == 0) {
      dropUnmade(Drop.NoMemory, Node.Ip6Fragment, packet.device, packet.flow, packet.sequence);
      break;
    }
    inherit(fragment, packet);
    const to = fragment.network;
    copyBytes(to, ip, IPV6_HEADER);
    store<u8>(to, <u8>NEXT_FRAGMENT, IP6_NEXT);
    store16(to + IP6_LENGTH, FRAGMENT_HEADER + bytes);
    writeFragmentHeader(to + IPV6_HEADER, next, at, at + bytes < payload, id);
    copyBytes(to + HEADERS, ip + IPV6_HEADER + at, bytes);
    const notes = notesOf(fragment);
    notes.source = notesOf(packet).source;
    notes.destination = notesOf(packet).destination;
    readHeaders6(notes, to, HEADERS + bytes);
    append(fragment, Node.NeighbourOutput, Node.Ip6Fragment);
  }
  return consume(packet);
}
