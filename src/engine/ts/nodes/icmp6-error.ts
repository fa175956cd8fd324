import { Node } from "../../../../assembly/abi/node";
import { ICMP6_PACKET_TOO_BIG, PROTOCOL_ICMP, PROTOCOL_ICMP6 } from "../../../../assembly/abi/protocol";
import { dropUnbuilt } from "../graph/drop";
import { visit } from "../graph/step";
import { recordHop } from "../graph/trace";
import { append } from "../graph/walk";
import { isGroup6 } from "../ipv6/scope";
import type { Kernel } from "../kernel";
import { UNSPECIFIED } from "../memory/address-table";
import { type Packet, PacketType, UNTRACED } from "../memory/packet";
import { attach, CtState } from "../netfilter/entry";
import { write32 } from "../wire/bytes";
import { ICMP_HEADER, writeIcmp } from "../wire/icmp";
import { isLaterFragment, transportLength } from "../wire/ip";
import { IPV6_HEADER } from "../wire/ipv6";
import { takeDatagram, writeDatagram } from "./socket-output";

/** An error is at most 1,280 bytes long (RFC 4443 §2.4 c). */
const QUOTE_MAX = 1280 - IPV6_HEADER - ICMP_HEADER;
/** Where ICMPv6 begins to be no error messages. */
const INFORMATIONAL = 128;

/**
 * icmp6_send about `packet`, which its caller drops: may there be an error (RFC 4443 §2.4 e), then quote as much as fits. `info` is
 * the second word: the MTU of "packet too big", the pointer of "parameter problem".
 */
export function icmp6Error(kernel: Kernel, packet: Packet, type: number, code: number, info: number): void {
  const { node } = kernel;
  if (visit(kernel, Node.Icmp6Error)) {
    // What a reassembly buffer kept of a packet owns no slot and visits nothing.
    if (packet.trace !== UNTRACED && packet.index >= 0) recordHop(kernel, packet, Node.Icmp6Error);
    if (mayAnswer6(kernel, packet, type)) send(kernel, packet, type, code, info);
  }
  kernel.node = node;
}

/** May its sender be told? What was sent to many may only be too big. */
export function mayAnswer6(kernel: Kernel, packet: Packet, type: number): boolean {
  const { bytes } = kernel.memory;
  const { addresses } = kernel;
  const isToMany = (packet.received && packet.type !== PacketType.Host) || isGroup6(addresses, packet.destination6);
  if (isToMany && type !== ICMP6_PACKET_TOO_BIG) return false;
  if (isLaterFragment(bytes, packet)) return false;
  if (packet.source6 === UNSPECIFIED || isGroup6(addresses, packet.source6)) return false;
  if (packet.protocol6 !== PROTOCOL_ICMP6) return true;
  return transportLength(bytes, packet) > 0 && bytes[packet.transport] >= INFORMATIONAL;
}

function send(kernel: Kernel, packet: Packet, type: number, code: number, info: number): void {
  const { network, device, destination6 } = packet;
  if (device === null) return;
  const quoted = Math.min(packet.datagramLength, QUOTE_MAX, kernel.datagramBytes - IPV6_HEADER - ICMP_HEADER);
  const error = takeDatagram(kernel, packet.flow, ICMP_HEADER + quoted, packet.source6);
  if (error === null) {
    dropUnbuilt(kernel, Node.Icmp6Error, device, packet.flow, packet.sequence);
    return;
  }
  const { namespace } = device;
  error.sequence = packet.sequence;
  error.response = true;
  error.trace = packet.trace;
  // nf_ct_attach: it belongs to the connection of what it is about, the other way round.
  if (packet.conntrack !== null) attach(error, packet.conntrack, CtState.Related, !packet.ctReply);
  writeDatagram(kernel, error, namespace, PROTOCOL_ICMP, namespace.owns6(destination6) ? destination6 : UNSPECIFIED, packet.source6);
  error.target = device;
  const { memory } = kernel;
  const icmp = error.transport;
  writeIcmp(memory.bytes, icmp, type, code, 0, 0);
  write32(memory.bytes, icmp + 4, info);
  memory.copy(icmp + ICMP_HEADER, network, quoted);
  append(kernel, error, Node.Ip6Output);
}
