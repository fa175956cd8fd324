import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { drop, dropUnbuilt } from "../graph/drop";
import { append } from "../graph/walk";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { copyFields, copyFilterState } from "../memory/pool";
import { fragmentField, headerLength, MORE_FRAGMENTS, OFFSET_MASK, setFragmentField, setTotalLength, updateChecksum } from "../wire/ipv4";

/** ip_do_fragment: pieces for `packet.mtu`, each a packet of its own that goes on to the neighbour. The original is used up. */
export function ipFragment(kernel: Kernel, packet: Packet): Node {
  const { network } = packet;
  const { bytes } = kernel.memory;
  const header = headerLength(bytes, network);
  const pieceBytes = ((Math.min(packet.mtu, kernel.datagramBytes) - header) >> 3) << 3;
  if (pieceBytes < 8) return drop(kernel, packet, Drop.PktTooBig, Node.IpFragment);
  const payload = packet.datagramLength - header;
  for (let offset = 0; offset < payload; offset += pieceBytes) {
    const length = Math.min(pieceBytes, payload - offset);
    if (!appendPiece(kernel, packet, header, offset, length, offset + length === payload)) break;
  }
  kernel.pool.release(packet);
  return Node.Done;
}

/** False if no slot was free. */
function appendPiece(kernel: Kernel, original: Packet, header: number, offset: number, length: number, isLast: boolean): boolean {
  const piece = kernel.pool.take(original.flow, original.bornAt);
  if (piece === null) {
    dropUnbuilt(kernel, Node.IpFragment, original.device, original.flow, original.sequence);
    return false;
  }
  copyFields(piece, original);
  if (original.filtered) copyFilterState(piece, original);
  piece.target = original.target;
  piece.nextHop = original.nextHop;
  piece.broadcast = original.broadcast;
  const { memory } = kernel;
  const { network } = piece;
  memory.copy(network, original.network, header);
  memory.copy(network + header, original.network + header + offset, length);
  piece.datagramLength = piece.frameLength = header + length;
  setTotalLength(memory.bytes, network, piece.datagramLength);
  const field = fragmentField(memory.bytes, network);
  const more = isLast ? field & MORE_FRAGMENTS : MORE_FRAGMENTS;
  const flags = field & ~(OFFSET_MASK | MORE_FRAGMENTS);
  setFragmentField(memory.bytes, network, flags | more | ((field & OFFSET_MASK) + (offset >> 3)));
  updateChecksum(memory, network, header);
  append(kernel, piece, Node.NeighbourOutput);
  return true;
}
