/** Frames as tests read and write them. Not a line of it is shared with the engines. */
import { ipText } from "./program";

const FLAGS = ["F", "S", "R", "P", "."];

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One line per frame, in the manner of tcpdump: addresses, length, and what the protocol has to say. */
export function describeFrame(bytes: Uint8Array): string {
  const data = view(bytes);
  const type = data.getUint16(12);
  if (type === 0x0806) {
    const [sender, target] = [ipText(data.getUint32(28)), ipText(data.getUint32(38))];
    return data.getUint16(20) === 1 ? `who-has ${target} tell ${sender}` : `${sender} is-at ${macText(bytes.subarray(22, 28))}`;
  }
  if (type !== 0x0800) return `ethertype ${type.toString(16)}`;
  return describeIpv4(bytes.subarray(14));
}

function describeIpv4(packet: Uint8Array): string {
  const data = view(packet);
  const header = (packet[0] & 15) * 4;
  const field = data.getUint16(6);
  const addresses = `${ipText(data.getUint32(12))} > ${ipText(data.getUint32(16))}`;
  const offset = (field & 0x1fff) * 8;
  const fragment = (field & 0x3fff) === 0 ? "" : ` frag ${offset}${(field & 0x2000) === 0 ? "" : "+"}`;
  const prefix = `${addresses} len ${data.getUint16(2)} ttl ${packet[8]}${(field & 0x4000) === 0 ? "" : " df"}${fragment}`;
  if (offset > 0) return prefix;
  return `${prefix} ${describeTransport(packet[9], packet.subarray(header, data.getUint16(2)))}`;
}

function describeTransport(protocol: number, bytes: Uint8Array): string {
  const data = view(bytes);
  const ports = () => `${data.getUint16(0)} > ${data.getUint16(2)}`;
  if (protocol === 1) return `icmp ${bytes[0]}/${bytes[1]}`;
  if (protocol === 17) return `udp ${ports()}`;
  if (protocol !== 6) return `protocol ${protocol}`;
  const flags = FLAGS.filter((_, bit) => (bytes[13] & (1 << bit)) !== 0).join("");
  return `tcp ${ports()} ${flags} data ${bytes.length - (bytes[12] >>> 4) * 4}`;
}

function macText(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** RFC 1071, byte pair by byte pair. */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i] * 256 + (i + 1 < bytes.length ? bytes[i + 1] : 0);
  while (sum > 0xffff) sum = (sum % 65_536) + Math.floor(sum / 65_536);
  return 0xffff - sum;
}

export interface DatagramFields {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly ttl?: number;
  readonly id?: number;
  /** Flags and offset field. */
  readonly fragment?: number;
  readonly options?: Uint8Array;
}

/** A MAC as the records have it. */
export interface Mac {
  readonly macHigh: number;
  readonly macLow: number;
}

export const BROADCAST: Mac = { macHigh: 0xffff, macLow: 0xffffffff };

export function ethernet(destination: Mac, source: Mac, type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(14 + payload.length);
  const data = view(bytes);
  data.setUint16(0, destination.macHigh);
  data.setUint32(2, destination.macLow);
  data.setUint16(6, source.macHigh);
  data.setUint32(8, source.macLow);
  data.setUint16(12, type);
  bytes.set(payload, 14);
  return bytes;
}

/** A datagram with a correct header around `payload`. */
export function ipv4(fields: DatagramFields, payload: Uint8Array): Uint8Array {
  const options = fields.options ?? new Uint8Array(0);
  const header = 20 + options.length;
  const bytes = new Uint8Array(header + payload.length);
  const data = view(bytes);
  bytes[0] = 0x40 | (header / 4);
  data.setUint16(2, bytes.length);
  data.setUint16(4, fields.id ?? 0);
  data.setUint16(6, fields.fragment ?? 0);
  bytes[8] = fields.ttl ?? 64;
  bytes[9] = fields.protocol;
  data.setUint32(12, fields.source);
  data.setUint32(16, fields.destination);
  bytes.set(options, 20);
  bytes.set(payload, header);
  data.setUint16(10, internetChecksum(bytes.subarray(0, header)));
  return bytes;
}

