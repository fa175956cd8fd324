import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { NEXT_FRAGMENT } from "../../../../assembly/abi/protocol";
import { drop, dropUnbuilt } from "../graph/drop";
import { append } from "../graph/walk";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { copyFields, copyFilterState } from "../memory/pool";
import { FRAGMENT_HEADER, IPV6_HEADER, MORE_FRAGMENTS6, NEXT_HEADER, setPayloadLength, writeFragmentHeader } from "../wire/ipv6";

/** ip6_fragment: pieces for `packet.mtu`, each with a fragment header behind the fixed one. The original is used up. */
export function ip6Fragment(kernel: Kernel, packet: Packet): Node {
  const namespace = packet.device === null ? null : packet.device.namespace;
  const pieceBytes = ((Math.min(packet.mtu, kernel.datagramBytes) - IPV6_HEADER - FRAGMENT_HEADER) >> 3) << 3;
  if (namespace === null || pieceBytes < 8) return drop(kernel, packet, Drop.PktTooBig, Node.Ip6Fragment);
  const identification = namespace.nextIdentification6();
  const payload = packet.datagramLength - IPV6_HEADER;
  for (let offset = 0; offset < payload; offset += pieceBytes) {
    const length = Math.min(pieceBytes, payload - offset);
    if (!appendPiece(kernel, packet, identification, offset, length, offset + length === payload)) break;
  }
  kernel.pool.release(packet);
  return Node.Done;
}

/** False if no slot was free. */
function appendPiece(kernel: Kernel, original: Packet, identification: number, offset: number, length: number, isLast: boolean): boolean {
  const piece = kernel.pool.take(original.flow, original.bornAt);
  if (piece === null) {
    dropUnbuilt(kernel, Node.Ip6Fragment, original.device, original.flow, original.sequence);
    return false;
  }
  copyFields(piece, original);
  if (original.filtered) copyFilterState(piece, original);
  piece.target = original.target;
  piece.nextHop = original.nextHop;
  piece.broadcast = false;
  const { memory } = kernel;
  const { bytes } = memory;
  const { network } = piece;
  const header = network + IPV6_HEADER;
  memory.copy(network, original.network, IPV6_HEADER);
  writeFragmentHeader(bytes, header, bytes[network + NEXT_HEADER], offset | (isLast ? 0 : MORE_FRAGMENTS6), identification);
  bytes[network + NEXT_HEADER] = NEXT_FRAGMENT;
  memory.copy(header + FRAGMENT_HEADER, original.network + IPV6_HEADER + offset, length);
  piece.datagramLength = piece.frameLength = IPV6_HEADER + FRAGMENT_HEADER + length;
  setPayloadLength(bytes, network, FRAGMENT_HEADER + length);
  piece.fragmentHeader = header;
  piece.transport = header + FRAGMENT_HEADER;
  append(kernel, piece, Node.NeighbourOutput);
  return true;
}
