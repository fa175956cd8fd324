/**
 * The network header of a packet, whichever family it has: UDP, TCP, connections and rules ask here. IPv4 is read where it lies; of
 * IPv6 there are notes in the packet's headroom, because its addresses are numbers here, and its transport may lie behind other headers.
 */
import { Drop } from "../abi/drop";
import { EXTENSION_HEADERS_MAX } from "../abi/limits";
import { NEXT_DESTINATION_OPTIONS, NEXT_FRAGMENT, NEXT_HOP_BY_HOP, NEXT_ROUTING } from "../abi/protocol";
import { bytesOf6, find6 } from "../tables/address6";
import { noDevice } from "../tables/device";
import { Namespace, stackOf } from "../tables/namespace";
import {
  destinationOf,
  fragmentWord,
  headerLength,
  IP_MF,
  IP_OFFSET_MASK,
  IPV4_HEADER,
  protocolOf,
  sourceOf,
  totalLength,
  writeIpv4,
} from "../wire/ipv4";
import {
  extensionLength,
  fragmentField,
  FRAGMENT_MORE,
  FRAGMENT_OFFSET,
  IP6_DESTINATION,
  IP6_NEXT,
  IP6_SOURCE,
  IPV6_HEADER,
  payloadLength6,
  writeIpv6,
} from "../wire/ipv6";
import { headroomOf, Notes, notesOf, Packet } from "./pool";

@inline export function isIpv6(packet: Packet): bool {
  return load<u8>(packet.network) >> 4 == 6;
}

/** The stack that works on a packet at a device. */
@inline export function stackOfPacket(packet: Packet): Namespace {
  return stackOf(packet.device.namespace, isIpv6(packet));
}

@inline export function sourceIn(packet: Packet): u32 {
  return isIpv6(packet) ? notesOf(packet).source : sourceOf(packet.network);
}

@inline export function destinationIn(packet: Packet): u32 {
  return isIpv6(packet) ? notesOf(packet).destination : destinationOf(packet.network);
}

@inline export function protocolIn(packet: Packet): u32 {
  return isIpv6(packet) ? notesOf(packet).protocol : protocolOf(packet.network);
}

/** Address of the first byte behind the network headers. */
@inline export function transportIn(packet: Packet): usize {
  const ip = packet.network;
  return ip + (isIpv6(packet) ? notesOf(packet).transport : headerLength(ip));
}

/** How many bytes are there. */
@inline export function transportBytes(packet: Packet): u32 {
  const ip = packet.network;
  return isIpv6(packet) ? IPV6_HEADER + payloadLength6(ip) - notesOf(packet).transport : totalLength(ip) - headerLength(ip);
}

/** Bytes of the packet from its network header on. */
@inline export function totalIn(packet: Packet): u32 {
  return isIpv6(packet) ? IPV6_HEADER + payloadLength6(packet.network) : totalLength(packet.network);
}

@inline export function isFragment(packet: Packet): bool {
  return isIpv6(packet) ? notesOf(packet).fragment != 0 : (fragmentWord(packet.network) & (IP_MF | IP_OFFSET_MASK)) != 0;
}

/** A fragment that does not begin with its transport's header. */
@inline export function isLaterFragment(packet: Packet): bool {
  return isIpv6(packet) ? isLaterFragment6(packet) : (fragmentWord(packet.network) & IP_OFFSET_MASK) != 0;
}

function isLaterFragment6(packet: Packet): bool {
  const fragment = notesOf(packet).fragment;
  return fragment != 0 && (fragmentField(packet.network + fragment) & FRAGMENT_OFFSET) != 0;
}

@inline export function headerBytes(stack: Namespace): u32 {
  return stack.isIpv6 ? IPV6_HEADER : IPV4_HEADER;
}

