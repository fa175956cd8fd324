import { Drop } from "../../../../assembly/abi/drop";
import { REASSEMBLY_TIMEOUT_NS } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { DATAGRAM_MAX } from "../memory/memory";
import type { Packet } from "../memory/packet";
import { copyFields } from "../memory/pool";
import { EventType } from "../simulation/event-queue";
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

const PAYLOAD_MAX = DATAGRAM_MAX - IPV4_HEADER;

/** ip_defrag: can the fragment be, whose is it, does it fit; the one that completes a datagram carries it on. */
export function reassemble(kernel: Kernel, packet: Packet): Node {
  const { network } = packet;
  const { bytes } = kernel.memory;
  const header = headerLength(bytes, network);
  const length = packet.datagramLength - header;
  const field = fragmentField(bytes, network);
  const offset = (field & OFFSET_MASK) << 3;
  const isLast = (field & MORE_FRAGMENTS) === 0;
  const isImpossible = length === 0 || offset + length > PAYLOAD_MAX || (!isLast && (length & 7) !== 0);
  if (isImpossible) return drop(kernel, packet, Drop.FragTooFar, Node.Reassemble);
  const buffer = findBuffer(kernel, packet);
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

function findBuffer(kernel: Kernel, packet: Packet): ReassemblyBuffer | null {
  const { network, device } = packet;
  if (device === null) return null;
  const { bytes } = kernel.memory;
  const source = sourceIp(bytes, network);
  const destination = destinationIp(bytes, network);
  const id = identification(bytes, network);
  const kind = protocol(bytes, network);
  const known = kernel.reassembly.find(device.namespace, source, destination, id, kind);
  if (known !== null) return known;
  const buffer = kernel.reassembly.findFree();
  if (buffer === null) return null;
  buffer.begin(device.namespace, source, destination, id, kind);
  copyFields(buffer.kept, packet);
  buffer.kept.flow = packet.flow;
  buffer.deadline = kernel.clock + REASSEMBLY_TIMEOUT_NS;
  if (!buffer.timerQueued) {
    buffer.timerQueued = true;
    kernel.queue.push(buffer.deadline, EventType.ReassemblyTimer, buffer.index, 0);
  }
  return buffer;
}

/** ip_frag_reasm. The bytes stay where they were put together: nothing writes there before the datagram's next node is done. */
function complete(kernel: Kernel, packet: Packet, buffer: ReassemblyBuffer): Node {
  const header = buffer.headerLength;
  const total = header + buffer.total;
  const { kept } = buffer;
  const { flow } = kept;
  const { longest } = buffer;
  buffer.free();
  if (total > DATAGRAM_MAX) return drop(kernel, packet, Drop.FragTooFar, Node.Reassemble);
  const { device } = packet;
  kernel.pool.assign(packet, flow);
  copyFields(packet, kept);
  packet.device = device;
  packet.network = buffer.payload - header;
  packet.datagramLength = total;
  setTotalLength(kernel.memory.bytes, packet.network, total);
  setFragmentField(kernel.memory.bytes, packet.network, 0);
  updateChecksum(kernel.memory, packet.network, header);
  if (!packet.defragmenting) return deliver(kernel, packet, Node.Reassemble);
  packet.defragmenting = false;
  packet.fragmentMax = longest;
  return preroutingTables(kernel, packet);
}
