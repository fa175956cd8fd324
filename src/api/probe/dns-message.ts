import { DNS_A, DNS_AAAA, DNS_CNAME, DNS_HEADER, DNS_MX, DNS_NS, DNS_PTR, DNS_SRV, DNS_TXT } from "../../../assembly/abi/dns";
import { formatIpv6 } from "../../net/ip";

/** Types of records by name. */
export const DNS_TYPES: Readonly<Record<string, number>> = {
  A: DNS_A, NS: DNS_NS, CNAME: DNS_CNAME, PTR: DNS_PTR, MX: DNS_MX, TXT: DNS_TXT, AAAA: DNS_AAAA, SRV: DNS_SRV,
};
/** RFC 1035 §4.1.1. */
const CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

export interface DnsAnswer {
  readonly name: string;
  readonly type: string;
  /** Seconds. */
  readonly ttl: number;
  /** An address, or a name; hexadecimal digits of anything else. */
  readonly data: string;
}

/** A name server's answer. */
export interface DnsReply {
  readonly rcode: string;
  readonly authoritative: boolean;
  readonly answers: readonly DnsAnswer[];
}

/** Reads an answer (RFC 1035 §4); what a damaged one does not hold is left out. */
export function readDnsReply(message: Uint8Array): DnsReply {
  const word = (at: number) => ((message[at] ?? 0) << 8) | (message[at + 1] ?? 0);
  let at = DNS_HEADER;
  for (let left = word(4); left > 0; left--) at = readName(message, at).end + 4;
  const answers: DnsAnswer[] = [];
  for (let left = word(6); left > 0; left--) {
    const { name, end } = readName(message, at);
    const [type, length] = [word(end), word(end + 8)];
    const start = end + 10;
    if (start + length > message.length) break;
    const ttl = word(end + 4) * 0x10000 + word(end + 6);
    answers.push({ name, type: nameOfType(type), ttl, data: readData(message, type, start, length) });
    at = start + length;
  }
  return { rcode: CODES[word(2) & 15] ?? String(word(2) & 15), authoritative: (word(2) & 0x400) !== 0, answers };
}

function readData(message: Uint8Array, type: number, start: number, length: number): string {
  const bytes = message.subarray(start, start + length);
  if (type === DNS_A) return bytes.join(".");
  if (type === DNS_AAAA) return formatIpv6(bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n));
  if (type === DNS_PTR || type === DNS_CNAME || type === DNS_NS) return readName(message, start).name;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A name, and where it ends; a pointer leads elsewhere once more at most as often as a name has labels. */
function readName(message: Uint8Array, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let end: number | undefined;
  let at = start;
  for (let steps = 0; steps < 128 && at < message.length; steps++) {
    const length = message[at]!;
    if (length === 0) {
      at++;
      break;
    }
    if ((length & 0xc0) === 0xc0) {
      end ??= at + 2;
      at = ((length & 0x3f) << 8) | (message[at + 1] ?? 0);
      continue;
    }
    labels.push(String.fromCharCode(...message.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return { name: labels.join("."), end: end ?? at };
}

function nameOfType(type: number): string {
  return Object.keys(DNS_TYPES).find((name) => DNS_TYPES[name] === type) ?? String(type);
}
