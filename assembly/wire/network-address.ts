/** For whom a frame is, and from whom, in terms of IP (ipvlan_get_L3_hdr, ipvlan_addr_lookup). */
import { ARP_FRAME, arpSenderIp, arpTargetIp } from "./arp";
import { ETHERNET_HEADER, etherType, TYPE_ARP, TYPE_IPV4, TYPE_IPV6 } from "./ethernet";
import { destinationOf, headerLength, IPV4_HEADER, sourceOf, totalLength } from "./ipv4";
import { IP6_DESTINATION, IP6_SOURCE, IPV6_HEADER } from "./ipv6";

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
  if (isWholeIpv6(frame, length)) return IPV6_ADDRESS | (frame + ETHERNET_HEADER + IP6_DESTINATION);
  return isWholeArp(frame, length) ? arpTargetIp(frame) : NO_ADDRESS;
}

export function senderAddress(frame: usize, length: u32): i64 {
  if (isWholeIpv4(frame, length)) return sourceOf(frame + ETHERNET_HEADER);
  if (isWholeIpv6(frame, length)) return IPV6_ADDRESS | (frame + ETHERNET_HEADER + IP6_SOURCE);
  return isWholeArp(frame, length) ? arpSenderIp(frame) : NO_ADDRESS;
}

@inline function isWholeIpv6(frame: usize, length: u32): bool {
  return length >= ETHERNET_HEADER + IPV6_HEADER && etherType(frame) == TYPE_IPV6 && load<u8>(frame, ETHERNET_HEADER) >> 4 == 6;
}

@inline function isWholeArp(frame: usize, length: u32): bool {
  return length >= ARP_FRAME && etherType(frame) == TYPE_ARP;
}
