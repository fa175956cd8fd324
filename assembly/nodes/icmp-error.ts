/**
 * icmp_send: tells the sender of a packet why it died, with the packet's header and the beginning of its payload.
 *
 * Differs from Linux: there is no rate limit.
 */
import { Drop } from "../abi/drop";
import { WALK_STEPS_MAX } from "../abi/limits";
import { Node } from "../abi/node";
import { DeviceKind } from "../abi/program";
import { ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, PROTOCOL_ICMP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { dropUnmade } from "../graph/drop";
import { recordHop } from "../graph/trace";
import { append } from "../graph/walk";
import { DontFragment, FOR_HOLDER, Packet, PacketType, takeDatagram } from "../memory/pool";
import { relate } from "../netfilter/state";
import { steps, visit } from "../simulation/cpu";
import { Device } from "../tables/device";
import { lookup } from "../tables/fib";
import { copyBytes } from "../wire/bytes";
import { ICMP_HEADER, writeIcmpChecksum, writeIcmpHeader } from "../wire/icmp";
import {
  destinationOf,
  fragmentWord,
  headerLength,
  IP_BROADCAST,
  IP_OFFSET_MASK,
  IPV4_HEADER,
  isClassDOrAbove,
  isLoopback,
  isMulticast,
  protocolOf,
  sourceOf,
  totalLength,
  writeIpv4,
} from "../wire/ipv4";

/** Bytes of the whole message (RFC 1812 §4.3.2.3). */
const LONGEST: u32 = 576;

/** Appends the message; the offending packet stays as it is. */
export function icmpError(packet: Packet, type: u32, code: u32, info: u32): void {
  visit(Node.IcmpError);
  if (steps > <u32>WALK_STEPS_MAX) return;
  if (packet.trace != NONE) recordHop(packet, Node.IcmpError);
  if (mayBlame(packet)) sendError(packet, type, code, info);
}

/** The same for a datagram that never became whole, which visits nothing: `packet` only says what its first fragment was. */
export function icmpErrorOfFragment(packet: Packet, type: u32, code: u32): void {
  visit(Node.IcmpError);
  if (steps > <u32>WALK_STEPS_MAX) return;
  if (mayBlame(packet)) sendError(packet, type, code, 0);
}

/** RFC 1122 §3.2.2: no errors about errors, about what went to many, or to nobody in particular. */
export function mayBlame(packet: Packet): bool {
  const ip = packet.network;
  if (packet.received != 0 && (packet.type == PacketType.Broadcast || packet.type == PacketType.Multicast)) return false;
  if (fragmentWord(ip) & IP_OFFSET_MASK) return false;
  const destination = destinationOf(ip);
  if (isMulticast(destination) || destination == IP_BROADCAST) return false;
  const source = sourceOf(ip);
  if (source == 0 || isClassDOrAbove(source)) return false;
  if (isLoopback(source) && packet.received != 0 && packet.device.kind != DeviceKind.Loopback) return false;
  if (protocolOf(ip) != PROTOCOL_ICMP) return true;
  const header = headerLength(ip);
  if (totalLength(ip) <= header) return false;
  const type = <u32>load<u8>(ip + header);
  return type == ICMP_ECHO_REPLY || type == ICMP_ECHO_REQUEST;
}

function sendError(packet: Packet, type: u32, code: u32, info: u32): void {
  const offending = packet.network;
  const quoted = min(totalLength(offending), LONGEST - IPV4_HEADER - ICMP_HEADER);
  const total = IPV4_HEADER + ICMP_HEADER + quoted;
  const message = takeDatagram(total);
  if (changetype<usize>(message) == 0) {
    dropUnmade(Drop.NoMemory, Node.IcmpError, packet.device, packet.flow, packet.sequence);
    return;
  }
  const namespace = speaker(packet).namespace;
  message.flow = packet.flow;
  message.sequence = packet.sequence;
  message.trace = packet.trace;
  message.response = 1;
  message.namespace = namespace.index;
  message.dontFragment = <u8>DontFragment.Never;
  const ip = message.network;
  writeIpv4(ip, total, namespace.ttl, PROTOCOL_ICMP, sourceOfError(packet), sourceOf(offending));
  const icmp = ip + IPV4_HEADER;
  writeIcmpHeader(icmp, type, code, 0, info);
  copyBytes(icmp + ICMP_HEADER, offending, quoted);
  writeIcmpChecksum(icmp, ICMP_HEADER + quoted);
  relate(message, packet);
  append(message, Node.IpOutput, Node.IcmpError);
}

/** The address that was written to, if it is ours; else the one of the device that received it; 0: the route chooses. */
function sourceOfError(packet: Packet): u32 {
  const destination = destinationOf(packet.network);
  const device = speaker(packet);
  if (lookup(device.namespace, destination).isOwn) return destination;
  return packet.received != 0 ? device.firstAddress : 0;
}

/** Whose stack the error is of: icmp_send goes by the route, which may be that of a namespace on top. */
@inline function speaker(packet: Packet): Device {
  return packet.received & FOR_HOLDER ? packet.out : packet.device;
}
