/** Captured frames, one after the other until the host drains them. */
import {
  CAPTURE_DEVICE,
  CAPTURE_DIRECTION,
  CAPTURE_HEADER,
  CAPTURE_LENGTH,
  CAPTURE_NODE,
  CAPTURE_REASON,
  CAPTURE_STORED,
  CAPTURE_TIME,
} from "../abi/event";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { reserve } from "../memory/arena";
import { frameOf, Packet } from "../memory/pool";
import { clock } from "../simulation/clock";
import { deviceAt, deviceCount, DEVICE_CAPTURED } from "../tables/device";

let base: usize = 0;
let capacity: u32 = 0;
let snaplen: u32 = 0;
let capturing: bool = false;
/** Bytes. */
export let captureUsed: u32 = 0;

export function reserveCapture(bytes: u32): void {
  capacity = bytes;
  base = reserve(bytes, 1);
}

export function captureAddress(): usize {
  return base;
}

/** Captures nothing until devices are chosen. */
export function chooseCapture(bytesPerFrame: u32): void {
  snaplen = bytesPerFrame;
  capturing = false;
  for (let index: u32 = 0; index < deviceCount; index++) deviceAt(index).flags &= ~DEVICE_CAPTURED;
}

export function captureDevice(index: u32): void {
  capturing = true;
  deviceAt(index).flags |= DEVICE_CAPTURED;
}

export function forgetCapture(): void {
  captureUsed = 0;
}

/** Less than a quarter is free. */
@inline export function captureIsLow(): bool {
  return capturing && <u64>(capacity - captureUsed) * 4 < <u64>capacity;
}

/** Records the frame as its device sees it; lost if there is no room. */
export function captureFrame(packet: Packet, direction: i32, reason: Drop, node: Node): void {
  const stored = min(packet.length, snaplen);
  const bytes = <u32>CAPTURE_HEADER + ((stored + 7) & ~7);
  if (bytes > capacity - captureUsed) return;
  const at = base + captureUsed;
  captureUsed += bytes;
  store<f64>(at, <f64>clock, CAPTURE_TIME);
  store<u32>(at, packet.device.index, CAPTURE_DEVICE);
  store<u8>(at, <u8>direction, CAPTURE_DIRECTION);
  store<u8>(at, <u8>reason, CAPTURE_REASON);
  store<u8>(at, <u8>node, CAPTURE_NODE);
  store<u32>(at, stored, CAPTURE_STORED);
  store<u32>(at, packet.length, CAPTURE_LENGTH);
  memory.copy(at + CAPTURE_HEADER, frameOf(packet), stored);
}
