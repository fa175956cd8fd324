import { ascii, ByteWriter } from "./bytes";

/** What the fields of memberlist's messages are; null: Go's nil. */
export type Value = number | string | boolean | Uint8Array | null;

/**
 * A structure as hashicorp/go-msgpack encodes it with the settings that memberlist has: a map with the names of the fields, in their order;
 * texts and bytes in the raw formats of the first version of MessagePack, numbers as short as they can be.
 */
export function packStruct(fields: Readonly<Record<string, Value>>): Uint8Array {
  const writer = new ByteWriter();
  const entries = Object.entries(fields);
  writer.u8(0x80 | entries.length);
  for (const [name, value] of entries) {
    packRaw(writer, ascii(name));
    pack(writer, value);
  }
  return writer.finish();
}

function pack(writer: ByteWriter, value: Value): void {
  if (value === null) writer.u8(0xc0);
  else if (typeof value === "boolean") writer.u8(value ? 0xc3 : 0xc2);
  else if (typeof value === "number") packNumber(writer, value);
  else packRaw(writer, typeof value === "string" ? ascii(value) : value);
}

function packNumber(writer: ByteWriter, value: number): void {
  if (value < 0x80) writer.u8(value);
  else if (value < 0x100) writer.u8(0xcc).u8(value);
  else if (value < 0x10000) writer.u8(0xcd).u16(value);
  else writer.u8(0xce).u32(value);
}

function packRaw(writer: ByteWriter, bytes: Uint8Array): void {
  if (bytes.length < 32) writer.u8(0xa0 | bytes.length);
  else if (bytes.length < 0x10000) writer.u8(0xda).u16(bytes.length);
  else writer.u8(0xdb).u32(bytes.length);
  writer.append(bytes);
}
