/**
 * icmp6_send: tells the sender of an IPv6 packet why it died, with as much of it as the smallest MTU carries.
 *
 * Differs from Linux: there is no rate limit.
 */
import { Drop } from "../abi/drop";
import { PATH_MTU6_MIN, WALK_STEPS_MAX } from "../abi/limits";
import { Node } from "../abi/node";
import { ICMP6_ECHO_REQUEST, ICMP6_PACKET_TOO_BIG, PROTOCOL_ICMP6 } from "../abi/protocol";
import { NONE } from "../abi/version";
import { dropUnmade } from "../graph/drop";
import { recordHop } from "../graph/trace";
import { append } from "../graph/walk";
import { addressAt6, isLaterFragment, protocolIn, totalIn, transportBytes, transportIn, writeNetwork } from "../memory/network";
import { CROSSING, DontFragment, frameBytes, notesOf, Packet, PacketType, takePacket } from "../memory/pool";
import { relate } from "../netfilter/state";
import { steps, visit } from "../simulation/cpu";
import { UNSPECIFIED } from "../tables/address6";
import { isOwn6 } from "../tables/interface6";
import { ipv6Of } from "../tables/namespace";
import { copyBytes, store32 } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { ICMP_HEADER } from "../wire/icmp";
import { IPV6_HEADER } from "../wire/ipv6";

/** Appends the message; the offending packet stays as it is. `info` is its second word. */
export function icmp6Error(packet: Packet, type: u32, code: u32, info: u32): void {
  visit(Node.Icmp6Error);
  if (steps > <u32>WALK_STEPS_MAX) return;
  if (packet.trace != NONE) recordHop(packet, Node.Icmp6Error);
  if (mayBlame6(packet, type == ICMP6_PACKET_TOO_BIG)) sendError(packet, type, code, info);
}

/** The same for a datagram that never became whole, which visits nothing: `packet` only says what its first fragment was. */
export function icmp6ErrorOfFragment(packet: Packet, type: u32, code: u32): void {
  visit(Node.Icmp6Error);
  if (steps > <u32>WALK_STEPS_MAX) return;
  if (mayBlame6(packet, false)) sendError(packet, type, code, 0);
}

/** RFC 4443 §2.4 (e). */
export function mayBlame6(packet: Packet, isTooBig: bool): bool {
  const ip = packet.network;
  const isToMany = packet.type != PacketType.Host || load<u8>(addressAt6(ip, false)) == 0xff;
  if ((isToMany && !isTooBig) || isLaterFragment(packet)) return false;
  const source = addressAt6(ip, true);
  if (load<u8>(source) == 0xff || notesOf(packet).source == UNSPECIFIED) return false;
  if (protocolIn(packet) != PROTOCOL_ICMP6) return true;
  return transportBytes(packet) > 0 && <u32>load<u8>(transportIn(packet)) >= <u32>ICMP6_ECHO_REQUEST;
}

function sendError(packet: Packet, type: u32, code: u32, info: u32): void {
  const headers = IPV6_HEADER + ICMP_HEADER;
  const quoted = min(min(totalIn(packet), <u32>PATH_MTU6_MIN - headers), frameBytes - ETHERNET_HEADER - headers);
  const message = takePacket(headers + quoted);
  if (changetype<usize>(message) == 0) {
    dropUnmade(Drop.NoMemory, Node.Icmp6Error, packet.device, packet.flow, packet.sequence);
    return;
  }
  const stack = ipv6Of(packet.device.namespace);
  const notes = notesOf(packet);
  message.flow = packet.flow;
  message.sequence = packet.sequence;
  message.trace = packet.trace;
  message.response = 1;
  message.dontFragment = <u8>DontFragment.Never;
  const source = isOwn6(stack, notes.destination) ? notes.destination : UNSPECIFIED;
  writeNetwork(message, stack, headers + quoted, stack.ttl, PROTOCOL_ICMP6, source, notes.source);
  if (packet.received != 0 || packet.dontFragment & CROSSING) message.out = packet.device;
  const icmp = message.network + IPV6_HEADER;
  store<u32>(icmp, type | (code << 8));
  store32(icmp + 4, info);
  copyBytes(icmp + ICMP_HEADER, packet.network, quoted);
  relate(message, packet);
  append(message, Node.Ip6Output, Node.Icmp6Error);
}
