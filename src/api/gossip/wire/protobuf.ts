import { ascii, ByteWriter } from "./bytes";

/** A message of Protocol Buffers, version 3: what has its default value is left out. */
export class Proto {
  readonly #writer = new ByteWriter();

  /** A number or a truth value. */
  varint(field: number, value: number | boolean): this {
    const number = Number(value);
    return number === 0 ? this : this.#varint(field << 3).#varint(number);
  }

  text(field: number, text: string): this {
    return text === "" ? this : this.bytes(field, ascii(text));
  }

  bytes(field: number, bytes: Uint8Array): this {
    this.head(field, bytes.length);
    this.#writer.append(bytes);
    return this;
  }

  /** What so many bytes are to follow. */
  head(field: number, length: number): this {
    return this.#varint((field << 3) | 2).#varint(length);
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }

  #varint(value: number): this {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#writer.u8((rest % 0x80) | 0x80);
    this.#writer.u8(rest);
    return this;
  }
}