/** Writes the network header of a packet that is made here: `total` bytes with it. Checksums and the like are left to the output. */
export function writeNetwork(packet: Packet, stack: Namespace, total: u32, ttl: u32, protocol: u32, source: u32, destination: u32): void {
  packet.namespace = stack.index;
  if (!stack.isIpv6) {
    writeIpv4(packet.network, total, ttl, protocol, source, destination);
    return;
  }
  writeIpv6(packet.network, total - IPV6_HEADER, ttl, protocol, bytesOf6(source), bytesOf6(destination));
  const notes = notesOf(packet);
  notes.source = source;
  notes.destination = destination;
  notes.protocol = protocol;
  notes.transport = IPV6_HEADER;
  notes.nextAt = <u32>IP6_NEXT;
  notes.fragment = 0;
  packet.out = noDevice;
}

/** Walks the extension headers of the IPv6 packet at `ip` of `bytes` bytes and notes what they lead to. None: they are sound. */
export function readHeaders6(notes: Notes, ip: usize, bytes: u32): Drop {
  let at = IPV6_HEADER;
  let nextAt = <u32>IP6_NEXT;
  let next = <u32>load<u8>(ip, IP6_NEXT);
  let walked = 0;
  let hasFragmentHeader = false;
  notes.fragment = 0;
  while (next == <u32>NEXT_ROUTING || next == <u32>NEXT_DESTINATION_OPTIONS || next == <u32>NEXT_FRAGMENT || (next == <u32>NEXT_HOP_BY_HOP && walked == 0)) {
    if (++walked > EXTENSION_HEADERS_MAX) return Drop.Ipv6BadExthdr;
    const length = extensionLength(ip + at, next, bytes - at);
    if (length == 0) return Drop.Ipv6BadExthdr;
    const isHere = next == <u32>NEXT_FRAGMENT;
    next = <u32>load<u8>(ip + at);
    const namedAt = nextAt;
    nextAt = at;
    at += length;
    if (!isHere) continue;
    if (hasFragmentHeader) return Drop.Ipv6BadExthdr;
    hasFragmentHeader = true;
    const field = fragmentField(ip + nextAt);
    if (field & (FRAGMENT_OFFSET | FRAGMENT_MORE)) {
      notes.fragment = nextAt;
      notes.fragmentNextAt = namedAt;
    }
    if (field & FRAGMENT_OFFSET) break;
  }
  notes.protocol = next;
  notes.transport = at;
  notes.nextAt = nextAt;
  return Drop.None;
}

/** What was read of the packet that an ICMPv6 error quotes. */
export const QUOTED = changetype<Notes>(memory.data(32, 8));

/** Reads the quote of `bytes` bytes at `inner`. False: it is no IPv6 packet with the beginning of its transport. */
export function readQuote6(inner: usize, bytes: u32): bool {
  if (bytes < IPV6_HEADER + 8 || load<u8>(inner) >> 4 != 6) return false;
  if (readHeaders6(QUOTED, inner, bytes) != Drop.None || QUOTED.transport + 8 > bytes) return false;
  if (QUOTED.fragment != 0 && (fragmentField(inner + QUOTED.fragment) & FRAGMENT_OFFSET) != 0) return false;
  QUOTED.source = find6(inner + IP6_SOURCE);
  QUOTED.destination = find6(inner + IP6_DESTINATION);
  return true;
}

/** The headers of a reassembled datagram move from its buffer, which is free now, into the packet's headroom, without options. */
export function keepHeaders(packet: Packet, transport: u32): void {
  const ip = packet.network;
  const from = transportIn(packet);
  const bytes = isIpv6(packet) ? IPV6_HEADER : IPV4_HEADER;
  const to = headroomOf(packet);
  memory.copy(to, ip, bytes);
  memory.copy(to + bytes, from, transport);
  if (bytes == IPV6_HEADER) notesOf(packet).transport = IPV6_HEADER;
  else store<u8>(to, 0x45);
  packet.network = to;
}

/** Where the bytes of an address of an IPv6 packet lie. */
@inline export function addressAt6(ip: usize, isSource: bool): usize {
  return ip + (isSource ? IP6_SOURCE : IP6_DESTINATION);
}
