/** ip_defrag: collects the fragments of a datagram; the one that completes it goes on as the whole. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { isIpv6, readHeaders6, totalIn } from "../memory/network";
import { notesOf, Packet } from "../memory/pool";
import { DEFRAGMENTED } from "../netfilter/state";
import { findBuffer, freeBuffer, HEADER_ROOM, isNoBuffer, keepFragment, payloadOf, Reassembly, takeBuffer, unitsPresent } from "../tables/reassembly";
import { ipv6Of, Namespace } from "../tables/namespace";
import { load16, load32, store16, swap32 } from "../wire/bytes";
import {
  fragmentWord,
  headerLength,
  IP_DF,
  IP_FRAGMENT,
  IP_ID,
  IP_MF,
  IP_OFFSET_MASK,
  IP_SOURCE,
  IP_TOTAL,
  protocolOf,
  totalLength,
  writeChecksum,
} from "../wire/ipv4";
import { fragmentField, FRAGMENT_HEADER, FRAGMENT_MORE, FRAGMENT_OFFSET, IP6_LENGTH, IPV6_HEADER } from "../wire/ipv6";
import { admit } from "./local-deliver";
import { filterOutput } from "./local-out";
import { filterInput } from "./prerouting";

/** The longest IPv4 payload behind a header without options. */
const PAYLOAD_MAX: u32 = 65515;
const TOTAL_MAX: u32 = 65535;

/** Prerouting, LocalDeliver or LocalOut: who wants the datagram. */
let caller: Node = Node.LocalDeliver;

/** Says who hands the packet over that visits Reassemble next. */
export function reassembleFor(node: Node): void {
  caller = node;
}

export function reassemble(packet: Packet): Node {
  return isIpv6(packet) ? reassemble6(packet) : reassemble4(packet);
}

function reassemble4(packet: Packet): Node {
  const ip = packet.network;
  const header = headerLength(ip);
  const bytes = totalLength(ip) - header;
  const word = fragmentWord(ip);
  const offset = (word & IP_OFFSET_MASK) << 3;
  const hasMore = (word & IP_MF) != 0;
  if (isMisshapen(bytes, offset, hasMore, PAYLOAD_MAX)) return drop(packet, Drop.FragTooFar, Node.Reassemble);
  const buffer = bufferFor(packet, packet.device.namespace, load<u64>(ip, IP_SOURCE), load16(ip + IP_ID), protocolOf(ip));
  return collect(packet, buffer, header, ip + header, offset, bytes, hasMore);
}

/** Of a fragment of IPv6: where the header before its own says what follows, and what that is. */
let nextAt: u32 = 0;
let next: u8 = 0;

/** The fragment's own header is left out, and the one before it names what follows. */
function reassemble6(packet: Packet): Node {
  const ip = packet.network;
  const notes = notesOf(packet);
  const header = notes.fragment;
  const payload = header + FRAGMENT_HEADER;
  const field = fragmentField(ip + header);
  const bytes = totalIn(packet) - payload;
  const offset = field & FRAGMENT_OFFSET;
  const hasMore = (field & FRAGMENT_MORE) != 0;
  if (header > HEADER_ROOM || isMisshapen(bytes, offset, hasMore, TOTAL_MAX)) return drop(packet, Drop.FragTooFar, Node.Reassemble);
  const addresses = <u64>swap32(notes.source) | (<u64>swap32(notes.destination) << 32);
  const buffer = bufferFor(packet, ipv6Of(packet.device.namespace), addresses, load32(ip + header + 4), 0);
  nextAt = notes.fragmentNextAt;
  next = load<u8>(ip + header);
  return collect(packet, buffer, header, ip + payload, offset, bytes, hasMore);
}

@inline function isMisshapen(bytes: u32, offset: u32, hasMore: bool, longest: u32): bool {
  return bytes == 0 || offset + bytes > longest || (hasMore && (bytes & 7) != 0);
}

function collect(packet: Packet, buffer: Reassembly, header: u32, payload: usize, offset: u32, bytes: u32, hasMore: bool): Node {
  if (isNoBuffer(buffer)) return drop(packet, Drop.NoMemory, Node.Reassemble);
  const end = offset + bytes;
  buffer.device = packet.device;
  buffer.longest = max(buffer.longest, totalIn(packet));
  const reason = conflict(buffer, offset, end, hasMore);
  if (reason != Drop.None) {
    if (reason == Drop.FragOverlap) freeBuffer(buffer);
    return drop(packet, reason, Node.Reassemble);
  }
  if (!hasMore) buffer.total = end;
  keepFragment(buffer, packet.network, header, payload, offset, bytes);
  if (offset == 0 && buffer.namespace.isIpv6) store<u8>(payloadOf(buffer) - header + nextAt, next);
  if (buffer.total == 0 || buffer.received < buffer.total) return consume(packet);
  return complete(packet, buffer);
}

function bufferFor(packet: Packet, stack: Namespace, addresses: u64, id: u32, protocol: u32): Reassembly {
  const buffer = findBuffer(stack, addresses, id, protocol);
  return isNoBuffer(buffer) ? takeBuffer(stack, addresses, id, protocol, packet) : buffer;
}

/** RFC 5722: a duplicate goes alone, an overlap takes the whole datagram along. */
function conflict(buffer: Reassembly, offset: u32, end: u32, hasMore: bool): Drop {
  const first = offset >> 3;
  const last = (end + 7) >> 3;
  const present = unitsPresent(buffer, first, last);
  if (present == last - first) return Drop.DupFrag;
  if (present != 0) return Drop.FragOverlap;
  if (!hasMore && ((buffer.total != 0 && buffer.total != end) || buffer.unitsEnd > last)) return Drop.FragOverlap;
  return buffer.total != 0 && end > buffer.total ? Drop.FragOverlap : Drop.None;
}

/** The datagram is read from the buffer, which nobody takes before its protocol has it. */
function complete(packet: Packet, buffer: Reassembly): Node {
  freeBuffer(buffer);
  packet.flow = buffer.flow;
  packet.sequence = buffer.sequence;
  packet.bornAt = buffer.bornAt;
  packet.trace = buffer.trace;
  packet.response = buffer.response;
  packet.type = buffer.type;
  const total = buffer.header + buffer.total;
  const ip = payloadOf(buffer) - buffer.header;
  const isSix = buffer.namespace.isIpv6;
  if (total > (isSix ? TOTAL_MAX + IPV6_HEADER : TOTAL_MAX)) return drop(packet, Drop.FragTooFar, Node.Reassemble);
  const isForFilter = caller != Node.LocalDeliver;
  if (isSix) {
    store16(ip + IP6_LENGTH, total - IPV6_HEADER);
    const reason = readHeaders6(notesOf(packet), ip, total);
    if (reason != Drop.None) return drop(packet, reason, Node.Reassemble);
  } else {
    store16(ip + IP_TOTAL, total);
    store16(ip + IP_FRAGMENT, isForFilter ? 0 : fragmentWord(ip) & IP_DF);
    writeChecksum(ip);
  }
  packet.network = ip;
  if (!isForFilter) return admit(packet, Node.Reassemble);
  packet.mtu = buffer.longest;
  packet.filter |= DEFRAGMENTED;
  return caller == Node.LocalOut ? filterOutput(packet) : filterInput(packet);
}
