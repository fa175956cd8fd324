import { gcm } from "@noble/ciphers/aes.js";
import { MEMBERLIST_ENCRYPT, MEMBERLIST_VERSION, PACKET_OVERHEAD, PayloadForm, RECORD_OVERHEAD, STREAM_HEADER, TLS_APPLICATION_DATA, TLS_LEGACY_VERSION } from "../../../../assembly/abi/payload";
import { PROTOCOL_ICMP } from "../../../../assembly/abi/protocol";
import { NONE } from "../../../../assembly/abi/version";
import type { PayloadRecord } from "../../program";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { fmix } from "../simulation/random";
import type { Flow } from "../tables/flow";
import { write16, write32 } from "../wire/bytes";

/** Which message of a flow: its number, and where the numbers of its connection start; 0 for datagrams. */
interface MessageId {
  readonly number: number;
  readonly iss: number;
}

/** What has been put into a payload's place, and the message that was sealed of it last. */
interface Entry extends MessageId {
  readonly record: PayloadRecord;
  readonly sealed: Uint8Array;
}

const OVERHEAD: Record<PayloadForm, number> = {
  [PayloadForm.Plain]: 0,
  [PayloadForm.Packet]: PACKET_OVERHEAD,
  [PayloadForm.Stream]: STREAM_HEADER + PACKET_OVERHEAD,
  [PayloadForm.Record]: RECORD_OVERHEAD,
};

/** What flows say word for word. */
export class PayloadTable {
  private readonly records = new Map<number, PayloadRecord>();
  private readonly last = new Map<number, Entry>();

  write(index: number, record: PayloadRecord): void {
    this.records.set(index, record);
    this.last.delete(index);
  }

  /** The payload of an index if it has so many bytes on the wire. */
  find(index: number, length: number): PayloadRecord | null {
    const record = this.records.get(index);
    return record !== undefined && record.bytes.length + OVERHEAD[record.form] === length ? record : null;
  }

  /** A stream sends a message in pieces. */
  sealed(index: number, record: PayloadRecord, id: MessageId, make: () => Uint8Array): Uint8Array {
    const known = this.last.get(index);
    if (known !== undefined && known.record === record && known.number === id.number && known.iss === id.iss) return known.sealed;
    const sealed = make();
    this.last.set(index, { ...id, record, sealed });
    return sealed;
  }
}

/** Puts what the flow has been given in the place of a datagram's usual payload. */
export function writeDatagramPayload(kernel: Kernel, packet: Packet, at: number, length: number): void {
  const { flow, response, sequence } = packet;
  if (flow === null || flow.record.protocol === PROTOCOL_ICMP) return;
  const record = kernel.payloads.find(indexOf(flow, response), length);
  if (record !== null) kernel.memory.bytes.set(seal(kernel.seed, record, flow, response, { number: sequence, iss: 0 }), at);
}

/** The same for bytes of a stream. False: it has been given nothing that fits its messages. */
export function writeStreamPayload(kernel: Kernel, packet: Packet, iss: number, position: number, at: number, length: number): boolean {
  const { flow, response } = packet;
  if (flow === null) return false;
  const index = indexOf(flow, response);
  const size = response ? flow.record.responseBytes : flow.record.bytes;
  const record = size === 0 ? null : kernel.payloads.find(index, size);
  if (record === null) return false;
  for (let done = 0; done < length; ) {
    const from = (position >>> 0) + done;
    const id = { number: Math.floor(from / size), iss };
    const message = kernel.payloads.sealed(index, record, id, () => seal(kernel.seed, record, flow, response, id));
    const piece = message.subarray(from % size, Math.min(size, (from % size) + length - done));
    kernel.memory.bytes.set(piece, at + done);
    done += piece.length;
  }
  return true;
}

function indexOf({ record: { message = NONE, answer = NONE } }: Flow, isResponse: boolean): number {
  return isResponse ? answer : message;
}

function seal(seed: number, record: PayloadRecord, flow: Flow, isResponse: boolean, id: MessageId): Uint8Array {
  const { form, bytes, counter, first = 0, key = bytes } = record;
  const text = bytes.slice();
  if (counter !== undefined) write32(text, counter, first + id.number);
  if (form === PayloadForm.Plain) return text;
  const nonce = nonceOf(seed, flow, isResponse, id);
  if (form === PayloadForm.Record) {
    const header = Uint8Array.of(TLS_APPLICATION_DATA, 0, 0, 0, 0);
    write16(header, 1, TLS_LEGACY_VERSION);
    write16(header, 3, text.length + RECORD_OVERHEAD - header.length);
    return Uint8Array.of(...header, ...gcm(key, nonce, header).encrypt(Uint8Array.of(...text, TLS_APPLICATION_DATA)));
  }
  const header = new Uint8Array(form === PayloadForm.Stream ? STREAM_HEADER : 0);
  if (header.length > 0) {
    header[0] = MEMBERLIST_ENCRYPT;
    write32(header, 1, text.length + PACKET_OVERHEAD);
  }
  const cipherText = gcm(key, nonce, header).encrypt(text);
  const sealed = new Uint8Array(header.length + 1 + nonce.length + cipherText.length);
  sealed.set(header);
  sealed[header.length] = MEMBERLIST_VERSION;
  sealed.set(nonce, header.length + 1);
  sealed.set(cipherText, header.length + 1 + nonce.length);
  return sealed;
}

/** Real ones are random; these depend on what tells messages apart, and on the seed. */
function nonceOf(seed: number, { index, record: { startNs } }: Flow, isResponse: boolean, { number, iss }: MessageId): Uint8Array {
  const words = new Uint8Array(12);
  const high = Math.floor(startNs / 4294967296);
  const first = fmix(seed ^ Math.imul(index, 0x9e3779b1) ^ (isResponse ? 0x85ebca77 : 0));
  const second = fmix(first ^ number ^ (startNs - high * 4294967296));
  write32(words, 0, first);
  write32(words, 4, second);
  write32(words, 8, fmix(second ^ iss ^ high ^ Math.imul(number, 0x9e3779b1)));
  return words;
}
