/** The tags of DER that certificates take (ITU-T X.690 §8; RFC 5280 §4.1 for the last two). */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  printableString: 0x13,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
} as const;

/** One value of DER: its tag, how long it is, and its contents one after the other. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, { length: bytes }) => sum + bytes, 0);
  const lengthBytes = length < 0x80 ? [length] : [0x80 + bytesOf(length).length, ...bytesOf(length)];
  return Uint8Array.of(tag, ...lengthBytes, ...contents.flatMap((part) => [...part]));
}

/** A positive number, given as big-endian bytes: no zeros in front but one where it would be negative. */
export function integer(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  return der(Tag.integer, ...(digits[0]! >= 0x80 ? [Uint8Array.of(0)] : []), digits);
}

/** Of whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return der(Tag.bitString, Uint8Array.of(0), bytes);
}

/** `1.2.840.10045.3.1.7`: the first two numbers share a byte, the others are in base 128, all digits but the last with the upper bit set. */
export function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...others] = text.split(".").map(Number);
  return der(Tag.objectIdentifier, Uint8Array.of(first * 40 + second, ...others.flatMap(base128)));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

function bytesOf(value: number): number[] {
  const bytes = [value & 0xff];
  for (let rest = value >>> 8; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return bytes;
}
