import type { Kernel } from "../kernel";
import { destinationIp, fragmentField, headerLength, IPV4_HEADER, OFFSET_MASK, protocol, sourceIp, version } from "../wire/ipv4";
import { DESTINATION6, fragmentField6, IPV6_HEADER, OFFSET_MASK6, SOURCE6 } from "../wire/ipv6";
import { walkHeaders } from "./headers";

/** Bytes of a transport header that every error must quote. */
const TRANSPORT_MIN = 8;

/** The datagram that an ICMP error is about, as far as it is quoted. */
export interface Quote {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  /** Address of its transport header, of which 8 bytes are there at least. */
  readonly transport: number;
  readonly isLaterFragment: boolean;
}

/** What is quoted at an address, or null if that is not a whole IPv4 header, whatever its version says, and 8 bytes more. */
export function readQuote4({ memory: { bytes } }: Kernel, quoted: number, end: number): Quote | null {
  if (quoted + IPV4_HEADER > end) return null;
  const header = headerLength(bytes, quoted);
  if (header < IPV4_HEADER || quoted + header + TRANSPORT_MIN > end) return null;
  const isLaterFragment = (fragmentField(bytes, quoted) & OFFSET_MASK) !== 0;
  return { source: sourceIp(bytes, quoted), destination: destinationIp(bytes, quoted), protocol: protocol(bytes, quoted), transport: quoted + header, isLaterFragment };
}

/** The same of IPv6. */
export function readQuote6({ memory: { bytes }, addresses }: Kernel, quoted: number, end: number): Quote | null {
  if (quoted + IPV6_HEADER > end || version(bytes, quoted) !== 6) return null;
  const headers = walkHeaders(bytes, quoted, end);
  if (headers === null || headers.transport + TRANSPORT_MIN > end) return null;
  const isLaterFragment = headers.fragment !== 0 && (fragmentField6(bytes, headers.fragment) & OFFSET_MASK6) !== 0;
  return {
    source: addresses.find(bytes, quoted + SOURCE6),
    destination: addresses.find(bytes, quoted + DESTINATION6),
    protocol: headers.protocol,
    transport: headers.transport,
    isLaterFragment,
  };
}
