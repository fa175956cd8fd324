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

/** The MACs move over the tag, to where the frame begins then: TAG bytes behind `frame`. */
export function removeTag(frame: usize): void {
  const low = load<u64>(frame);
  const high = load<u32>(frame, 8);
  store<u64>(frame + TAG, low);
  store<u32>(frame + TAG, high, 8);
}

/** The MACs of the frame that began TAG bytes behind `frame` move to its new beginning, and the tag takes their place. */
export function insertTag(frame: usize, id: u32): void {
  const low = load<u64>(frame + TAG);
  const high = load<u32>(frame + TAG, 8);
  store<u64>(frame, low);
  store<u32>(frame, high, 8);
  store16(frame + ETHERNET_TYPE, ETHERTYPE_8021Q);
  store16(frame + ID, id);
}
