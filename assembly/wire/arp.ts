/** ARP for IPv4 over Ethernet (RFC 826). Offsets count from the start of the frame, so that they are those of a capture. */
import { ARP_REPLY, ARP_REQUEST } from "../abi/protocol";
import { load16, load32, store16, store32 } from "./bytes";
import { loadMac } from "./ethernet";

/** Header and packet; frames are not padded. */
export const ARP_FRAME: u32 = 42;

const OPERATION: usize = 20;
const SENDER_MAC: usize = 22;
const SENDER_IP: usize = 28;
const TARGET_MAC: usize = 32;
const TARGET_IP: usize = 38;
/** Hardware type 1, protocol type 0x0800, lengths 6 and 4: bytes 14 to 19. */
const KIND: u64 = 0x040600080100;

@inline export function isArpForIpv4(frame: usize): bool {
  const operation = arpOperation(frame);
  return (load<u64>(frame, 14) & 0xffffffffffff) == KIND && (operation == ARP_REQUEST || operation == ARP_REPLY);
}

@inline export function arpOperation(frame: usize): u32 {
  return load16(frame + OPERATION);
}

@inline export function arpSenderMac(frame: usize): u64 {
  return loadMac(frame + SENDER_MAC);
}

@inline export function arpSenderIp(frame: usize): u32 {
  return load32(frame + SENDER_IP);
}

@inline export function arpTargetIp(frame: usize): u32 {
  return load32(frame + TARGET_IP);
}

export function writeArp(frame: usize, operation: u32, senderMac: u64, senderIp: u32, targetMac: u64, targetIp: u32): void {
  // Each store writes eight bytes, the last two of which the next one replaces.
  store<u64>(frame, KIND, 14);
  store16(frame + OPERATION, operation);
  store<u64>(frame, senderMac, SENDER_MAC);
  store32(frame + SENDER_IP, senderIp);
  store<u64>(frame, targetMac, TARGET_MAC);
  store32(frame + TARGET_IP, targetIp);
}
