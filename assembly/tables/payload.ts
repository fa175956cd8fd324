/**
 * What flows say word for word. Key: index. Capacity: `capacity.payloads`; the text of each lies in memory of its own, which grows with
 * the longest that it ever was. A patch may write or replace one.
 */
import { CAPACITY_PAYLOADS } from "../abi/image";
import {
  PACKET_OVERHEAD,
  PAYLOAD_COUNTER,
  PAYLOAD_FIRST,
  PAYLOAD_FORM,
  PAYLOAD_KEY,
  PAYLOAD_LENGTH,
  PayloadForm,
  RECORD_OVERHEAD,
  STREAM_HEADER,
} from "../abi/payload";
import { NONE } from "../abi/version";
import { GCM_KEY, setKey } from "../crypto/gcm";
import { reserve, reserveLate } from "../memory/arena";
import { capacity } from "../memory/image";

@unmanaged
export class Payload {
  form: PayloadForm;
  /** Bytes of plain text. */
  length: u32;
  counter: u32;
  first: u32;
  key0: u64;
  key1: u64;
  /** Where the text lies, and room for it as it goes over the wire. */
  text: usize;
  sealed: usize;
  room: u32;
  /** Whose message lies in `sealed`: start of the connection's numbers, number of the message. */
  isSealed: bool;
  sealedIss: u32;
  sealedNumber: u32;
}

const PAYLOAD_BYTES: usize = 64;
/** What is around the longest form, rounded up. */
const MARGIN: u32 = 64;
const ROOM_MIN: u32 = 256;
/** Ciphers that are ready; a swarm has one key at a time to seal with, its connections another. */
const CIPHERS: u32 = 4;
/** The bytes of the key, and what the cipher needs. */
const CIPHER_BYTES: usize = 16 + GCM_KEY;

let payloads: usize = 0;
let payloadCapacity: u32 = 0;
let ciphers: usize = 0;
let cipherCount: u32 = 0;
let nextCipher: u32 = 0;

export function reservePayloads(): void {
  if (offsetof<Payload>() > PAYLOAD_BYTES) ERROR("Payload outgrew its stride");
  payloadCapacity = capacity(CAPACITY_PAYLOADS);
  payloads = reserve(payloadCapacity, PAYLOAD_BYTES);
  if (payloadCapacity != 0) ciphers = reserve(CIPHERS, CIPHER_BYTES);
}

/** The payload of an index, or null; one that nobody has written is of no length that anything has. */
@inline export function payloadAt(index: u32): Payload {
  return changetype<Payload>(index < payloadCapacity ? payloads + <usize>index * PAYLOAD_BYTES : 0);
}

/** Where the host writes a text of so many bytes; 0: there is no memory for it. */
export function openPayload(index: u32, bytes: u32): usize {
  const payload = payloadAt(index);
  if (payload.room != 0 && bytes <= payload.room) return payload.text;
  const room = max(ROOM_MIN, bytes + (bytes >> 1));
  const text = reserveLate(2 * <u64>(room + MARGIN));
  if (text == 0) return 0;
  payload.room = room;
  payload.text = text;
  payload.sealed = text + room + MARGIN;
  return text;
}

/** Its text has been written. */
export function setPayload(index: u32, from: usize): void {
  const payload = payloadAt(index);
  payload.form = load<u32>(from, PAYLOAD_FORM);
  payload.length = load<u32>(from, PAYLOAD_LENGTH);
  payload.counter = load<u32>(from, PAYLOAD_COUNTER);
  payload.first = load<u32>(from, PAYLOAD_FIRST);
  payload.key0 = load<u64>(from, PAYLOAD_KEY);
  payload.key1 = load<u64>(from, PAYLOAD_KEY + 8);
  payload.isSealed = false;
}

export function hasCounter(payload: Payload): bool {
  return payload.counter != NONE;
}

/** Bytes on the wire. */
export function wireBytes(payload: Payload): u32 {
  const form = payload.form;
  if (form == PayloadForm.Packet) return payload.length + PACKET_OVERHEAD;
  if (form == PayloadForm.Stream) return payload.length + STREAM_HEADER + PACKET_OVERHEAD;
  return form == PayloadForm.Record ? payload.length + RECORD_OVERHEAD : payload.length;
}

/** What the cipher needs of its key; the place of the one that was made first is taken for another. */
export function cipherFor(payload: Payload): usize {
  for (let index: u32 = 0; index < cipherCount; index++) {
    const at = ciphers + <usize>index * CIPHER_BYTES;
    if (load<u64>(at) == payload.key0 && load<u64>(at, 8) == payload.key1) return at + 16;
  }
  const at = ciphers + <usize>nextCipher * CIPHER_BYTES;
  nextCipher = (nextCipher + 1) % CIPHERS;
  cipherCount = min(cipherCount + 1, CIPHERS);
  store<u64>(at, payload.key0);
  store<u64>(at, payload.key1, 8);
  setKey(at + 16, at, 16);
  return at + 16;
}
