/** For whom a frame is, and from whom, in terms of IP (ipvlan_get_L3_hdr, ipvlan_addr_lookup). */
import { ARP_FRAME, arpSenderIp, arpTargetIp } from "./arp";
import { ETHERNET_HEADER, etherType, TYPE_ARP, TYPE_IPV4 } from "./ethernet";
import { destinationOf, headerLength, IPV4_HEADER, sourceOf, totalLength } from "./ipv4";

/** What the two functions return for other frames: no IPv4 address. */
export const NO_ADDRESS: i64 = -1;

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
  return isWholeArp(frame, length) ? arpTargetIp(frame) : NO_ADDRESS;
}

export function senderAddress(frame: usize, length: u32): i64 {
  if (isWholeIpv4(frame, length)) return sourceOf(frame + ETHERNET_HEADER);
  return isWholeArp(frame, length) ? arpSenderIp(frame) : NO_ADDRESS;
}

@inline function isWholeArp(frame: usize, length: u32): bool {
  return length >= ARP_FRAME && etherType(frame) == TYPE_ARP;
}
