import { ETHERTYPE_ARP, ETHERTYPE_IPV4 } from "../../../../assembly/abi/protocol";
import { ARP_FRAME, senderIp, targetIp } from "./arp";
import { ETHERNET_HEADER, etherType } from "./ethernet";
import { destinationIp, headerLength, IPV4_HEADER, sourceIp, totalLength, version } from "./ipv4";

/** Whether a frame carries an IPv4 datagram as far as its header goes; the checksum is not looked at. */
export function isSoundIpv4(bytes: Uint8Array, frame: number, length: number): boolean {
  if (etherType(bytes, frame) !== ETHERTYPE_IPV4 || length < ETHERNET_HEADER + IPV4_HEADER) return false;
  const network = frame + ETHERNET_HEADER;
  const header = headerLength(bytes, network);
  const total = totalLength(bytes, network);
  return version(bytes, network) === 4 && header >= IPV4_HEADER && header <= total && total <= length - ETHERNET_HEADER;
}

/** What a frame is for: the destination of IPv4, the target of ARP; null: neither (ipvlan_get_L3_hdr). */
export function destinationAddress(bytes: Uint8Array, frame: number, length: number): number | null {
  if (isSoundIpv4(bytes, frame, length)) return destinationIp(bytes, frame + ETHERNET_HEADER);
  return isArp(bytes, frame, length) ? targetIp(bytes, frame) : null;
}

/** Whom a frame is from. */
export function sourceAddress(bytes: Uint8Array, frame: number, length: number): number | null {
  if (isSoundIpv4(bytes, frame, length)) return sourceIp(bytes, frame + ETHERNET_HEADER);
  return isArp(bytes, frame, length) ? senderIp(bytes, frame) : null;
}

function isArp(bytes: Uint8Array, frame: number, length: number): boolean {
  return etherType(bytes, frame) === ETHERTYPE_ARP && length >= ARP_FRAME;
}
