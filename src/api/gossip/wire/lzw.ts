/**
 * LZW as Go's compress/lzw has it with the order LSB and 8 bits per literal, which is what memberlist compresses with. A message is made of
 * parts, each compressed by itself: what many messages have in common is compressed once. Between two parts the table is forgotten, as it is
 * whenever it is full.
 */

const CLEAR = 256;
const END = 257;
const WIDTH_FIRST = 9;
/** Beyond it the table is full. */
const CODE_MAX = 4095;
const NOWHERE = -1;

/** Codes of a part, each with its width in the four bits above; the last one clears the table. */
const compressed = new WeakMap<Uint8Array, Uint16Array>();
/** By the code so far and the next byte: the code of both, and in the bits above it which table that is true of. */
const table = new Int32Array((CODE_MAX + 1) * 256);
const GENERATIONS = 2 ** 31 / (CODE_MAX + 1);
let generation = 0;

/** Compresses the bytes of all parts, one after the other. */
export function lzw(parts: readonly Uint8Array[]): Uint8Array {
  const lists = parts.map((part) => {
    const codes = compressed.get(part) ?? codesOf(part);
    compressed.set(part, codes);
    return codes;
  });
  const bits = lists.reduce((sum, codes) => codes.reduce((total, entry) => total + (entry >>> 12), sum), 2 * WIDTH_FIRST);
  const packed = new BitWriter(Math.ceil(bits / 8));
  packed.write(CLEAR, WIDTH_FIRST);
  for (const codes of lists) for (const entry of codes) packed.write(entry & CODE_MAX, entry >>> 12);
  packed.write(END, WIDTH_FIRST);
  return packed.finish();
}

function codesOf(bytes: Uint8Array): Uint16Array {
  const codes: number[] = [];
  let [width, last] = [WIDTH_FIRST, END];
  const write = (code: number) => codes.push((width << 12) | code);
  const clear = () => {
    write(CLEAR);
    width = WIDTH_FIRST;
    last = END;
    forget();
  };
  /** The reader of the code has one entry more from here on; false: there was no room for it. */
  const grow = (): boolean => {
    last++;
    if (last === 1 << width) width++;
    if (last !== CODE_MAX) return true;
    clear();
    return false;
  };
  forget();
  let code = NOWHERE;
  for (const byte of bytes) {
    if (code === NOWHERE) {
      code = byte;
      continue;
    }
    const key = code * 256 + byte;
    const known = table[key]! - generation * (CODE_MAX + 1);
    if (known >= 0) {
      code = known;
      continue;
    }
    write(code);
    code = byte;
    if (grow()) table[key] = generation * (CODE_MAX + 1) + last;
  }
  if (code !== NOWHERE) {
    write(code);
    grow();
  }
  clear();
  return Uint16Array.from(codes);
}

function forget(): void {
  if (++generation < GENERATIONS) return;
  table.fill(0);
  generation = 1;
}

class BitWriter {
  readonly #bytes: Uint8Array;
  #at = 0;
  #bits = 0;
  #count = 0;

  constructor(length: number) {
    this.#bytes = new Uint8Array(length);
  }

  write(code: number, width: number): void {
    this.#bits |= code << this.#count;
    this.#count += width;
    for (; this.#count >= 8; this.#count -= 8) {
      this.#bytes[this.#at++] = this.#bits;
      this.#bits >>>= 8;
    }
  }

  finish(): Uint8Array {
    if (this.#count > 0) this.#bytes[this.#at++] = this.#bits;
    return this.#bytes;
  }
}
