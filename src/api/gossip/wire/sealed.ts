import { PACKET_OVERHEAD, PayloadForm, RECORD_OVERHEAD, STREAM_HEADER } from "../../../../assembly/abi/payload";
import type { PayloadRecord } from "../../../engine/program";
import { compress, packet, SEQUENCE_AT } from "./memberlist";

/** Sealed with a key that both sides have. */
export type Key = Uint8Array;

/** A packet of memberlist that goes once. */
export function packetOf(bytes: Uint8Array, key: Key): PayloadRecord {
  return { form: PayloadForm.Packet, bytes: packet(bytes, true), key };
}

/** A ping or an answer that goes again and again, with a number that counts; to an address alone, hence without a checksum. */
export function countedPacketOf(bytes: Uint8Array, key: Key, first: number): PayloadRecord {
  const text = packet(bytes, false);
  // What is compressed has no number that could count.
  return { form: PayloadForm.Packet, bytes: text, key, ...(text === bytes && { counter: SEQUENCE_AT, first }) };
}

/** What goes over a connection of its own. */
export function streamOf(parts: readonly Uint8Array[], key: Key): PayloadRecord {
  return { form: PayloadForm.Stream, bytes: compress(parts), key };
}

/** Application data of TLS: so many bytes of gRPC, which stand for what is said. */
export function recordOf(bytes: number, key: Key): PayloadRecord {
  return { form: PayloadForm.Record, bytes: new Uint8Array(bytes), key };
}

const OVERHEAD: Record<PayloadForm, number> = {
  [PayloadForm.Plain]: 0,
  [PayloadForm.Packet]: PACKET_OVERHEAD,
  [PayloadForm.Stream]: STREAM_HEADER + PACKET_OVERHEAD,
  [PayloadForm.Record]: RECORD_OVERHEAD,
};

/** Bytes on the wire. */
export function wireBytes({ form, bytes }: PayloadRecord): number {
  return bytes.length + OVERHEAD[form];
}
