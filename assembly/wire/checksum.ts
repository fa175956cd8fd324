/**
 * The Internet checksum (RFC 1071). Words are added as they lie in memory: a sum of byte-swapped words is the byte-swapped
 * sum (§1.2.B), so results are stored back without a swap.
 */
import { swap16 } from "./bytes";

/** Sum of the 16-bit words of `bytes` bytes, not folded; an odd last byte counts as if a zero followed. */
@inline export function sumWords(address: usize, bytes: usize): u64 {
  let lanes = i32x4.splat(0);
  const blocks = address + (bytes & ~15);
  let at = address;
  for (; at < blocks; at += 16) lanes = i32x4.add(lanes, i32x4.extadd_pairwise_i16x8_u(v128.load(at)));
  // 65,535 bytes are 4,096 blocks of at most 2 × 65,535 per lane: no lane overflows.
  let sum =
    <u64>(<u32>i32x4.extract_lane(lanes, 0)) +
    <u64>(<u32>i32x4.extract_lane(lanes, 1)) +
    <u64>(<u32>i32x4.extract_lane(lanes, 2)) +
    <u64>(<u32>i32x4.extract_lane(lanes, 3));
  if (bytes & 8) {
    sum += <u64>load<u32>(at) + <u64>load<u32>(at, 4);
    at += 8;
  }
  if (bytes & 4) {
    sum += <u64>load<u32>(at);
    at += 4;
  }
  if (bytes & 2) {
    sum += <u64>load<u16>(at);
    at += 2;
  }
  if (bytes & 1) sum += <u64>load<u8>(at);
  return sum;
}

/** Folds a sum to 16 bits with end-around carry. */
@inline export function fold(sum: u64): u32 {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return <u32>((sum & 0xffff) + (sum >> 16));
}

/** The field's value, ready to be stored with `store<u16>`. */
@inline export function complement(sum: u64): u16 {
  return <u16>~fold(sum);
}

/** Whether a sum that includes its checksum field is right. */
@inline export function isValid(sum: u64): bool {
  return fold(sum) == 0xffff;
}

/** The pseudo-header of UDP and TCP (RFC 768, RFC 9293 §3.1; RFC 8200 §8.1): addresses of the IP header, protocol, length of the part. */
@inline export function sumPseudoHeader(ip: usize, protocol: u32, bytes: u32): u64 {
  if (load<u8>(ip) >> 4 == 6) return sumWords(ip + 8, 32) + (<u64>protocol << 8) + <u64>swap16(bytes);
  return <u64>load<u32>(ip, 12) + <u64>load<u32>(ip, 16) + (<u64>protocol << 8) + <u64>swap16(bytes);
}
