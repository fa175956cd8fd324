import { SimulationError, type ErrorDetails } from "../errors";

/** An address of either family: IPv4 as an unsigned 32-bit number, IPv6 as a 128-bit bigint. */
export type IpAddress =
  | { readonly family: 4; readonly value: number }
  | { readonly family: 6; readonly value: bigint };

/**
 * Reads a dotted quad into an unsigned 32-bit number. Leading zeros are refused, as Go's `net.ParseIP` does.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 * @example parseIpv4("172.20.0.5", "ipv4_address") // 0xac140005
 */
export function parseIpv4(text: string, field: string, details?: ErrorDetails): number {
  const value = ipv4Of(text);
  if (value !== undefined) return value;
  throw invalid(field, `an IPv4 address such as "172.20.0.5"`, text, details);
}

/** Whether `text` is a dotted quad. */
export function isIpv4(text: string): boolean {
  return ipv4Of(text) !== undefined;
}

/**
 * Writes an unsigned 32-bit number as a dotted quad.
 *
 * @example formatIpv4(0xac140005) // "172.20.0.5"
 */
export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/**
 * Reads an IPv6 address (RFC 4291 §2.2, with or without `::`, also with a dotted quad at the end) into 128 bits. A zone is refused.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 * @example parseIpv6("fd00::1", "gateway") // 0xfd000000000000000000000000000001n
 */
export function parseIpv6(text: string, field: string, details?: ErrorDetails): bigint {
  const value = ipv6Of(text);
  if (value !== undefined) return value;
  throw invalid(field, `an IPv6 address such as "fd00::5"`, text, details);
}

/** Whether `text` is an IPv6 address. */
export function isIpv6(text: string): boolean {
  return ipv6Of(text) !== undefined;
}

/**
 * Writes 128 bits in the canonical form of RFC 5952: lower case, the longest run of zero groups as `::`.
 *
 * @example formatIpv6(1n) // "::1"
 */
export function formatIpv6(address: bigint): string {
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((address >> shift) & 0xffffn));
  const [start, length] = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

/**
 * Reads an address of either family.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 * @example parseIp("::1", "host_ip").family // 6
 */
export function parseIp(text: string, field: string, details?: ErrorDetails): IpAddress {
  const v4 = ipv4Of(text);
  if (v4 !== undefined) return { family: 4, value: v4 };
  const v6 = ipv6Of(text);
  if (v6 !== undefined) return { family: 6, value: v6 };
  throw invalid(field, "an IPv4 or IPv6 address", text, details);
}

/** Whether `text` is an address of either family. */
export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** Writes an address in the canonical form of its family. */
export function formatIp(address: IpAddress): string {
  return address.family === 4 ? formatIpv4(address.value) : formatIpv6(address.value);
}

function invalid(field: string, expected: string, found: string, details?: ErrorDetails): SimulationError {
  return new SimulationError("INVALID_INPUT", `${field}: expected ${expected}, found ${JSON.stringify(found)}`, details);
}

const QUAD = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

function ipv4Of(text: string): number | undefined {
  const match = QUAD.exec(text);
  if (!match) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    const byte = Number(part);
    if (byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

function ipv6Of(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "", true) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  // RFC 5952 §4.2.2 discourages "::" for one group, yet every parser takes it; for no group at all none does.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...tail].reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function groupsOf(text: string, mayEndInQuad: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const quad = mayEndInQuad && index === parts.length - 1 ? ipv4Of(part) : undefined;
    if (quad !== undefined) groups.push(quad >>> 16, quad & 0xffff);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best[1]) best = [start, end - start];
  }
  return best;
}

/** fe80::/64, with the modified EUI-64 of a MAC behind it (RFC 4291, appendix A). */
export function linkLocalAddress(mac: number): bigint {
  const value = BigInt(mac) ^ (2n << 40n);
  return (0xfe80n << 112n) | ((value >> 24n) << 40n) | (0xfffen << 24n) | (value & 0xffffffn);
}

/** That of the n-th ipvlan device, from 1, on a parent with the MAC: its number stands for the ff:fe (Linux addrconf_ifid_eui48: dev_id). */
export function ipvlanLinkLocal(mac: number, number: number): bigint {
  return (linkLocalAddress(mac) ^ (2n << 56n) ^ (0xfffen << 24n)) | (BigInt(number) << 24n);
}
