import { Drop } from "../../../../assembly/abi/drop";
import { REASSEMBLY6_TIMEOUT_NS } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { ICMP6_REASSEMBLY_TIMEOUT, ICMP6_TIME_EXCEEDED, NEXT_FRAGMENT } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { DATAGRAM_MAX, HEADER_ROOM } from "../memory/memory";
import type { Packet } from "../memory/packet";
import { icmp6Error } from "../nodes/icmp6-error";
import { findBuffer, resume, takeFields } from "../nodes/reassemble";
import { Fit, type ReassemblyBuffer } from "../tables/reassembly";
import { read32 } from "../wire/bytes";
import { FRAGMENT_HEADER, fragmentField6, IPV6_HEADER, MORE_FRAGMENTS6, OFFSET_MASK6, setPayloadLength } from "../wire/ipv6";
import { readHeaders6, walkHeaders } from "./headers";

/** ipv6_frag_rcv: what follows the fragment header is put together behind the first fragment's other headers. */
export function reassemble6(kernel: Kernel, packet: Packet): Node {
  const { network, fragmentHeader, datagramLength } = packet;
  const { bytes } = kernel.memory;
  const field = fragmentField6(bytes, fragmentHeader);
  const offset = field & OFFSET_MASK6;
  const isLast = (field & MORE_FRAGMENTS6) === 0;
  const start = fragmentHeader + FRAGMENT_HEADER;
  const length = network + datagramLength - start;
  const isImpossible = length === 0 || offset + length > DATAGRAM_MAX || (!isLast && (length & 7) !== 0);
  if (isImpossible || fragmentHeader - network > HEADER_ROOM) return drop(kernel, packet, Drop.FragTooFar, Node.Reassemble);
  const identification = read32(bytes, fragmentHeader + 4);
  const buffer = findBuffer(kernel, packet, packet.source6, packet.destination6, identification, NEXT_FRAGMENT, REASSEMBLY6_TIMEOUT_NS);
  if (buffer === null) return drop(kernel, packet, Drop.NoMemory, Node.Reassemble);
  switch (buffer.store(start, offset, length, isLast)) {
    case Fit.Duplicate:
      return drop(kernel, packet, Drop.DupFrag, Node.Reassemble);
    case Fit.Overlap:
      buffer.free();
      return drop(kernel, packet, Drop.FragOverlap, Node.Reassemble);
    case Fit.Stored:
      break;
  }
  buffer.kept.device = packet.device;
  if (datagramLength > buffer.longest) buffer.longest = datagramLength;
  if (offset === 0) storeHeaders(kernel, packet, buffer, length);
  if (buffer.isComplete) return complete(kernel, packet, buffer);
  kernel.pool.release(packet);
  return Node.Done;
}

/** The first fragment's headers, with the fragment header taken out. */
function storeHeaders(kernel: Kernel, { network, fragmentHeader, datagramLength }: Packet, buffer: ReassemblyBuffer, length: number): void {
  const { bytes } = kernel.memory;
  const header = fragmentHeader - network;
  buffer.storeHeader(network, header);
  buffer.firstLength = length;
  const named = walkHeaders(bytes, network, network + datagramLength)?.fragmentNamed ?? network;
  bytes[buffer.payload - header + (named - network)] = bytes[fragmentHeader];
}

function complete(kernel: Kernel, packet: Packet, buffer: ReassemblyBuffer): Node {
  const { bytes } = kernel.memory;
  const header = buffer.headerLength;
  const total = header + buffer.total;
  const { longest } = buffer;
  const network = buffer.payload - header;
  const { flow } = buffer.kept;
  buffer.free();
  if (total - IPV6_HEADER > DATAGRAM_MAX) return drop(kernel, packet, Drop.FragTooFar, Node.Reassemble);
  setPayloadLength(bytes, network, total - IPV6_HEADER);
  const headers = walkHeaders(bytes, network, network + total);
  if (headers === null) return drop(kernel, packet, Drop.Ipv6BadExthdr, Node.Reassemble);
  takeFields(kernel, packet, buffer, flow);
  packet.network = network;
  packet.datagramLength = total;
  readHeaders6(kernel, packet, headers);
  return resume(kernel, packet, longest);
}

/** ip6frag_expire_frag_queue: the sender hears of its first fragment. */
export function tellExpired6(kernel: Kernel, { kept, headerLength, firstLength }: ReassemblyBuffer): void {
  const { bytes } = kernel.memory;
  const { network } = kept;
  kept.datagramLength = headerLength + firstLength;
  setPayloadLength(bytes, network, kept.datagramLength - IPV6_HEADER);
  const headers = walkHeaders(bytes, network, network + kept.datagramLength);
  if (headers === null) return;
  readHeaders6(kernel, kept, headers);
  icmp6Error(kernel, kept, ICMP6_TIME_EXCEEDED, ICMP6_REASSEMBLY_TIMEOUT, 0);
}
