import { ipv4Cidr, ipv4Mask, ipv6Cidr, type Cidr } from "../../net/cidr";
import { isIpv4, isIpv6, parseIp, parseIpv4, parseIpv6, type IpAddress } from "../../net/ip";
import type { Family, NatRange, PortRange } from "./rule";
import { refuseRule, type Word } from "./words";

/** Ports by name (IANA service names), as far as rules commonly use them. */
const SERVICES: Readonly<Record<string, number>> = {
  "ftp-data": 20,
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  http: 80,
  pop3: 110,
  ntp: 123,
  imap2: 143,
  snmp: 161,
  https: 443,
  submission: 587,
  imaps: 993,
  pop3s: 995,
  mysql: 3306,
  postgresql: 5432,
};

/** An address, block or list of them, as `-s` and `-d` take it. */
export function readCidrs(word: Word, family: Family): readonly Cidr[] {
  return word.text.split(",").map((text) => readCidr({ ...word, text }, family));
}

/** `10.0.0.0/8`, `10.1.2.3`, `10.0.0.0/255.0.0.0`, `0/0`; `fd00::/64`. */
export function readCidr(word: Word, family: Family): Cidr {
  const [address = "", length] = word.text.split("/", 2);
  if (family === 4) {
    const full = /^\d+(\.\d+){0,2}$/.test(address) && length !== undefined ? `${address}${".0".repeat(4 - address.split(".").length)}` : address;
    const bits = length === undefined ? 32 : prefixLength4(length);
    if (isIpv4(full) && bits !== undefined) return ipv4Cidr(parseIpv4(full, "address"), bits);
  } else {
    const bits = length === undefined ? 128 : /^\d{1,3}$/.test(length) && Number(length) <= 128 ? Number(length) : undefined;
    if (isIpv6(address) && bits !== undefined) return ipv6Cidr(parseIpv6(address, "address"), bits);
    if (word.text === "0/0") return ipv6Cidr(0n, 0);
  }
  const example = family === 4 ? "10.0.0.0/8" : "fd00::/8";
  return refuseRule("INVALID_INPUT", `expected an IPv${family} address or block such as ${example}, found ${JSON.stringify(word.text)}`, word.position);
}

function prefixLength4(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) return Number(text) <= 32 ? Number(text) : undefined;
  if (!isIpv4(text)) return undefined;
  const mask = parseIpv4(text, "mask");
  for (let length = 0; length <= 32; length++) {
    if (ipv4Mask(length) === mask) return length;
  }
  return undefined;
}

/** `80`, `http`, `1024:2048`, `:1023`, `1024:`. */
export function readPorts(word: Word, separator = ":"): PortRange {
  const parts = word.text.split(separator);
  const [first = "", last = first] = parts;
  const from = first === "" && parts.length === 2 ? 0 : portOf(first);
  const to = last === "" && parts.length === 2 ? 65535 : portOf(last);
  if (parts.length > 2 || from === undefined || to === undefined) {
    return refuseRule("INVALID_INPUT", `expected a port or a range such as 8000${separator}8010, found ${JSON.stringify(word.text)}`, word.position);
  }
  if (from > to) return refuseRule("INVALID_INPUT", `the range of ports ${word.text} ends before it begins`, word.position);
  return { from, to };
}

/** `80,443,8000:8010`: at most 15 ports, a range counts as two (Linux xt_multiport: XT_MULTI_PORTS). */
export function readPortList(word: Word): readonly PortRange[] {
  const ranges = word.text.split(",").map((text) => readPorts({ ...word, text }));
  const places = ranges.reduce((sum, { from, to }) => sum + (from === to ? 1 : 2), 0);
  return places <= 15 ? ranges : refuseRule("INVALID_INPUT", `${word.text}: more than 15 ports in one list`, word.position);
}

function portOf(text: string): number | undefined {
  if (/^\d{1,5}$/.test(text)) return Number(text) <= 65535 ? Number(text) : undefined;
  return Object.hasOwn(SERVICES, text) ? SERVICES[text] : undefined;
}

/** An unsigned number of 32 bits: decimal, `0x` or octal with `0`. */
export function readNumber(word: Word): number {
  const value = /^(0[xX][\da-fA-F]+|0[0-7]*|[1-9]\d*)$/.test(word.text) ? Number(word.text.replace(/^0(?=[0-7])/, "0o")) : Number.NaN;
  return value <= 0xffffffff ? value : refuseRule("INVALID_INPUT", `expected a number of 32 bits, found ${JSON.stringify(word.text)}`, word.position);
}

/** `value` or `value/mask`. */
export function readMasked(word: Word, defaultMask: number): { readonly value: number; readonly mask: number } {
  const [value = "", mask] = word.text.split("/", 2);
  return {
    value: readNumber({ ...word, text: value }),
    mask: mask === undefined ? defaultMask : readNumber({ ...word, text: mask }),
  };
}

/** `192.0.2.1`, `192.0.2.1-192.0.2.9`, `192.0.2.1:80`, `:53`, `:8000-8010`, `[fd00::2]:80`. */
export function readNatRange(word: Word, family: Family): NatRange {
  const split = family === 4 ? /^([^:]*)(?::(.*))?$/ : /^(?:\[([^\]]*)\]|([^[\]]*?))(?::(\d[\d-]*))?$/;
  const match = family === 6 && isIpv6(word.text) ? [word.text, word.text] : split.exec(word.text);
  const [, first = "", second = "", third] = match ?? [];
  const addresses = family === 4 ? first : first || second;
  const ports = family === 4 ? (match?.[2] ?? undefined) : third;
  const [from, to] = addresses === "" ? [] : addresses.split("-", 2).map((text) => natAddress({ ...word, text }, family));
  if (!match || (!from && ports === undefined)) {
    return refuseRule("INVALID_INPUT", `expected an address, a port or both, found ${JSON.stringify(word.text)}`, word.position);
  }
  return { from, to: to ?? from, ports: ports === undefined ? undefined : readPorts({ ...word, text: ports }, "-") };
}

function natAddress(word: Word, family: Family): IpAddress {
  if (family === 4 ? isIpv4(word.text) : isIpv6(word.text)) return parseIp(word.text, "address");
  return refuseRule("INVALID_INPUT", `expected an IPv${family} address, found ${JSON.stringify(word.text)}`, word.position);
}

/** `3/min`, `10/second`, `5`: how long between two packets, in ten-thousandths of a second (iptables extensions/libxt_limit.c: parse_rate). */
export function readPeriod(word: Word): number {
  const [, count, unit = "s"] = /^(\d+)(?:\/(s(?:ec(?:ond)?)?|m(?:in(?:ute)?)?|h(?:our)?|d(?:ay)?))?$/.exec(word.text) ?? [];
  const length = { s: 10_000, m: 600_000, h: 36_000_000, d: 864_000_000 }[unit[0]!] ?? 10_000;
  const number = Number(count);
  if (number > 0 && number <= length) return Math.floor(length / number);
  return refuseRule("INVALID_INPUT", `expected a rate such as 3/minute or 10/second, found ${JSON.stringify(word.text)}`, word.position);
}
