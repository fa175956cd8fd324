/** Servers whose answers name both ends. */
import { bytesOf6 } from "../tables/address6";
import { Namespace } from "../tables/namespace";
import { load16 } from "../wire/bytes";

/** Length of an address in decimal. */
function textLength(ip: u32): u32 {
  let length: u32 = 7;
  for (let shift: u32 = 0; shift < 32; shift += 8) {
    const part = (ip >> shift) & 255;
    length += <u32>(part > 9) + <u32>(part > 99);
  }
  return length;
}

/** Length of an address as RFC 5952 §4 writes it: the first longest run of two groups of zeros or more becomes "::". */
function textLength6(at: usize): u32 {
  let longest: u32 = 1;
  let longestAt: u32 = 8;
  let run: u32 = 0;
  let length: u32 = 7;
  for (let group: u32 = 0; group < 8; group++) {
    const value = load16(at + (<usize>group << 1));
    length += value == 0 ? 1 : (35 - <u32>clz<u32>(value)) >> 2;
    run = value == 0 ? run + 1 : 0;
    if (run <= longest) continue;
    longest = run;
    longestAt = group + 1 - run;
  }
  if (longestAt == 8) return length;
  // Each group of the run goes with the colon behind it, but at the ends of the address one colon of the two is not there otherwise.
  return length - 2 * longest + 1 + <u32>(longestAt == 0) + <u32>(longestAt + longest == 8);
}

function lengthOf(stack: Namespace, ip: u32): u32 {
  return stack.isIpv6 ? textLength6(bytesOf6(ip)) : textLength(ip);
}

export function identityBytes(stack: Namespace, responseBytes: u32, peer: u32, local: u32): u32 {
  return responseBytes + lengthOf(stack, peer) + lengthOf(stack, local);
}
