/** What processes send: the byte at position p of flow f is (p + f) mod 256. */
import { copyBytes } from "./bytes";

const LONGEST: i32 = 65536;
/** All bytes in order, again and again: any payload is a piece of it. */
const PATTERN = memory.data(LONGEST + 256 + 16, 16);

export function fillPattern(): void {
  for (let at = 0; at < LONGEST + 256 + 16; at++) store<u8>(PATTERN + at, <u8>at);
}

/** Writes up to 65,536 bytes of the flow's stream from `position` on. A packet without flow passes NONE. */
@inline export function writePayload(to: usize, position: u32, flow: u32, bytes: u32): void {
  copyBytes(to, PATTERN + ((position + flow) & 255), bytes);
}
