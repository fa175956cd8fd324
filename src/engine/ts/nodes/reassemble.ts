import { Drop } from "../../../../assembly/abi/drop";
import { REASSEMBLY_TIMEOUT_NS } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import { reassemble6 } from "../ipv6/reassemble";
import type { Kernel } from "../kernel";
import { DATAGRAM_MAX } from "../memory/memory";
import type { Packet } from "../memory/packet";
import { copyFields } from "../memory/pool";
import { EventType } from "../simulation/event-queue";
import { setDeadline } from "../simulation/timer";
import type { Flow } from "../tables/flow";
import { Fit, type ReassemblyBuffer } from "../tables/reassembly";
import {
  destinationIp,
  fragmentField,
  headerLength,
  identification,
  IPV4_HEADER,
  MORE_FRAGMENTS,
  OFFSET_MASK,
  protocol,
  setFragmentField,
  setTotalLength,
  sourceIp,
  updateChecksum,
} from "../wire/ipv4";
import { preroutingTables } from "./prerouting";
import { deliver } from "./local-deliver";
import { localOutTables } from "./local-out";

const PAYLOAD_MAX = DATAGRAM_MAX - IPV4_HEADER;

/** ip_defrag: can the fragment be, whose is it, does it fit; the one that completes a datagram carries it on. */
export function reassemble(kernel: Kernel, packet: Packet): Node {
  if (packet.isIpv6) return reassemble6(kernel, packet);
  const { network } = packet;
  const { bytes } = kernel.memory;
  const header = headerLength(bytes, network);
  const length = packet.datagramLength - header;
  const field = fragmentField(bytes, network);
  const offset = (field & OFFSET_MASK) << 3;
  const isLast = (field & MORE_FRAGMENTS) === 0;
  const isImpossible = length === 0 || offset + length > PAYLOAD_MAX || (!isLast && (length & 7) !== 0);
  if (isImpossible) return drop(kernel, packet, Drop.FragTooFar, Node.Reassemble);
  const source = sourceIp(bytes, network);
  const destination = destinationIp(bytes, network);
  const buffer = findBuffer(kernel, packet, source, destination, identification(bytes, network), protocol(bytes, network), REASSEMBLY_TIMEOUT_NS);
  if (buffer === null) return drop(kernel, packet, Drop.NoMemory, Node.Reassemble);

  switch (buffer.store(network + header, offset, length, isLast)) {
    case Fit.Duplicate:
      return drop(kernel, packet, Drop.DupFrag, Node.Reassemble);
    case Fit.Overlap:
      buffer.free();
      return drop(kernel, packet, Drop.FragOverlap, Node.Reassemble);
    case Fit.Stored:
      break;
  }
  buffer.kept.device = packet.device;
  if (packet.datagramLength > buffer.longest) buffer.longest = packet.datagramLength;
  if (offset === 0) buffer.storeHeader(network, header);
  if (buffer.isComplete) return complete(kernel, packet, buffer);
  kernel.pool.release(packet);
  return Node.Done;
}

/** The buffer of a fragment's datagram, or null if there is none and none is free. */
export function findBuffer(
  kernel: Kernel,
  packet: Packet,
  source: number,
  destination: number,
  id: number,
  kind: number,
  timeout: number,
): ReassemblyBuffer | null {
  const { device } = packet;
  if (device === null) return null;
  const known = kernel.reassembly.find(device.namespace, source, destination, id, kind);
  if (known !== null) return known;
  const buffer = kernel.reassembly.findFree();
  if (buffer === null) return null;
  buffer.begin(device.namespace, source, destination, id, kind);
  copyFields(buffer.kept, packet);
  buffer.kept.received = true;
  buffer.kept.flow = packet.flow;
  setDeadline(kernel, buffer, EventType.ReassemblyTimer, kernel.clock + timeout);
  return buffer;
}

/** ip_frag_reasm. The bytes stay where they were put together: nothing writes there before the datagram's next node is done. */
function complete(kernel: Kernel, packet: Packet, buffer: ReassemblyBuffer): Node {
  const header = buffer.headerLength;
  const total = header + buffer.total;
  const { flow } = buffer.kept;
  const { longest } = buffer;
  buffer.free();
  if (total > DATAGRAM_MAX) return drop(kernel, packet, Drop.FragTooFar, Node.Reassemble);
  takeFields(kernel, packet, buffer, flow);
  packet.network = buffer.payload - header;
  packet.datagramLength = total;
  setTotalLength(kernel.memory.bytes, packet.network, total);
  setFragmentField(kernel.memory.bytes, packet.network, 0);
  updateChecksum(kernel.memory, packet.network, header);
  return resume(kernel, packet, longest);
}

/** The fragment that completes a datagram carries it on, as what the first that arrived was. */
export function takeFields(kernel: Kernel, packet: Packet, { kept }: ReassemblyBuffer, flow: Flow | null): void {
  const { device, received } = packet;
  kernel.pool.assign(packet, flow);
  copyFields(packet, kept);
  packet.device = device;
  packet.received = received;
}

/** Where a datagram goes that is whole. */
export function resume(kernel: Kernel, packet: Packet, longest: number): Node {
  if (!packet.defragmenting) return deliver(kernel, packet, Node.Reassemble);
  packet.defragmenting = false;
  packet.fragmentMax = longest;
  if (!packet.crossing) return preroutingTables(kernel, packet);
  kernel.node = Node.LocalOut;
  return localOutTables(kernel, packet);
}
