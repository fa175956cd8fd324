/**
 * What flows say word for word, and how it is sealed: little-endian, every field 32 bits wide. The plain text lies in a place of its own.
 */

/** What is around the plain text on the wire. */
export enum PayloadForm {
  /** Nothing. */
  Plain = 0,
  /** memberlist's packets: the version 1, a nonce of 12 bytes, AES-128-GCM and its tag. */
  Packet,
  /** memberlist's streams: the type 10, the length of the rest, and the rest as in a packet; both first are authenticated, too. */
  Stream,
  /** A record of TLS 1.3 (RFC 8446 §5.2): a header of 5 bytes, AES-128-GCM of the text and its type, and the tag. */
  Record,
}

export const PAYLOAD_FORM: i32 = 0;
/** Bytes of plain text. */
export const PAYLOAD_LENGTH: i32 = 4;
/** Where in it four bytes count the messages, in reading order, and what the first one has there; NONE: nowhere. */
export const PAYLOAD_COUNTER: i32 = 8;
export const PAYLOAD_FIRST: i32 = 12;
/** 16 bytes. */
export const PAYLOAD_KEY: i32 = 16;
export const PAYLOAD_SIZE: i32 = 32;

export const PAYLOAD_KEY_BYTES: i32 = 16;
/** Bytes around the plain text: version, nonce and tag; type and length before them; header, type and tag. */
export const PACKET_OVERHEAD: i32 = 29;
export const STREAM_HEADER: i32 = 5;
export const RECORD_HEADER: i32 = 5;
export const RECORD_OVERHEAD: i32 = 22;
/** memberlist net.go: encryptMsg; security.go: the version without padding. */
export const MEMBERLIST_ENCRYPT: i32 = 10;
export const MEMBERLIST_VERSION: i32 = 1;
/** RFC 8446: application_data, and the version that every record claims. */
export const TLS_APPLICATION_DATA: i32 = 23;
export const TLS_LEGACY_VERSION: i32 = 0x0303;
/** TLSPlaintext.length. */
export const RECORD_MAX: i32 = 16384;
