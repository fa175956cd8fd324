/** For whom a frame is, and from whom, in terms of IP (ipvlan_get_L3_hdr, ipvlan_addr_lookup). */
import { ICMP6_SOLICITATION, PROTOCOL_ICMP6 } from "../abi/protocol";
import { ARP_FRAME, arpSenderIp, arpTargetIp } from "./arp";
import { ETHERNET_HEADER, etherType, TYPE_ARP, TYPE_IPV4, TYPE_IPV6 } from "./ethernet";
import { destinationOf, headerLength, IPV4_HEADER, sourceOf, totalLength } from "./ipv4";
import { IP6_DESTINATION, IP6_NEXT, IP6_SOURCE, IPV6_HEADER } from "./ipv6";

/** What the two functions return for other frames: no address. Those of IPv6 are where their bytes lie, IPV6_ADDRESS is set in them. */
export const NO_ADDRESS: i64 = -1;
export const IPV6_ADDRESS: i64 = 1 << 40;

/** Whether the header of an IPv4 frame makes sense; its checksum is not looked at. */
export function isWholeIpv4(frame: usize, length: u32): bool {
  if (length < ETHERNET_HEADER + IPV4_HEADER || etherType(frame) != TYPE_IPV4) return false;
  const ip = frame + ETHERNET_HEADER;
  const header = headerLength(ip);
  const total = totalLength(ip);
  return load<u8>(ip) >> 4 == 4 && header >= IPV4_HEADER && total >= header && total + ETHERNET_HEADER <= length;
}

export function targetAddress(frame: usize, length: u32): i64 {
  if (isWholeIpv4(frame, length)) return destinationOf(frame + ETHERNET_HEADER);
  if (isWholeIpv6(frame, length)) return IPV6_ADDRESS | (isDetection(frame, length) ? frame + DETECTED : frame + ETHERNET_HEADER + IP6_DESTINATION);
  return isWholeArp(frame, length) ? arpTargetIp(frame) : NO_ADDRESS;
}

export function senderAddress(frame: usize, length: u32): i64 {
  if (isWholeIpv4(frame, length)) return sourceOf(frame + ETHERNET_HEADER);
  if (isWholeIpv6(frame, length)) return IPV6_ADDRESS | (isDetection(frame, length) ? frame + DETECTED : frame + ETHERNET_HEADER + IP6_SOURCE);
  return isWholeArp(frame, length) ? arpSenderIp(frame) : NO_ADDRESS;
}

/** Where a neighbour solicitation has its target. */
const DETECTED: u32 = ETHERNET_HEADER + IPV6_HEADER + 8;

/** A solicitation of somebody who has no address yet is about its target alone. */
function isDetection(frame: usize, length: u32): bool {
  if (length < DETECTED + 16 || v128.any_true(v128.load(frame + ETHERNET_HEADER + IP6_SOURCE))) return false;
  return load<u8>(frame + ETHERNET_HEADER + IP6_NEXT) == <u8>PROTOCOL_ICMP6 && load<u8>(frame + ETHERNET_HEADER + IPV6_HEADER) == <u8>ICMP6_SOLICITATION;
}

export function isWholeIpv6(frame: usize, length: u32): bool {
  return length >= ETHERNET_HEADER + IPV6_HEADER && etherType(frame) == TYPE_IPV6 && load<u8>(frame, ETHERNET_HEADER) >> 4 == 6;
}

@inline function isWholeArp(frame: usize, length: u32): bool {
  return length >= ARP_FRAME && etherType(frame) == TYPE_ARP;
}
