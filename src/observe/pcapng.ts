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

const encoder = new TextEncoder();

/**
 * A pcapng file: one interface per device, nanosecond time counted from the start of the simulation, the direction of every
 * frame, and as a comment why it was dropped. tshark and Wireshark read it.
 *
 * @example writePcapng({ interfaces: [{ name: "web:eth0" }], frames, snaplen: 65535, hosts: [], application: "dockwire" })
 */
export function writePcapng({ interfaces, frames, snaplen, hosts, application }: PcapngInput): Uint8Array<ArrayBuffer> {
  const writer = new BlockWriter();
  writeSectionHeader(writer, application);
  const index = new Map<string, number>();
  for (const description of interfaces) {
    index.set(description.name, index.size);
    writeInterface(writer, description, snaplen);
  }
  if (hosts.length > 0) writeNames(writer, hosts);
  for (const frame of frames) {
    const interfaceIndex = index.get(frame.device);
    if (interfaceIndex !== undefined) writePacket(writer, frame, interfaceIndex);
  }
  return writer.finish();
}

function writeSectionHeader(writer: BlockWriter, application: string): void {
  writer.open(SECTION_HEADER);
  writer.u32(BYTE_ORDER_MAGIC);
  writer.u16(1);
  writer.u16(0);
  // The section's length is not stated: -1 in 64 bits.
  writer.u32(0xffffffff);
  writer.u32(0xffffffff);
  writer.text(SHB_USERAPPL, application);
  writer.tag(OPT_END, 0);
  writer.close();
}

function writeInterface(writer: BlockWriter, { name, mac, ipv4 }: PcapngInterface, snaplen: number): void {
  writer.open(INTERFACE_DESCRIPTION);
  writer.u16(ETHERNET);
  writer.u16(0);
  writer.u32(snaplen);
  writer.text(IF_NAME, name);
  if (ipv4 !== undefined) {
    writer.tag(IF_IPV4ADDR, 8);
    writer.bigEndian(ipv4.ip, 4);
    writer.bigEndian(2 ** 32 - 2 ** (32 - ipv4.prefixLength), 4);
  }
  if (mac !== undefined) {
    writer.tag(IF_MACADDR, 6);
    writer.bigEndian(mac, 6);
    writer.pad();
  }
  writer.tag(IF_TSRESOL, 1);
  writer.bigEndian(NANOSECONDS, 1);
  writer.pad();
  writer.tag(OPT_END, 0);
  writer.close();
}

function writeNames(writer: BlockWriter, hosts: PcapngInput["hosts"]): void {
  writer.open(NAME_RESOLUTION);
  for (const { ip, name } of hosts) {
    const encoded = encoder.encode(`${name}\0`);
    writer.tag(NRB_RECORD_IPV4, 4 + encoded.length);
    writer.bigEndian(ip, 4);
    writer.bytes(encoded);
    writer.pad();
  }
  writer.tag(NRB_RECORD_END, 0);
  writer.tag(OPT_END, 0);
  writer.close();
}

function writePacket(writer: BlockWriter, { timeNs, bytes, length, direction, dropped }: Frame, interfaceIndex: number): void {
  writer.open(ENHANCED_PACKET);
  writer.u32(interfaceIndex);
  writer.u32(Math.floor(timeNs / 2 ** 32));
  writer.u32(timeNs % 2 ** 32);
  writer.u32(bytes.length);
  writer.u32(length);
  writer.bytes(bytes);
  writer.pad();
  writer.tag(EPB_FLAGS, 4);
  writer.u32(direction === "inbound" ? FLAG_INBOUND : FLAG_OUTBOUND);
  if (dropped !== undefined) writer.text(OPT_COMMENT, `dropped: ${dropped.reason} at ${dropped.node}`);
  writer.tag(OPT_END, 0);
  writer.close();
}

/** Little-endian fields into a buffer that grows by doubling. */
class BlockWriter {
  #buffer = new Uint8Array(4096);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;
  #openedAt = 0;

  /** Type and, for now, no length. */
  open(type: number): void {
    this.#openedAt = this.#length;
    this.u32(type);
    this.u32(0);
  }

  /** The length at the front and, for those who read backwards, at the end. */
  close(): void {
    const length = this.#length + 4 - this.#openedAt;
    this.u32(length);
    this.#view.setUint32(this.#openedAt + 4, length, true);
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  /** Addresses keep the order of the wire, whatever the file's byte order. */
  bigEndian(value: number, size: number): void {
    const start = this.#reserve(size);
    let rest = value;
    for (let at = start + size - 1; at >= start; at--) {
      this.#buffer[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }

  /** To the next multiple of 32 bits. */
  pad(): void {
    this.#reserve(-this.#length & 3);
  }

  /** Code and length in front of an option or a name record. */
  tag(code: number, length: number): void {
    this.u16(code);
    this.u16(length);
  }

  text(code: number, value: string): void {
    const encoded = encoder.encode(value);
    this.tag(code, encoded.length);
    this.bytes(encoded);
    this.pad();
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  #reserve(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#buffer.length * 2));
      larger.set(this.#buffer);
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
