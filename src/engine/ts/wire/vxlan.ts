import { VXLAN_PORT_FIRST, VXLAN_PORTS } from "../../../../assembly/abi/limits";
import { VXLAN_HAS_VNI } from "../../../../assembly/abi/protocol";
import { fmix } from "../simulation/random";
import { read32, write32 } from "./bytes";
import { hashIpv4, isHashable } from "./flow-hash";

/** RFC 7348 §5: flags, the network's number, and reserved bits. */
export const VXLAN_HEADER = 8;

export function hasVni(bytes: Uint8Array, header: number): boolean {
  return (read32(bytes, header) & VXLAN_HAS_VNI) !== 0;
}

export function vniOf(bytes: Uint8Array, header: number): number {
  return read32(bytes, header + 4) >>> 8;
}

/** Bits that mean nothing to us are set. */
export function hasReservedBits(bytes: Uint8Array, header: number): boolean {
  return read32(bytes, header) !== VXLAN_HAS_VNI || bytes[header + 7] !== 0;
}

export function writeVxlan(bytes: Uint8Array, header: number, vni: number): void {
  write32(bytes, header, VXLAN_HAS_VNI);
  write32(bytes, header + 4, vni << 8);
}

/** udp_flow_src_port: routers on the way spread what is in the tunnel by the outer source port. */
export function entropyPort(bytes: Uint8Array, frame: number, length: number): number {
  const hash = isHashable(bytes, frame, length) ? hashIpv4(bytes, frame, length) : hashMacs(bytes, frame);
  return VXLAN_PORT_FIRST + Math.floor((hash * VXLAN_PORTS) / 2 ** 32);
}

function hashMacs(bytes: Uint8Array, frame: number): number {
  const second = read32(bytes, frame + 4);
  const third = read32(bytes, frame + 8);
  return fmix(read32(bytes, frame) ^ ((second << 16) | (second >>> 16)) ^ ((third << 8) | (third >>> 24)));
}
