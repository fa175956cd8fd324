/**
 * 802.1Q: four bytes behind the MACs.
 *
 *      0             12       14       16
 *     +-------------+--------+--------+--------+
 *     |    MACs     | 0x8100 | PCP,id |  type  |
 *     +-------------+--------+--------+--------+
 */
import { ETHERTYPE_8021Q } from "../abi/protocol";
import { load16, store16 } from "./bytes";
import { ETHERNET_HEADER, ETHERNET_TYPE } from "./ethernet";

export const TAG: u32 = 4;
const ID: usize = 14;

@inline export function isTagged(frame: usize, length: u32): bool {
  return length >= ETHERNET_HEADER + TAG && load16(frame + ETHERNET_TYPE) == ETHERTYPE_8021Q;
}

@inline export function vlanId(frame: usize): u32 {
  return load16(frame + ID) & 0xfff;
}

/** The rest of the frame moves to where the tag was. */
export function removeTag(frame: usize, length: u32): void {
  memory.copy(frame + ETHERNET_TYPE, frame + ETHERNET_TYPE + TAG, length - <u32>ETHERNET_TYPE - TAG);
}

export function insertTag(frame: usize, length: u32, id: u32): void {
  memory.copy(frame + ETHERNET_TYPE + TAG, frame + ETHERNET_TYPE, length - <u32>ETHERNET_TYPE);
  store16(frame + ETHERNET_TYPE, ETHERTYPE_8021Q);
  store16(frame + ID, id);
}
