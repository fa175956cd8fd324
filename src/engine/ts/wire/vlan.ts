import { ETHERTYPE_8021Q } from "../../../../assembly/abi/protocol";
import type { Memory } from "../memory/memory";
import { read16, write16 } from "./bytes";
import { ETHERNET_HEADER, etherType } from "./ethernet";

/** Bytes of an 802.1Q tag. */
export const TAG = 4;
/** Both MACs lie in front of it. */
const MACS = 12;
const ID_MASK = 0xfff;

/** Whether a frame has a whole tag. */
export function isTagged(bytes: Uint8Array, frame: number, length: number): boolean {
  return length >= ETHERNET_HEADER + TAG && etherType(bytes, frame) === ETHERTYPE_8021Q;
}

export function vlanId(bytes: Uint8Array, frame: number): number {
  return read16(bytes, frame + ETHERNET_HEADER) & ID_MASK;
}

/** Takes the tag out; the frame is four bytes shorter then. */
export function popTag(memory: Memory, frame: number, length: number): void {
  memory.copy(frame + MACS, frame + MACS + TAG, length - MACS - TAG);
}

/** Puts a tag in; the frame is four bytes longer then. */
export function pushTag(memory: Memory, frame: number, length: number, id: number): void {
  memory.copy(frame + MACS + TAG, frame + MACS, length - MACS);
  write16(memory.bytes, frame + MACS, ETHERTYPE_8021Q);
  write16(memory.bytes, frame + ETHERNET_HEADER, id);
}
