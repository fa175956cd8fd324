import { ETHERTYPE_IPV4 } from "../../../../assembly/abi/protocol";
import { read16, read32, write16, write32 } from "./bytes";
import { ETHERNET_HEADER, writeMac } from "./ethernet";

/** An ARP packet for IPv4 over Ethernet with its Ethernet header; virtual devices do not pad it to 60 bytes. */
export const ARP_FRAME = ETHERNET_HEADER + 28;

/** Offsets in the frame (RFC 826). */
const HARDWARE_TYPE = 14;
const PROTOCOL_TYPE = 16;
const LENGTHS = 18;
const OPERATION = 20;
export const ARP_SENDER_MAC = 22;
const SENDER_IP = 28;
const TARGET_MAC = 32;
const TARGET_IP = 38;

/** Ethernet and IPv4, with addresses of 6 and 4 bytes. */
export function isIpv4OverEthernet(bytes: Uint8Array, frame: number): boolean {
  return (
    read16(bytes, frame + HARDWARE_TYPE) === 1 &&
    read16(bytes, frame + PROTOCOL_TYPE) === ETHERTYPE_IPV4 &&
    read16(bytes, frame + LENGTHS) === 0x0604
  );
}

export function operation(bytes: Uint8Array, frame: number): number {
  return read16(bytes, frame + OPERATION);
}

export function senderIp(bytes: Uint8Array, frame: number): number {
  return read32(bytes, frame + SENDER_IP);
}

export function targetIp(bytes: Uint8Array, frame: number): number {
  return read32(bytes, frame + TARGET_IP);
}

export function writeArp(
  bytes: Uint8Array,
  frame: number,
  kind: number,
  senderHigh: number,
  senderLow: number,
  sender: number,
  targetHigh: number,
  targetLow: number,
  target: number,
): void {
  write16(bytes, frame + HARDWARE_TYPE, 1);
  write16(bytes, frame + PROTOCOL_TYPE, ETHERTYPE_IPV4);
  write16(bytes, frame + LENGTHS, 0x0604);
  write16(bytes, frame + OPERATION, kind);
  writeMac(bytes, frame + ARP_SENDER_MAC, senderHigh, senderLow);
  write32(bytes, frame + SENDER_IP, sender);
  writeMac(bytes, frame + TARGET_MAC, targetHigh, targetLow);
  write32(bytes, frame + TARGET_IP, target);
}
