/**
 * Datagrams that arrive in pieces. Key: stack, source, destination, identification and, of IPv4, protocol. Value: the bytes so far.
 * Capacity: REASSEMBLY_MAX buffers; when they are all in use, a new datagram is not begun.
 */
import { REASSEMBLY6_TIMEOUT_NS, REASSEMBLY_MAX, REASSEMBLY_TIMEOUT_NS } from "../abi/limits";
import { reserve } from "../memory/arena";
import { Packet } from "../memory/pool";
import { clock, NEVER } from "../simulation/clock";
import { Event } from "../simulation/event-queue";
import { setTimer } from "../simulation/timer";
import { Device } from "./device";
import { Namespace } from "./namespace";

@unmanaged
export class Reassembly {
  /** NEVER: the buffer is free. */
  deadline: i64;
  dueAt: i64;
  namespace: Namespace;
  /** Source and destination as tuples of connections have them. */
  addresses: u64;
  id: u32;
  protocol: u32;
  /** Bytes of payload once the last fragment has told, else 0. */
  total: u32;
  received: u32;
  /** One beyond the last unit of eight bytes that is there. */
  unitsEnd: u32;
  /** Length of the header of the fragment with offset 0, or 0; it lies right in front of the payload. */
  header: u32;
  /** Bytes of payload of the fragment with offset 0. */
  firstBytes: u32;
  /** Total length of the longest fragment. */
  longest: u32;
  /** Device of the last fragment. */
  device: Device;
  /** Of the first fragment that arrived. */
  flow: u32;
  sequence: u32;
  bornAt: i64;
  trace: u32;
  type: u8;
  response: u8;
  /** Timer events of it in the queue. */
  timers: u8;
}

const RECORD_BYTES: usize = 96;
/** A bit per unit of eight bytes. */
const BITMAP_BYTES: usize = 8192 / 8;
/** The longest header in front of a payload that is taken. */
export const HEADER_ROOM: u32 = 64;
const PAYLOAD_BYTES: usize = 65536;
const BUFFER_BYTES: usize = RECORD_BYTES + BITMAP_BYTES + HEADER_ROOM + PAYLOAD_BYTES + 64;

let base: usize = 0;

export function reserveReassembly(): void {
  if (offsetof<Reassembly>() > RECORD_BYTES) ERROR("Reassembly outgrew its stride");
  base = reserve(REASSEMBLY_MAX, BUFFER_BYTES);
}

export function fillReassembly(): void {
  for (let index: u32 = 0; index < <u32>REASSEMBLY_MAX; index++) bufferAt(index).deadline = NEVER;
}

@inline function bufferAt(index: u32): Reassembly {
  return changetype<Reassembly>(base + <usize>index * BUFFER_BYTES);
}

@inline function bitmapOf(buffer: Reassembly): usize {
  return changetype<usize>(buffer) + RECORD_BYTES;
}

/** Address of the first byte behind the header. */
@inline export function payloadOf(buffer: Reassembly): usize {
  return changetype<usize>(buffer) + RECORD_BYTES + BITMAP_BYTES + HEADER_ROOM;
}

@inline export function isNoBuffer(buffer: Reassembly): bool {
  return changetype<usize>(buffer) == 0;
}

export function findBuffer(namespace: Namespace, addresses: u64, id: u32, protocol: u32): Reassembly {
  for (let index: u32 = 0; index < <u32>REASSEMBLY_MAX; index++) {
    const buffer = bufferAt(index);
    if (buffer.deadline == NEVER || buffer.id != id || buffer.addresses != addresses) continue;
    if (buffer.protocol == protocol && buffer.namespace == namespace) return buffer;
  }
  return changetype<Reassembly>(0);
}

/** The lowest free buffer, for the datagram of which `packet` is the first fragment to arrive; or null. */
export function takeBuffer(namespace: Namespace, addresses: u64, id: u32, protocol: u32, packet: Packet): Reassembly {
  let index: u32 = 0;
  while (index < <u32>REASSEMBLY_MAX && bufferAt(index).deadline != NEVER) index++;
  if (index == REASSEMBLY_MAX) return changetype<Reassembly>(0);
  const buffer = bufferAt(index);
  buffer.namespace = namespace;
  buffer.addresses = addresses;
  buffer.id = id;
  buffer.protocol = protocol;
  buffer.total = 0;
  buffer.received = 0;
  buffer.unitsEnd = 0;
  buffer.header = 0;
  buffer.longest = 0;
  buffer.flow = packet.flow;
  buffer.sequence = packet.sequence;
  buffer.bornAt = packet.bornAt;
  buffer.trace = packet.trace;
  buffer.type = packet.type;
  buffer.response = packet.response;
  memory.fill(bitmapOf(buffer), 0, BITMAP_BYTES);
  armBuffer(buffer, clock + <i64>(namespace.isIpv6 ? REASSEMBLY6_TIMEOUT_NS : REASSEMBLY_TIMEOUT_NS));
  return buffer;
}

export function armBuffer(buffer: Reassembly, deadline: i64): void {
  setTimer(buffer, deadline, Event.ReassemblyTimer, <u32>changetype<usize>(buffer));
}

export function freeBuffer(buffer: Reassembly): void {
  buffer.deadline = NEVER;
}

/** How many of the units in [from, to) have been received. */
export function unitsPresent(buffer: Reassembly, from: u32, to: u32): u32 {
  const bitmap = bitmapOf(buffer);
  let present: u32 = 0;
  for (let unit = from; unit < to; unit++) present += (<u32>load<u8>(bitmap + (unit >> 3)) >> (unit & 7)) & 1;
  return present;
}

/** Keeps a fragment, whose payload lies at `payload`: `offset` is a multiple of 8, and none of its units is there. */
export function keepFragment(buffer: Reassembly, ip: usize, header: u32, payload: usize, offset: u32, bytes: u32): void {
  const first = offset >> 3;
  const end = (offset + bytes + 7) >> 3;
  const bitmap = bitmapOf(buffer);
  for (let unit = first; unit < end; unit++) store<u8>(bitmap + (unit >> 3), load<u8>(bitmap + (unit >> 3)) | <u8>(<u32>1 << (unit & 7)));
  buffer.unitsEnd = max(buffer.unitsEnd, end);
  buffer.received += bytes;
  // Not copyBytes: it would write beyond the fragment, where another one may be already.
  memory.copy(payloadOf(buffer) + offset, payload, bytes);
  if (offset != 0) return;
  buffer.header = header;
  buffer.firstBytes = bytes;
  memory.copy(payloadOf(buffer) - header, ip, header);
}
