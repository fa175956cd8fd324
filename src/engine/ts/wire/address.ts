import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../../../../assembly/abi/protocol";
import type { AddressTable } from "../memory/address-table";
import { ARP_FRAME, senderIp, targetIp } from "./arp";
import { ETHERNET_HEADER, etherType } from "./ethernet";
import { destinationIp, headerLength, IPV4_HEADER, sourceIp, totalLength, version } from "./ipv4";
import { DESTINATION6, IPV6_HEADER, SOURCE6 } from "./ipv6";

/** Whether a frame carries an IPv4 datagram as far as its header goes; the checksum is not looked at. */
export function isSoundIpv4(bytes: Uint8Array, frame: number, length: number): boolean {
  if (etherType(bytes, frame) !== ETHERTYPE_IPV4 || length < ETHERNET_HEADER + IPV4_HEADER) return false;
  const network = frame + ETHERNET_HEADER;
  const header = headerLength(bytes, network);
  const total = totalLength(bytes, network);
  return version(bytes, network) === 4 && header >= IPV4_HEADER && header <= total && total <= length - ETHERNET_HEADER;
}

/** What a frame is for: the destination of IPv4, the target of ARP; null: neither (ipvlan_get_L3_hdr). */
export function destinationAddress(addresses: AddressTable, bytes: Uint8Array, frame: number, length: number): number | null {
  if (isIpv6Frame(bytes, frame, length)) return addresses.find(bytes, frame + ETHERNET_HEADER + DESTINATION6);
  if (isSoundIpv4(bytes, frame, length)) return destinationIp(bytes, frame + ETHERNET_HEADER);
  return isArp(bytes, frame, length) ? targetIp(bytes, frame) : null;
}

/** Whom a frame is from. */
export function sourceAddress(addresses: AddressTable, bytes: Uint8Array, frame: number, length: number): number | null {
  if (isIpv6Frame(bytes, frame, length)) return addresses.find(bytes, frame + ETHERNET_HEADER + SOURCE6);
  if (isSoundIpv4(bytes, frame, length)) return sourceIp(bytes, frame + ETHERNET_HEADER);
  return isArp(bytes, frame, length) ? senderIp(bytes, frame) : null;
}

function isIpv6Frame(bytes: Uint8Array, frame: number, length: number): boolean {
  const network = frame + ETHERNET_HEADER;
  return etherType(bytes, frame) === ETHERTYPE_IPV6 && length >= ETHERNET_HEADER + IPV6_HEADER && version(bytes, network) === 6;
}

function isArp(bytes: Uint8Array, frame: number, length: number): boolean {
  return etherType(bytes, frame) === ETHERTYPE_ARP && length >= ARP_FRAME;
}
