/**
 * Ethernet II. A MAC address is a u64 as eight loaded bytes give it: its first byte on the wire is the lowest one here, and
 * the two bytes above the address are zero.
 *
 *      0                 6                12       14
 *     +-----------------+-----------------+--------+
 *     |   destination   |     source      |  type  |
 *     +-----------------+-----------------+--------+
 */
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../abi/protocol";
import { swap16, swap32 } from "./bytes";

export const ETHERNET_HEADER: u32 = 14;
export const ETHERNET_TYPE: usize = 12;

export const MAC_BROADCAST: u64 = 0xffffffffffff;
/** EtherTypes as two loaded bytes give them. */
export const TYPE_IPV4: u32 = ((ETHERTYPE_IPV4 & 0xff) << 8) | (ETHERTYPE_IPV4 >> 8);
export const TYPE_IPV6: u32 = ((ETHERTYPE_IPV6 & 0xff) << 8) | (ETHERTYPE_IPV6 >> 8);
export const TYPE_ARP: u32 = ((ETHERTYPE_ARP & 0xff) << 8) | (ETHERTYPE_ARP >> 8);

const MAC_MASK: u64 = 0xffffffffffff;

@inline export function destinationMac(frame: usize): u64 {
  return load<u64>(frame) & MAC_MASK;
}

@inline export function sourceMac(frame: usize): u64 {
  return load<u64>(frame, 6) & MAC_MASK;
}

@inline export function loadMac(address: usize): u64 {
  return load<u64>(address) & MAC_MASK;
}

@inline export function etherType(frame: usize): u32 {
  return <u32>load<u16>(frame, ETHERNET_TYPE);
}

/** `type` is one of the TYPE_…. */
@inline export function writeEthernet(frame: usize, destination: u64, source: u64, type: u32): void {
  store<u64>(frame, destination);
  store<u64>(frame, source | (<u64>type << 48), 6);
}

export function writeDestinationMac(frame: usize, mac: u64): void {
  store<u32>(frame, <u32>mac);
  store<u16>(frame, <u16>(mac >> 32), 4);
}

export function writeSourceMac(frame: usize, mac: u64): void {
  store<u32>(frame, <u32>mac, 6);
  store<u16>(frame, <u16>(mac >> 32), 10);
}

/** IEEE 802: the lowest bit of the first byte. Broadcast is one of them. */
@inline export function isGroup(mac: u64): bool {
  return (mac & 1) != 0;
}

/** 01:80:c2:00:00:01 to 0f: reserved for the link itself (IEEE 802.1D table 7-10), without the spanning tree's 00. */
@inline export function isReserved(mac: u64): bool {
  const last = mac >> 40;
  return (mac & 0xffffffffff) == 0x0000c28001 && last >= 1 && last <= 15;
}

/** From the two words of a program's record. */
export function macFromWords(high: u32, low: u32): u64 {
  return <u64>swap16(high) | (<u64>swap32(low) << 16);
}

/** 01:00:5e and the low 23 bits of the group (RFC 1112 §6.4). */
export function multicastMac(group: u32): u64 {
  return <u64>0x5e0001 | (<u64>swap32(group & 0x7fffff) << 16 & 0xffffff000000);
}
