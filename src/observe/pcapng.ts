import type { Frame } from "./frames";

/** A capture file to be: what it saw, and on which interfaces. */
export interface PcapngInput {
  readonly interfaces: readonly PcapngInterface[];
  /** In the order of time. `device` names an interface. */
  readonly frames: Iterable<Frame>;
  /** Longest prefix of a frame that was stored. */
  readonly snaplen: number;
  /** Names that a reader shows instead of addresses. */
  readonly hosts: readonly { readonly ip: number; readonly name: string }[];
  /** Program that wrote the file. */
  readonly application: string;
}

export interface PcapngInterface {
  readonly name: string;
  readonly mac?: number;
  readonly ipv4?: { readonly ip: number; readonly prefixLength: number };
}

// Block types, option codes and record types: draft-ietf-opsawg-pcapng §4, §3.5.
const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const NAME_RESOLUTION = 4;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPT_END = 0;
const OPT_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_IPV4ADDR = 4;
const IF_MACADDR = 6;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
const NRB_RECORD_END = 0;
const NRB_RECORD_IPV4 = 1;
/** LINKTYPE_ETHERNET. */
const ETHERNET = 1;
/** A negative power of ten: nanoseconds. */
const NANOSECONDS = 9;
const FLAG_INBOUND = 1;
const FLAG_OUTBOUND = 2;

type Option = readonly [code: number, value: Uint8Array];

const encoder = new TextEncoder();

/**
 * A pcapng file: one interface per device, nanosecond time counted from the start of the simulation, the direction of every
 * frame, and as a comment why it was dropped. tshark and Wireshark read it.
 *
 * @example writePcapng({ interfaces: [{ name: "web:eth0" }], frames, snaplen: 65535, hosts: [], application: "dockwire" })
 */
export function writePcapng({ interfaces, frames, snaplen, hosts, application }: PcapngInput): Uint8Array<ArrayBuffer> {
  const blocks = [sectionHeader(application)];
  const index = new Map<string, number>();
  for (const description of interfaces) {
    index.set(description.name, index.size);
    blocks.push(interfaceDescription(description, snaplen));
  }
  if (hosts.length > 0) blocks.push(nameResolution(hosts));
  for (const frame of frames) {
    const interfaceIndex = index.get(frame.device);
    if (interfaceIndex !== undefined) blocks.push(enhancedPacket(frame, interfaceIndex));
  }
  return concat(blocks);
}

function sectionHeader(application: string): Uint8Array {
  const body = new DataView(new ArrayBuffer(16));
  body.setUint32(0, BYTE_ORDER_MAGIC, true);
  body.setUint16(4, 1, true);
  body.setUint16(6, 0, true);
  body.setBigInt64(8, -1n, true); // the section's length: not stated
  return block(SECTION_HEADER, [bytesOf(body), options([[SHB_USERAPPL, encoder.encode(application)]])]);
}

function interfaceDescription({ name, mac, ipv4 }: PcapngInterface, snaplen: number): Uint8Array {
  const body = new DataView(new ArrayBuffer(8));
  body.setUint16(0, ETHERNET, true);
  body.setUint32(4, snaplen, true);
  const list: Option[] = [[IF_NAME, encoder.encode(name)]];
  if (ipv4 !== undefined) list.push([IF_IPV4ADDR, bigEndian([ipv4.ip, maskOf(ipv4.prefixLength)])]);
  if (mac !== undefined) list.push([IF_MACADDR, bigEndian([Math.floor(mac / 2 ** 32), mac % 2 ** 32]).subarray(2)]);
  list.push([IF_TSRESOL, Uint8Array.of(NANOSECONDS)]);
  return block(INTERFACE_DESCRIPTION, [bytesOf(body), options(list)]);
}

function nameResolution(hosts: PcapngInput["hosts"]): Uint8Array {
  const records = hosts.map(({ ip, name }) => tagged(NRB_RECORD_IPV4, concat([bigEndian([ip]), encoder.encode(`${name}\0`)])));
  return block(NAME_RESOLUTION, [...records, tagged(NRB_RECORD_END, new Uint8Array(0))]);
}

function enhancedPacket({ timeNs, bytes, length, direction, dropped }: Frame, interfaceIndex: number): Uint8Array {
  const body = new DataView(new ArrayBuffer(20));
  body.setUint32(0, interfaceIndex, true);
  body.setUint32(4, Math.floor(timeNs / 2 ** 32), true);
  body.setUint32(8, timeNs % 2 ** 32, true);
  body.setUint32(12, bytes.length, true);
  body.setUint32(16, length, true);
  const flags = new DataView(new ArrayBuffer(4));
  flags.setUint32(0, direction === "inbound" ? FLAG_INBOUND : FLAG_OUTBOUND, true);
  const list: Option[] = [[EPB_FLAGS, bytesOf(flags)]];
  if (dropped !== undefined) list.push([OPT_COMMENT, encoder.encode(`dropped: ${dropped.reason} at ${dropped.node}`)]);
  return block(ENHANCED_PACKET, [bytesOf(body), padded(bytes), options(list)]);
}

/** Type, length, body, and the length again, for those who read backwards. */
function block(type: number, body: readonly Uint8Array[]): Uint8Array {
  const length = 12 + body.reduce((sum, part) => sum + part.length, 0);
  const head = new DataView(new ArrayBuffer(8));
  head.setUint32(0, type, true);
  head.setUint32(4, length, true);
  return concat([bytesOf(head), ...body, bytesOf(head).subarray(4)]);
}

function options(list: readonly Option[]): Uint8Array {
  return concat([...list.map(([code, value]) => tagged(code, value)), tagged(OPT_END, new Uint8Array(0))]);
}

/** The form of options and of name records: code, length, value, padding to 32 bits. */
function tagged(code: number, value: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(4));
  head.setUint16(0, code, true);
  head.setUint16(2, value.length, true);
  return concat([bytesOf(head), padded(value)]);
}

function padded(bytes: Uint8Array): Uint8Array {
  const rest = -bytes.length & 3;
  return rest === 0 ? bytes : concat([bytes, new Uint8Array(rest)]);
}

function bigEndian(words: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.length * 4));
  words.forEach((word, index) => view.setUint32(index * 4, word));
  return bytesOf(view);
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
