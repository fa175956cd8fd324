import { Drop } from "../../../../assembly/abi/drop";
import { EXTENSION_HEADERS_MAX } from "../../../../assembly/abi/limits";
import { NEXT_DESTINATION_OPTIONS, NEXT_FRAGMENT, NEXT_HOP_BY_HOP, NEXT_ROUTING } from "../../../../assembly/abi/protocol";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { DESTINATION6, FRAGMENT_HEADER, fragmentField6, IPV6_HEADER, NEXT_HEADER, OFFSET_MASK6, payloadLength, SOURCE6 } from "../wire/ipv6";
import { version } from "../wire/ipv4";

/** What a walk along the headers of an IPv6 packet found. */
export interface Headers {
  protocol: number;
  /** Addresses: of the transport header, of the byte that names it, of the fragment header (0: none), and of the byte that names that. */
  transport: number;
  named: number;
  fragment: number;
  fragmentNamed: number;
}

const found: Headers = { protocol: 0, transport: 0, named: 0, fragment: 0, fragmentNamed: 0 };

/**
 * Walks from header to header up to the protocol, or to what no fragment but the first has. Null if they do not fit. There is one
 * result: the next walk writes over it.
 *
 * Differs from Linux: extension headers are walked over, not acted on.
 */
export function walkHeaders(bytes: Uint8Array, network: number, end: number): Headers | null {
  let named = network + NEXT_HEADER;
  let at = network + IPV6_HEADER;
  found.fragment = found.fragmentNamed = 0;
  for (let count = 0; isExtension(bytes[named], count === 0); count++) {
    const kind = bytes[named];
    if (count === EXTENSION_HEADERS_MAX || at + FRAGMENT_HEADER > end) return null;
    const length = kind === NEXT_FRAGMENT ? FRAGMENT_HEADER : (bytes[at + 1] + 1) * 8;
    if (at + length > end) return null;
    if (kind === NEXT_FRAGMENT) {
      if (found.fragment !== 0) return null;
      found.fragment = at;
      found.fragmentNamed = named;
    }
    named = at;
    at += length;
    if (kind === NEXT_FRAGMENT && (fragmentField6(bytes, found.fragment) & OFFSET_MASK6) !== 0) break;
  }
  found.protocol = bytes[named];
  found.transport = at;
  found.named = named;
  return found;
}

function isExtension(kind: number, isFirst: boolean): boolean {
  return kind === NEXT_FRAGMENT || kind === NEXT_ROUTING || kind === NEXT_DESTINATION_OPTIONS || (kind === NEXT_HOP_BY_HOP && isFirst);
}

/** Is the header sound, and where are the things in it? Takes away what Ethernet padded. */
export function checkHeader6(kernel: Kernel, packet: Packet): Drop {
  const { device, network } = packet;
  const { bytes } = kernel.memory;
  const available = packet.frameLength - ETHERNET_HEADER;
  if (device === null || available < IPV6_HEADER) return Drop.HdrTrunc;
  if (version(bytes, network) !== 6) return Drop.IpInHdr;
  const total = IPV6_HEADER + payloadLength(bytes, network);
  if (total > available) return Drop.PktTooSmall;
  packet.datagramLength = total;
  packet.frameLength = ETHERNET_HEADER + total;
  const martian = checkAddresses(bytes, network, device.isLoopback);
  if (martian !== Drop.None) return martian;
  if (walkHeaders(bytes, network, network + total) === null) return Drop.Ipv6BadExthdr;
  if (!kernel.addresses.noteBoth(bytes, network + SOURCE6)) return Drop.NoMemory;
  readHeaders6(kernel, packet, found);
  return Drop.None;
}

/** Notes in the packet what a walk found. */
export function readHeaders6(kernel: Kernel, packet: Packet, headers: Headers): void {
  const { bytes } = kernel.memory;
  packet.isIpv6 = true;
  packet.source6 = kernel.addresses.find(bytes, packet.network + SOURCE6);
  packet.destination6 = kernel.addresses.find(bytes, packet.network + DESTINATION6);
  packet.protocol6 = headers.protocol;
  packet.transport = headers.transport;
  packet.fragmentHeader = headers.fragment;
}

/** ipv6_rcv's: addresses that cannot be, or not come from outside. */
function checkAddresses(bytes: Uint8Array, network: number, isLoopback: boolean): Drop {
  if (bytes[network + SOURCE6] === 0xff) return Drop.IpInvalidSource;
  if (!isLoopback && isSmall(bytes, network + SOURCE6) && bytes[network + SOURCE6 + 15] === 1) return Drop.IpInvalidSource;
  if (!isSmall(bytes, network + DESTINATION6)) return Drop.None;
  if (!isLoopback && bytes[network + DESTINATION6 + 15] === 1) return Drop.IpLocalNet;
  return bytes[network + DESTINATION6 + 15] === 0 ? Drop.IpInvalidDest : Drop.None;
}

/** All but the last byte are 0: :: and ::1 are among these. */
function isSmall(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 15; i++) if (bytes[at + i] !== 0) return false;
  return true;
}
