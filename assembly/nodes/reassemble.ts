/** ip_defrag: collects the fragments of a datagram; the one that completes it goes on as the whole. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { Packet } from "../memory/pool";
import { DEFRAGMENTED } from "../netfilter/state";
import { findBuffer, freeBuffer, isNoBuffer, keepFragment, payloadOf, Reassembly, takeBuffer, unitsPresent } from "../tables/reassembly";
import { load16, store16 } from "../wire/bytes";
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
import { admit } from "./local-deliver";
import { filterInput } from "./prerouting";

/** The longest IPv4 payload behind a header without options. */
const PAYLOAD_MAX: u32 = 65515;
const TOTAL_MAX: u32 = 65535;

/** Prerouting or LocalDeliver: who wants the datagram. */
let caller: Node = Node.LocalDeliver;

/** Says who hands the packet over that visits Reassemble next. */
export function reassembleFor(node: Node): void {
  caller = node;
}

export function reassemble(packet: Packet): Node {
  const ip = packet.network;
  const header = headerLength(ip);
  const bytes = totalLength(ip) - header;
  const word = fragmentWord(ip);
  const offset = (word & IP_OFFSET_MASK) << 3;
  const hasMore = (word & IP_MF) != 0;
  const end = offset + bytes;
  if (bytes == 0 || end > PAYLOAD_MAX || (hasMore && (bytes & 7) != 0)) return drop(packet, Drop.FragTooFar, Node.Reassemble);
  const buffer = bufferFor(packet, ip);
  if (isNoBuffer(buffer)) return drop(packet, Drop.NoMemory, Node.Reassemble);
  buffer.device = packet.device;
  buffer.longest = max(buffer.longest, header + bytes);
  const reason = conflict(buffer, offset, end, hasMore);
  if (reason != Drop.None) {
    if (reason == Drop.FragOverlap) freeBuffer(buffer);
    return drop(packet, reason, Node.Reassemble);
  }
  if (!hasMore) buffer.total = end;
  keepFragment(buffer, ip, header, offset, bytes);
  if (buffer.total == 0 || buffer.received < buffer.total) return consume(packet);
  return complete(packet, buffer);
}

function bufferFor(packet: Packet, ip: usize): Reassembly {
  const namespace = packet.device.namespace;
  const addresses = load<u64>(ip, IP_SOURCE);
  const id = load16(ip + IP_ID);
  const protocol = protocolOf(ip);
  const buffer = findBuffer(namespace, addresses, id, protocol);
  return isNoBuffer(buffer) ? takeBuffer(namespace, addresses, id, protocol, packet) : buffer;
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
  if (total > TOTAL_MAX) return drop(packet, Drop.FragTooFar, Node.Reassemble);
  const ip = payloadOf(buffer) - buffer.header;
  const isForPrerouting = caller == Node.Prerouting;
  store16(ip + IP_TOTAL, total);
  store16(ip + IP_FRAGMENT, isForPrerouting ? 0 : fragmentWord(ip) & IP_DF);
  writeChecksum(ip);
  packet.network = ip;
  if (!isForPrerouting) return admit(packet, Node.Reassemble);
  packet.mtu = buffer.longest;
  packet.filter |= DEFRAGMENTED;
  return filterInput(packet);
}
