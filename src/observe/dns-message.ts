import { DNS_A, DNS_AAAA, DNS_CNAME, DNS_HEADER, DNS_MX, DNS_NS, DNS_PTR, DNS_RCODE, DNS_SRV, DNS_TXT } from "../../assembly/abi/dns";
import { formatIpv4, formatIpv6 } from "../net/ip";

/** An answer to a DNS query in words. */
export interface DnsAnswer {
  /** `"NOERROR"`, `"NXDOMAIN"`… (RFC 1035 §4.1.1); `"RCODE 9"` for one without a name here. */
  readonly code: string;
  /** From a server whose own names they are. */
  readonly authoritative: boolean;
  /** More records than fit. */
  readonly truncated: boolean;
  readonly records: readonly DnsRecord[];
}

export interface DnsRecord {
  readonly name: string;
  /** `"A"`, `"PTR"`…; a number for a type without a name here. */
  readonly type: string;
  /** Seconds. */
  readonly ttl: number;
  /** An address, a name, or the bytes in hexadecimal digits. */
  readonly data: string;
}

/** Types of records by name. */
export const DNS_TYPES = { A: DNS_A, NS: DNS_NS, CNAME: DNS_CNAME, PTR: DNS_PTR, MX: DNS_MX, TXT: DNS_TXT, AAAA: DNS_AAAA, SRV: DNS_SRV } as const;

const CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
const AUTHORITATIVE = 0x04;
const TRUNCATED = 0x02;
const POINTER = 0xc0;
/** A name has at most so many labels and pointers: 255 bytes, two each. */
const PARTS_MAX = 128;

/**
 * Reads a DNS message, such as the answer that a flow of kind query keeps. Null for what is not a whole one.
 *
 * @example decodeDnsAnswer(counters.flows[0].outcome.reply)?.records[0]?.data // "172.18.0.2"
 */
export function decodeDnsAnswer(message: Uint8Array): DnsAnswer | null {
  if (message.length < DNS_HEADER) return null;
  try {
    return new Reader(message).answer();
  } catch (error) {
    // Reading beyond the end of a view.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = DNS_HEADER;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  answer(): DnsAnswer {
    const code = this.#view.getUint8(3) & DNS_RCODE;
    const questions = this.#view.getUint16(4);
    const count = this.#view.getUint16(6);
    for (let i = 0; i < questions; i++) {
      this.#name();
      this.#at += 4;
    }
    const records = Array.from({ length: count }, () => this.#record());
    const flags = this.#view.getUint8(2);
    return { code: CODES[code] ?? `RCODE ${code}`, authoritative: (flags & AUTHORITATIVE) !== 0, truncated: (flags & TRUNCATED) !== 0, records };
  }

  #record(): DnsRecord {
    const name = this.#name();
    const type = this.#view.getUint16(this.#at);
    const ttl = this.#view.getUint32(this.#at + 4);
    const length = this.#view.getUint16(this.#at + 8);
    const start = this.#at + 10;
    const data = this.#data(type, start, length);
    this.#at = start + length;
    const typeName = Object.entries(DNS_TYPES).find(([, number]) => number === type)?.[0] ?? String(type);
    return { name, type: typeName, ttl, data };
  }

  #data(type: number, start: number, length: number): string {
    if (type === DNS_A && length === 4) return formatIpv4(this.#view.getUint32(start));
    if (type === DNS_AAAA && length === 16) return formatIpv6((this.#view.getBigUint64(start) << 64n) | this.#view.getBigUint64(start + 8));
    if (type === DNS_PTR || type === DNS_CNAME || type === DNS_NS) {
      this.#at = start;
      return this.#name();
    }
    return Array.from(this.#bytes.subarray(start, start + length), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** Reads a name and leaves the position behind it. */
  #name(): string {
    const labels: string[] = [];
    let at = this.#at;
    let end = -1;
    for (let parts = 0; parts < PARTS_MAX; parts++) {
      const length = this.#view.getUint8(at);
      if (length === 0) break;
      if (length >= POINTER) {
        if (end < 0) end = at + 2;
        at = this.#view.getUint16(at) & 0x3fff;
      } else {
        labels.push(String.fromCharCode(...this.#bytes.subarray(at + 1, at + 1 + length)));
        at += 1 + length;
      }
    }
    this.#at = end < 0 ? at + 1 : end;
    return labels.join(".");
  }
}
