/**
 * VXLAN (RFC 7348 §5): a frame as the payload of a UDP datagram.
 *
 *     0     1              4         7    8
 *     +-----+--------------+---------+----+-----------
 *     |flags|   reserved   |   VNI   |    | the frame
 *     +-----+--------------+---------+----+-----------
 */
import { VXLAN_HAS_VNI } from "../abi/protocol";
import { store32 } from "./bytes";

export const VXLAN_HEADER: u32 = 8;
export const VXLAN_VNI: usize = 4;

export function writeVxlan(to: usize, vni: u32): void {
  store32(to, VXLAN_HAS_VNI);
  store32(to + VXLAN_VNI, vni << 8);
}
