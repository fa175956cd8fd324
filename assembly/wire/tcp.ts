/** TCP (RFC 9293 §3.1), with the options of RFC 7323 and RFC 2018 that Linux sends. */
import { PROTOCOL_TCP } from "../abi/protocol";
import { load16, load32, store16, store32 } from "./bytes";
import { complement, sumPseudoHeader, sumWords } from "./checksum";

export const TCP_HEADER: u32 = 20;
export const TCP_SEQUENCE: usize = 4;
export const TCP_ACKNOWLEDGEMENT: usize = 8;
export const TCP_OFFSET: usize = 12;
export const TCP_FLAGS: usize = 13;
export const TCP_WINDOW: usize = 14;
export const TCP_CHECKSUM: usize = 16;

export const FIN: u32 = 1;
export const SYN: u32 = 2;
export const RST: u32 = 4;
export const PSH: u32 = 8;
export const ACK: u32 = 16;

/** Bytes of options in SYNs, and in all other segments of a connection. */
export const SYN_OPTIONS: u32 = 20;
export const DATA_OPTIONS: u32 = 12;

const OPTION_END: u32 = 0;
const OPTION_NOP: u32 = 1;
const OPTION_MSS: u32 = 2;
const OPTION_TIMESTAMPS: u32 = 8;

@inline export function sequenceOf(tcp: usize): u32 {
  return load32(tcp + TCP_SEQUENCE);
}

@inline export function acknowledgementOf(tcp: usize): u32 {
  return load32(tcp + TCP_ACKNOWLEDGEMENT);
}

@inline export function flagsOf(tcp: usize): u32 {
  return <u32>load<u8>(tcp, TCP_FLAGS);
}

@inline export function windowOf(tcp: usize): u32 {
  return load16(tcp + TCP_WINDOW);
}

/** Header with options, in bytes. */
@inline export function dataOffset(tcp: usize): u32 {
  return (<u32>load<u8>(tcp, TCP_OFFSET) >> 4) << 2;
}

@inline export function writeTcp(tcp: usize, ports: u32, sequence: u32, acknowledgement: u32, header: u32, flags: u32, window: u32): void {
  store32(tcp, ports);
  store32(tcp + TCP_SEQUENCE, sequence);
  store32(tcp + TCP_ACKNOWLEDGEMENT, acknowledgement);
  store<u16>(tcp, <u16>(((header >> 2) << 4) | (flags << 8)), TCP_OFFSET);
  store16(tcp + TCP_WINDOW, window);
  store<u32>(tcp, 0, TCP_CHECKSUM);
}

/** MSS, SACK permitted, timestamps, NOP, window scale 7: the order that Linux sends (tcp_options_write). */
export function writeSynOptions(tcp: usize, mss: u32, value: u32, echo: u32): void {
  store32(tcp + 20, (2 << 24) | (4 << 16) | mss);
  store32(tcp + 24, 0x0402080a);
  store32(tcp + 28, value);
  store32(tcp + 32, echo);
  store32(tcp + 36, 0x01030307);
}

/** Two NOPs and timestamps. */
export function writeDataOptions(tcp: usize, value: u32, echo: u32): void {
  store32(tcp + 20, 0x0101080a);
  store32(tcp + 24, value);
  store32(tcp + 28, echo);
}

@inline export function writeTcpChecksum(ip: usize, tcp: usize, length: u32): void {
  store<u16>(tcp, 0, TCP_CHECKSUM);
  store<u16>(tcp, complement(sumPseudoHeader(ip, PROTOCOL_TCP, length) + sumWords(tcp, length)), TCP_CHECKSUM);
}

/** The value of the MSS option, or 0. */
export function mssOption(tcp: usize): u32 {
  const option = findOption(tcp, OPTION_MSS, 4);
  return option == 0 ? 0 : load16(option + 2);
}

/** Address of the timestamps option, or 0. */
export function timestampsOption(tcp: usize): usize {
  return findOption(tcp, OPTION_TIMESTAMPS, 10);
}

/** The last option of a kind that has the right length; what follows a malformed one is not looked at. */
function findOption(tcp: usize, kind: u32, length: u32): usize {
  const end = tcp + dataOffset(tcp);
  let found: usize = 0;
  for (let at = tcp + TCP_HEADER; at < end; ) {
    const here = <u32>load<u8>(at);
    if (here == OPTION_END) break;
    if (here == OPTION_NOP) {
      at++;
      continue;
    }
    if (at + 1 >= end) break;
    const size = <u32>load<u8>(at, 1);
    if (size < 2 || at + size > end) break;
    if (here == kind && size == length) found = at;
    at += size;
  }
  return found;
}