/** A UDP datagram; without addresses its checksum is left out. */
export function udp(sourcePort: number, destinationPort: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const data = view(bytes);
  data.setUint16(0, sourcePort);
  data.setUint16(2, destinationPort);
  data.setUint16(4, bytes.length);
  bytes.set(payload, 8);
  return bytes;
}

export function icmp(type: number, code: number, second: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const data = view(bytes);
  bytes[0] = type;
  bytes[1] = code;
  data.setUint32(4, second);
  bytes.set(payload, 8);
  data.setUint16(2, internetChecksum(bytes));
  return bytes;
}

export interface SegmentFields {
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgement?: number;
  /** FIN 1, SYN 2, RST 4, PSH 8, ACK 16. */
  readonly flags: number;
  readonly window?: number;
  readonly options?: Uint8Array;
}

/** A TCP segment with a correct checksum. */
export function tcp(fields: SegmentFields, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  const options = fields.options ?? new Uint8Array(0);
  const header = 20 + options.length;
  const bytes = new Uint8Array(header + payload.length);
  const data = view(bytes);
  data.setUint16(0, fields.sourcePort);
  data.setUint16(2, fields.destinationPort);
  data.setUint32(4, fields.sequence);
  data.setUint32(8, fields.acknowledgement ?? 0);
  bytes[12] = (header / 4) << 4;
  bytes[13] = fields.flags;
  data.setUint16(14, fields.window ?? 65_535);
  bytes.set(options, 20);
  bytes.set(payload, header);
  data.setUint16(16, internetChecksum(concat(pseudoHeader(fields.source, fields.destination, 6, bytes.length), bytes)));
  return bytes;
}

function pseudoHeader(source: number, destination: number, protocol: number, length: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const data = view(bytes);
  data.setUint32(0, source);
  data.setUint32(4, destination);
  bytes[9] = protocol;
  data.setUint16(10, length);
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An ARP packet with its Ethernet header. */
export function arp(
  operation: number,
  sender: Mac & { readonly ip: number },
  target: Mac & { readonly ip: number },
  destination: Mac = target,
): Uint8Array {
  const payload = new Uint8Array(28);
  const data = view(payload);
  data.setUint16(0, 1);
  data.setUint16(2, 0x0800);
  data.setUint16(4, 0x0604);
  data.setUint16(6, operation);
  data.setUint16(8, sender.macHigh);
  data.setUint32(10, sender.macLow);
  data.setUint32(14, sender.ip);
  data.setUint16(18, target.macHigh);
  data.setUint32(20, target.macLow);
  data.setUint32(24, target.ip);
  return ethernet(destination, sender, 0x0806, payload);
}

/** Makes the checksums of a changed IPv4 frame right again as far as its lengths allow, so that what is behind them is reached. */
export function repairChecksums(frame: Uint8Array): void {
  if (frame.length < 34 || view(frame).getUint16(12) !== 0x0800) return;
  const packet = frame.subarray(14);
  const data = view(packet);
  const header = (packet[0] & 15) * 4;
  const total = Math.min(data.getUint16(2), packet.length);
  if (header < 20 || header > total) return;
  data.setUint16(10, 0);
  data.setUint16(10, internetChecksum(packet.subarray(0, header)));
  const transport = packet.subarray(header, total);
  const at = { 1: 2, 6: 16, 17: 6 }[packet[9]];
  if (at === undefined || transport.length < at + 2 || (data.getUint16(6) & 0x3fff) !== 0) return;
  const pseudo = packet[9] === 1 ? new Uint8Array(0) : pseudoHeader(data.getUint32(12), data.getUint32(16), packet[9], transport.length);
  view(transport).setUint16(at, 0);
  view(transport).setUint16(at, internetChecksum(concat(pseudo, transport)));
}
