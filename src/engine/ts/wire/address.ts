import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ICMP6_SOLICITATION, PROTOCOL_ICMP6 } from "../../../../assembly/abi/protocol";
import type { AddressTable } from "../memory/address-table";
import { ARP_FRAME, senderIp, targetIp } from "./arp";
import { ETHERNET_HEADER, etherType } from "./ethernet";
import { destinationIp, headerLength, IPV4_HEADER, sourceIp, totalLength, version } from "./ipv4";
import { walkHeaders } from "../ipv6/headers";
import { DESTINATION6, IPV6_HEADER, NEXT_HEADER, payloadLength, SOURCE6 } from "./ipv6";

/** Whether a frame carries an IPv4 datagram as far as its header goes; the checksum is not looked at. */
export function isSoundIpv4(bytes: Uint8Array, frame: number, length: number): boolean {
  if (etherType(bytes, frame) !== ETHERTYPE_IPV4 || length < ETHERNET_HEADER + IPV4_HEADER) return false;
  const network = frame + ETHERNET_HEADER;
  const header = headerLength(bytes, network);
  const total = totalLength(bytes, network);
  return version(bytes, network) === 4 && header >= IPV4_HEADER && header <= total && total <= length - ETHERNET_HEADER;
}

/** What a frame is for: the destination of IP, the target of ARP and of a solicitation from nobody; null: none of these (ipvlan_get_L3_hdr). */
export function destinationAddress(addresses: AddressTable, bytes: Uint8Array, frame: number, length: number): number | null {
  if (isIpv6Frame(bytes, frame, length)) return addresses.find(bytes, isDetection(bytes, frame, length) ? frame + DETECTED : frame + ETHERNET_HEADER + DESTINATION6);
  if (isSoundIpv4(bytes, frame, length)) return destinationIp(bytes, frame + ETHERNET_HEADER);
  return isArp(bytes, frame, length) ? targetIp(bytes, frame) : null;
}

/** Whom a frame is from. */
export function sourceAddress(addresses: AddressTable, bytes: Uint8Array, frame: number, length: number): number | null {
  if (isIpv6Frame(bytes, frame, length)) return addresses.find(bytes, isDetection(bytes, frame, length) ? frame + DETECTED : frame + ETHERNET_HEADER + SOURCE6);
  if (isSoundIpv4(bytes, frame, length)) return sourceIp(bytes, frame + ETHERNET_HEADER);
  return isArp(bytes, frame, length) ? senderIp(bytes, frame) : null;
}

function isIpv6Frame(bytes: Uint8Array, frame: number, length: number): boolean {
  const network = frame + ETHERNET_HEADER;
  return etherType(bytes, frame) === ETHERTYPE_IPV6 && length >= ETHERNET_HEADER + IPV6_HEADER && version(bytes, network) === 6;
}

/** The target of a neighbour solicitation right behind the fixed header (RFC 4861 §4.3). */
const DETECTED = ETHERNET_HEADER + IPV6_HEADER + 8;

/** Of duplicate addresses: a solicitation from ::. */
function isDetection(bytes: Uint8Array, frame: number, length: number): boolean {
  const network = frame + ETHERNET_HEADER;
  if (length < DETECTED + 16 || bytes[network + NEXT_HEADER] !== PROTOCOL_ICMP6 || bytes[network + IPV6_HEADER] !== ICMP6_SOLICITATION) return false;
  return bytes.subarray(network + SOURCE6, network + DESTINATION6).every((byte) => byte === 0);
}

/** Whether a frame carries an IPv6 packet as far as its headers go. */
export function isSoundIpv6(bytes: Uint8Array, frame: number, length: number): boolean {
  if (!isIpv6Frame(bytes, frame, length)) return false;
  const network = frame + ETHERNET_HEADER;
  const total = IPV6_HEADER + payloadLength(bytes, network);
  return ETHERNET_HEADER + total <= length && walkHeaders(bytes, network, network + total) !== null;
}

function isArp(bytes: Uint8Array, frame: number, length: number): boolean {
  return etherType(bytes, frame) === ETHERTYPE_ARP && length >= ARP_FRAME;
}
