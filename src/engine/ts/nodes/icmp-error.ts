import { ICMP6_UNREACHABLE, ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, PROTOCOL_ICMP } from "../../../../assembly/abi/protocol";
import { Node } from "../../../../assembly/abi/node";
import { dropUnbuilt } from "../graph/drop";
import { visit } from "../graph/step";
import { recordHop } from "../graph/trace";
import { append } from "../graph/walk";
import type { Kernel } from "../kernel";
import { type Packet, PacketType, UNTRACED } from "../memory/packet";
import { attach, CtState } from "../netfilter/entry";
import { ICMP_HEADER, updateIcmpChecksum, writeIcmp } from "../wire/icmp";
import {
  destinationIp,
  fragmentField,
  headerLength,
  IPV4_HEADER,
  isLoopback,
  isNotUnicast,
  isMulticast,
  LIMITED_BROADCAST,
  OFFSET_MASK,
  protocol,
  sourceIp,
} from "../wire/ipv4";
import { mayAnswer6 } from "./icmp6-error";
import { takeDatagram, writeDatagram } from "./socket-output";

/** icmp_send: an error is at most 576 bytes long, so that every host can receive it (RFC 1812 §4.3.2.3). */
const QUOTE_MAX = 576 - IPV4_HEADER - ICMP_HEADER;

/**
 * icmp_send about `packet`, which its caller drops: may there be an error (RFC 1122 §3.2.2), then quote its header and
 * first bytes. `info` is the MTU in "fragmentation needed".
 *
 * Differs from Linux: no rate limit (icmp_ratelimit, icmp_msgs_per_sec).
 */
export function icmpError(kernel: Kernel, packet: Packet, type: number, code: number, info: number): void {
  const { node } = kernel;
  if (visit(kernel, Node.IcmpError)) {
    // What a reassembly buffer kept of a packet owns no slot and visits nothing.
    if (packet.trace !== UNTRACED && packet.index >= 0) recordHop(kernel, packet, Node.IcmpError);
    if (mayAnswer(kernel, packet)) send(kernel, packet, type, code, info);
  }
  kernel.node = node;
}

/** May its sender be told anything at all? */
export function mayAnswer(kernel: Kernel, packet: Packet): boolean {
  if (packet.isIpv6) return mayAnswer6(kernel, packet, ICMP6_UNREACHABLE);
  const { network, device } = packet;
  const { bytes } = kernel.memory;
  if (packet.received && (packet.type === PacketType.Broadcast || packet.type === PacketType.Multicast)) return false;
  if ((fragmentField(bytes, network) & OFFSET_MASK) !== 0) return false;
  const destination = destinationIp(bytes, network);
  if (isMulticast(destination) || destination === LIMITED_BROADCAST) return false;
  const source = sourceIp(bytes, network);
  const isOwnLoopback = !packet.received || device?.isLoopback;
  if (source === 0 || isNotUnicast(source) || (isLoopback(source) && !isOwnLoopback)) return false;
  if (protocol(bytes, network) !== PROTOCOL_ICMP) return true;
  const header = headerLength(bytes, network);
  const kind = bytes[network + header];
  return packet.datagramLength > header && (kind === ICMP_ECHO_REPLY || kind === ICMP_ECHO_REQUEST);
}

function send(kernel: Kernel, packet: Packet, type: number, code: number, info: number): void {
  const { network } = packet;
  // icmp_send goes by the route, which is that of the namespace inside.
  const device = packet.inner ?? packet.device;
  if (device === null) return;
  const quoted = Math.min(packet.datagramLength, QUOTE_MAX);
  const error = takeDatagram(kernel, packet.flow, ICMP_HEADER + quoted, sourceIp(kernel.memory.bytes, network));
  if (error === null) {
    dropUnbuilt(kernel, Node.IcmpError, packet.device, packet.flow, packet.sequence);
    return;
  }
  const { namespace } = device;
  const { memory } = kernel;
  const destination = destinationIp(memory.bytes, network);
  const own = packet.received ? device.ip : 0;
  error.sequence = packet.sequence;
  error.response = true;
  error.trace = packet.trace;
  // nf_ct_attach: it belongs to the connection of what it is about, the other way round.
  if (packet.conntrack !== null) attach(error, packet.conntrack, CtState.Related, !packet.ctReply);
  const source = namespace.addresses.has(destination) ? destination : own;
  writeDatagram(kernel, error, namespace, PROTOCOL_ICMP, source, sourceIp(memory.bytes, network));
  const icmp = error.transport;
  writeIcmp(memory.bytes, icmp, type, code, 0, info);
  memory.copy(icmp + ICMP_HEADER, network, quoted);
  updateIcmpChecksum(memory, icmp, ICMP_HEADER + quoted);
  append(kernel, error, Node.IpOutput);
}
