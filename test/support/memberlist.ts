/** Reads what nodes of a swarm tell one another, as the other end would: seals, checksums, compression, MessagePack and Protocol Buffers. */
import { createDecipheriv } from "node:crypto";
import { crc32 } from "node:zlib";

/** Opens version, nonce, cipher text and tag; undefined: none of the keys fits. */
export function openSealed(bytes: Uint8Array, keys: readonly string[], additional: Uint8Array = new Uint8Array(0)): Uint8Array | undefined {
  if (bytes[0] !== 1 || bytes.length < 29) return undefined;
  for (const key of keys) {
    const cipher = createDecipheriv("aes-128-gcm", Buffer.from(key, "hex"), bytes.subarray(1, 13));
    cipher.setAAD(additional);
    cipher.setAuthTag(bytes.subarray(bytes.length - 16));
    try {
      return new Uint8Array(Buffer.concat([cipher.update(bytes.subarray(13, bytes.length - 16)), cipher.final()]));
    } catch {
      // Another key may fit.
    }
  }
  return undefined;
}

/** The message of a packet: without its seal, its checksum and its compression. */
export function readPacket(bytes: Uint8Array, keys: readonly string[]): Uint8Array | undefined {
  const plain = openSealed(bytes, keys);
  return plain && unpack(plain);
}

/** The message of a stream. */
export function readStream(bytes: Uint8Array, keys: readonly string[]): Uint8Array | undefined {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (bytes[0] !== 10 || bytes.length !== 5 + length) throw new Error(`expected an encrypted stream of ${5 + length} bytes, found ${bytes.length} of type ${bytes[0]}`);
  const plain = openSealed(bytes.subarray(5), keys, bytes.subarray(0, 5));
  return plain && unpack(plain);
}

function unpack(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === 12) {
    const rest = bytes.subarray(5);
    if (new DataView(bytes.buffer, bytes.byteOffset).getUint32(1) !== crc32(rest)) throw new Error("wrong checksum");
    return unpack(rest);
  }
  if (bytes[0] !== 9) return bytes;
  const { Algo, Buf } = readMap(bytes, 1).value;
  if (Algo !== 0) throw new Error(`compressed with ${String(Algo)}`);
  return unlzw(Buf as Uint8Array);
}

/** compress/lzw of Go: lowest bits first, 8 bits of literals. */
export function unlzw(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  let [width, next, bits, count, at] = [9, 258, 0, 0, 0];
  let table: number[][] = [];
  let last: number[] | undefined;
  for (;;) {
    for (; count < width; count += 8) {
      if (at >= bytes.length) throw new Error("ends too soon");
      bits |= bytes[at++]! << count;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    count -= width;
    if (code === 257) return Uint8Array.from(out);
    if (code === 256) {
      [width, next, table, last] = [9, 258, [], undefined];
      continue;
    }
    const known = code < 256 ? [code] : table[code];
    if (known === undefined && (code !== next || last === undefined)) throw new Error(`no code ${code}`);
    const entry = known ?? [...last!, last![0]!];
    out.push(...entry);
    if (last !== undefined) {
      table[next] = [...last, entry[0]!];
      next++;
    }
    last = entry;
    if (next >= 1 << width && width < 12) width++;
  }
}

type Packed = number | boolean | null | Uint8Array;

/** A map of MessagePack, and where it ends. */
export function readMap(bytes: Uint8Array, start = 0): { readonly value: Record<string, Packed>; readonly end: number } {
  let at = start;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const raw = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const read = (): Packed => {
    const type = bytes[at++]!;
    if (type < 0x80) return type;
    if (type >= 0xa0 && type < 0xc0) return raw(type & 31);
    if (type === 0xc0) return null;
    if (type === 0xc2 || type === 0xc3) return type === 0xc3;
    if (type === 0xcc) return bytes[at++]!;
    if (type === 0xcd || type === 0xda) at += 2;
    else if (type === 0xce || type === 0xdb) at += 4;
    else throw new Error(`no type ${type} of MessagePack`);
    if (type === 0xcd) return view.getUint16(at - 2);
    if (type === 0xce) return view.getUint32(at - 4);
    return raw(type === 0xda ? view.getUint16(at - 2) : view.getUint32(at - 4));
  };
  const count = bytes[at++]! & 15;
  const value: Record<string, Packed> = {};
  for (let index = 0; index < count; index++) value[text(read() as Uint8Array)] = read();
  return { value, end: at };
}

export const text = (bytes: Packed | undefined) => new TextDecoder().decode(bytes as Uint8Array);

/** Fields of a message of Protocol Buffers, by number; each as often as it is there. */
export function readProto(bytes: Uint8Array): Record<number, (number | Uint8Array)[]> {
  const fields: Record<number, (number | Uint8Array)[]> = {};
  let at = 0;
  const varint = () => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const head = varint();
    const number = head >>> 3;
    const length = varint();
    const isLong = (head & 7) === 2;
    fields[number] = [...(fields[number] ?? []), isLong ? bytes.subarray(at, at + length) : length];
    if (isLong) at += length;
  }
  return fields;
}

/** The table events in a message of NetworkDB, however deep they are. */
export function tableEvents(message: Uint8Array): Record<number, (number | Uint8Array)[]>[] {
  const { 1: [type] = [], 2: [data] = [] } = readProto(message);
  const inner = data as Uint8Array;
  if (type === 2) return [readProto(inner)];
  if (type === 4) return tableEvents(readProto(inner)[5]![0] as Uint8Array);
  if (type !== 5) return [];
  return (readProto(inner)[1] ?? []).flatMap((part) => tableEvents(readProto(part as Uint8Array)[1]![0] as Uint8Array));
}
