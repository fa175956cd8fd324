/**
 * Changes addresses and ports of a packet as translation does, with its checksums: incrementally (RFC 1624, equation 3). Addresses
 * and ports are as they lie in headers, and so are the words that are summed.
 */
import { PROTOCOL_ICMP, PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { fold } from "./checksum";
import { ICMP_CHECKSUM, ICMP_IDENTIFIER } from "./icmp";
import { fragmentWord, headerLength, IP_CHECKSUM, IP_DESTINATION, IP_OFFSET_MASK, IP_SOURCE, protocolOf } from "./ipv4";
import { TCP_CHECKSUM } from "./tcp";
import { UDP_CHECKSUM } from "./udp";

/** What a sum grows by where a word of 32 bits becomes another one. */
@inline function change32(old: u32, value: u32): u64 {
  const gone = ~old;
  return <u64>(gone & 0xffff) + <u64>(gone >> 16) + <u64>(value & 0xffff) + <u64>(value >> 16);
}

@inline function change16(old: u32, value: u32): u64 {
  return <u64>(~old & 0xffff) + <u64>value;
}

@inline function adjust(checksum: usize, change: u64): u16 {
  const value = <u16>~fold(<u64>(~<u32>load<u16>(checksum) & 0xffff) + change);
  store<u16>(checksum, value);
  return value;
}

/** One of the two addresses. Returns what sums that include it grow by; 0: it was there already. */
export function rewriteAddress(ip: usize, isSource: bool, address: u32): u64 {
  const at = ip + (isSource ? IP_SOURCE : IP_DESTINATION);
  const old = load<u32>(at);
  if (old == address) return 0;
  store<u32>(at, address);
  const change = change32(old, address);
  adjust(ip + IP_CHECKSUM, change);
  return change;
}

/** One of the two addresses of IPv6, whose header has no checksum. Returns what sums that include it grow by. */
export function rewriteAddress6(at: usize, address: usize): u64 {
  if (!v128.any_true(v128.xor(v128.load(at), v128.load(address)))) return 0;
  let change: u64 = 0;
  for (let word: usize = 0; word < 16; word += 4) change += change32(load<u32>(at + word), load<u32>(address + word));
  v128.store(at, v128.load(address));
  return change;
}

/** Port of one side, once the address has changed; `port` is the identifier for ICMPv6, whose checksum covers addresses as well. */
export function rewriteTransport6(protocol: u32, transport: usize, end: usize, isSource: bool, port: u32, change: u64): void {
  if (protocol == PROTOCOL_UDP) rewriteUdp(transport, isSource, port, change);
  else if (protocol == PROTOCOL_TCP) rewriteTcp(transport, end, isSource, port, change);
  else if (protocol == PROTOCOL_ICMP6) rewriteIcmp6(transport, port, change);
}

function rewriteIcmp6(icmp: usize, identifier: u32, change: u64): void {
  const type = <u32>load<u8>(icmp);
  const old = <u32>load<u16>(icmp, ICMP_IDENTIFIER);
  if ((type == 128 || type == 129 || type == 139 || type == 140) && old != identifier) {
    store<u16>(icmp, <u16>identifier, ICMP_IDENTIFIER);
    change += change16(old, identifier);
  }
  if (change != 0) adjust(icmp + ICMP_CHECKSUM, change);
}

/** Address and port of one side; `port` is the identifier for ICMP. `end` is where the data end that are there. */
export function rewriteSide(ip: usize, end: usize, isSource: bool, address: u32, port: u32): void {
  const change = rewriteAddress(ip, isSource, address);
  if (fragmentWord(ip) & IP_OFFSET_MASK) return;
  const transport = ip + headerLength(ip);
  const protocol = protocolOf(ip);
  if (protocol == PROTOCOL_ICMP) rewriteIdentifier(transport, port);
  else if (protocol == PROTOCOL_UDP) rewriteUdp(transport, isSource, port, change);
  else if (protocol == PROTOCOL_TCP) rewriteTcp(transport, end, isSource, port, change);
}

@inline function rewritePort(transport: usize, isSource: bool, port: u32): u64 {
  const at = transport + (isSource ? 0 : 2);
  const old = <u32>load<u16>(at);
  if (old == port) return 0;
  store<u16>(at, <u16>port);
  return change16(old, port);
}

@inline function rewriteUdp(udp: usize, isSource: bool, port: u32, addressChange: u64): void {
  const change = addressChange + rewritePort(udp, isSource, port);
  if (change == 0 || load<u16>(udp, UDP_CHECKSUM) == 0) return;
  // Zero would mean that there is no checksum.
  if (adjust(udp + UDP_CHECKSUM, change) == 0) store<u16>(udp, 0xffff, UDP_CHECKSUM);
}

/** What ICMP errors quote may end before the checksum. */
@inline function rewriteTcp(tcp: usize, end: usize, isSource: bool, port: u32, addressChange: u64): void {
  const change = addressChange + rewritePort(tcp, isSource, port);
  if (change != 0 && tcp + TCP_CHECKSUM + 4 <= end) adjust(tcp + TCP_CHECKSUM, change);
}

/** Echo, timestamp, information and address mask have an identifier; their checksum does not cover addresses. */
function rewriteIdentifier(icmp: usize, identifier: u32): void {
  const type = <u32>load<u8>(icmp);
  if (type != 0 && type != 8 && (type < 13 || type > 18)) return;
  const old = <u32>load<u16>(icmp, ICMP_IDENTIFIER);
  if (old == identifier) return;
  store<u16>(icmp, <u16>identifier, ICMP_IDENTIFIER);
  adjust(icmp + ICMP_CHECKSUM, change16(old, identifier));
}
