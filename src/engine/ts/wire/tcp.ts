import { TCP_WINDOW_SCALE } from "../../../../assembly/abi/limits";
import { PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import type { Memory } from "../memory/memory";
import { read16, read32, write16, write32 } from "./bytes";
import { complement, fold, pseudoSum, sum } from "./checksum";

export const TCP_HEADER = 20;
/** NOP, NOP, timestamps. */
export const TCP_OPTIONS = 12;
/** MSS, SACK permitted, timestamps, NOP, window scale. */
export const TCP_SYN_OPTIONS = 20;

/** Control bits (RFC 9293 §3.1). */
export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;

/** Option kinds (RFC 9293 §3.2, RFC 2018, RFC 7323). */
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const OPTION_TIMESTAMPS = 8;

export function sourcePort(bytes: Uint8Array, tcp: number): number {
  return read16(bytes, tcp);
}

export function destinationPort(bytes: Uint8Array, tcp: number): number {
  return read16(bytes, tcp + 2);
}

export function sequenceNumber(bytes: Uint8Array, tcp: number): number {
  return read32(bytes, tcp + 4);
}

export function acknowledgement(bytes: Uint8Array, tcp: number): number {
  return read32(bytes, tcp + 8);
}

/** Bytes, options included. */
export function dataOffset(bytes: Uint8Array, tcp: number): number {
  return (bytes[tcp + 12] >>> 4) << 2;
}

export function controlBits(bytes: Uint8Array, tcp: number): number {
  return bytes[tcp + 13];
}

export function windowField(bytes: Uint8Array, tcp: number): number {
  return read16(bytes, tcp + 14);
}

export function writeTcp(
  bytes: Uint8Array,
  tcp: number,
  source: number,
  destination: number,
  sequence: number,
  acknowledged: number,
  header: number,
  control: number,
  window: number,
): void {
  write16(bytes, tcp, source);
  write16(bytes, tcp + 2, destination);
  write32(bytes, tcp + 4, sequence);
  write32(bytes, tcp + 8, acknowledged);
  bytes[tcp + 12] = (header >>> 2) << 4;
  bytes[tcp + 13] = control;
  write16(bytes, tcp + 14, window);
  write32(bytes, tcp + 16, 0);
}

/** 01 01 08 0a value echo. */
export function writeOptions(bytes: Uint8Array, at: number, value: number, echo: number): void {
  write32(bytes, at, 0x0101080a);
  write32(bytes, at + 4, value);
  write32(bytes, at + 8, echo);
}

/** 02 04 mss 04 02 08 0a value echo 01 03 03 scale: the order of Linux's tcp_options_write. */
export function writeSynOptions(bytes: Uint8Array, at: number, mss: number, value: number, echo: number): void {
  write16(bytes, at, (OPTION_MSS << 8) | 4);
  write16(bytes, at + 2, mss);
  write32(bytes, at + 4, 0x0402080a);
  write32(bytes, at + 8, value);
  write32(bytes, at + 12, echo);
  write32(bytes, at + 16, 0x01030300 | TCP_WINDOW_SCALE);
}

/** Address of an option's value, or -1. Options end at kind 0 or at a length that cannot be. */
function findOption(bytes: Uint8Array, tcp: number, kind: number, length: number): number {
  const end = tcp + dataOffset(bytes, tcp);
  let at = tcp + TCP_HEADER;
  while (at < end) {
    const found = bytes[at];
    if (found === OPTION_END) return -1;
    if (found === OPTION_NOP) {
      at++;
      continue;
    }
    if (at + 1 >= end) return -1;
    const size = bytes[at + 1];
    if (size < 2 || at + size > end) return -1;
    if (found === kind && size === length) return at + 2;
    at += size;
  }
  return -1;
}

/** The value of the MSS option, or `absent`. */
export function mssOption(bytes: Uint8Array, tcp: number, absent: number): number {
  const at = findOption(bytes, tcp, OPTION_MSS, 4);
  return at < 0 ? absent : read16(bytes, at);
}

/** The value of the timestamps option, or `absent`. */
export function timestampOption(bytes: Uint8Array, tcp: number, absent: number): number {
  const at = findOption(bytes, tcp, OPTION_TIMESTAMPS, 10);
  return at < 0 ? absent : read32(bytes, at);
}

export function updateTcpChecksum(memory: Memory, network: number, tcp: number, length: number): void {
  write16(memory.bytes, tcp + 16, 0);
  write16(memory.bytes, tcp + 16, complement(sum(memory, tcp, length) + pseudoSum(memory.bytes, network, PROTOCOL_TCP, length)));
}

export function hasValidTcpChecksum(memory: Memory, network: number, tcp: number, length: number): boolean {
  return fold(sum(memory, tcp, length) + pseudoSum(memory.bytes, network, PROTOCOL_TCP, length)) === 0xffff;
}
