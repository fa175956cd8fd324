/** skb_tunnel_check_pmtu and iptunnel_pmtud_build_icmp: the sender of a packet that may not be cut is told what fits into the tunnel. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { ICMP_FRAGMENTATION_NEEDED, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, PROTOCOL_ICMP } from "../abi/protocol";
import { drop, dropUnmade } from "../graph/drop";
import { append } from "../graph/walk";
import { frameBytes, frameOf, Packet, takePacket } from "../memory/pool";
import { Device, isNull } from "../tables/device";
import { copyBytes, store16 } from "../wire/bytes";
import { destinationMac, ETHERNET_HEADER, etherType, sourceMac, TYPE_IPV4, writeEthernet } from "../wire/ethernet";
import { ICMP_HEADER, writeIcmpChecksum, writeIcmpHeader } from "../wire/icmp";
import {
  destinationOf,
  fragmentWord,
  headerLength,
  IP_BROADCAST,
  IP_DF,
  IP_FRAGMENT,
  IP_TTL,
  IPV4_HEADER,
  isLoopback,
  isMulticast,
  protocolOf,
  sourceOf,
  writeChecksum,
  writeIpv4,
} from "../wire/ipv4";

/** The whole message has at most 576 bytes (RFC 1812 §4.3.2.3), and below that MTU nobody is told. */
const LONGEST: u32 = 576;
/** RFC 792: source quench, redirect, parameter problem. */
const ICMP_SOURCE_QUENCH: u32 = 4;
const ICMP_REDIRECT: u32 = 5;
const ICMP_PARAMETER_PROBLEM: u32 = 12;

/** Whether somebody is to be told about a frame that is longer than the tunnel's MTU; others are fragmented. */
export function isTooBig(packet: Packet, device: Device, mtu: i32): bool {
  const frame = frameOf(packet);
  if (mtu < <i32>LONGEST || isNull(device.master) || sourceMac(frame) == device.master.mac || etherType(frame) != TYPE_IPV4) return false;
  const ip = frame + ETHERNET_HEADER;
  if (fragmentWord(ip) != IP_DF) return false;
  const source = sourceOf(ip);
  if (source >>> 24 == 0 || isLoopback(source) || isMulticast(source) || source == IP_BROADCAST) return false;
  const destination = destinationOf(ip);
  return !isMulticast(destination) && destination != IP_BROADCAST && !isIcmpError(ip, packet.length - ETHERNET_HEADER);
}

function isIcmpError(ip: usize, bytes: u32): bool {
  const header = headerLength(ip);
  if (protocolOf(ip) != PROTOCOL_ICMP || bytes <= header) return false;
  const type = <u32>load<u8>(ip + header);
  if (type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT || type == ICMP_PARAMETER_PROBLEM) return true;
  return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED;
}

/** The device receives the message, as if it came from the destination. */
export function tooBig(packet: Packet, device: Device, mtu: u32): Node {
  const offending = frameOf(packet);
  const headers = IPV4_HEADER + ICMP_HEADER;
  const quoted = min(min(packet.length - ETHERNET_HEADER, LONGEST - headers), frameBytes - ETHERNET_HEADER - headers);
  const message = takePacket(headers + quoted);
  if (changetype<usize>(message) == 0) {
    dropUnmade(Drop.NoMemory, Node.VxlanOutput, device, packet.flow, packet.sequence);
  } else {
    message.flow = packet.flow;
    message.sequence = packet.sequence;
    message.trace = packet.trace;
    message.response = 1;
    message.framed = 1;
    message.out = device;
    write(frameOf(message), offending, quoted, mtu);
    append(message, Node.Receive, Node.VxlanOutput);
  }
  return drop(packet, Drop.PktTooBig, Node.VxlanOutput);
}

function write(frame: usize, offending: usize, quoted: u32, mtu: u32): void {
  const about = offending + ETHERNET_HEADER;
  const ip = frame + ETHERNET_HEADER;
  const icmp = ip + IPV4_HEADER;
  writeEthernet(frame, sourceMac(offending), destinationMac(offending), TYPE_IPV4);
  writeIpv4(ip, IPV4_HEADER + ICMP_HEADER + quoted, <u32>load<u8>(about, IP_TTL), PROTOCOL_ICMP, destinationOf(about), sourceOf(about));
  store16(ip + IP_FRAGMENT, IP_DF);
  writeChecksum(ip);
  writeIcmpHeader(icmp, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 0, mtu);
  copyBytes(icmp + ICMP_HEADER, about, quoted);
  writeIcmpChecksum(icmp, ICMP_HEADER + quoted);
}
