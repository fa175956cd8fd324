import { ctr, gcm } from "@noble/ciphers/aes.js";
import { ESP_HEADER, ESP_ICV, ESP_IV } from "../../../../assembly/abi/xfrm";
import { fmix } from "../simulation/random";
import { read32, write32 } from "../wire/bytes";
import type { Sa } from "./sa";

/** SP 800-38D §7.1: the first counter block of the data has the number 2; 1 is the tag's. */
const FIRST_COUNTER = Uint8Array.of(0, 0, 0, 2);

/** Seals the `length` bytes behind an ESP header at `esp` and its IV, and writes the check value behind them (RFC 4106). */
export function seal(sa: Sa, bytes: Uint8Array, esp: number, length: number): void {
  const at = esp + ESP_HEADER + ESP_IV;
  if (sa.isSized) writeSizedIcv(sa, bytes, esp, length, at + length);
  else bytes.set(encrypt(sa, bytes, esp, bytes.slice(at, at + length)).subarray(0, length + ESP_ICV), at);
}

/** What `seal` sealed; null: somebody else did. */
export function open(sa: Sa, bytes: Uint8Array, esp: number, length: number): Uint8Array | null {
  const at = esp + ESP_HEADER + ESP_IV;
  const icv = bytes.slice(at + length, at + length + ESP_ICV);
  if (sa.isSized) {
    const expected = new Uint8Array(ESP_ICV);
    writeSizedIcv(sa, bytes, esp, length, 0, expected);
    return isEqual(icv, expected) ? bytes.slice(at, at + length) : null;
  }
  // The package opens whole tags only: the plain text comes of the counter mode alone, and sealing it again gives the tag.
  const counter = Uint8Array.of(...nonceOf(sa, bytes, esp), ...FIRST_COUNTER);
  const plain = ctr(sa.key, counter).decrypt(bytes.slice(at, at + length));
  const tag = encrypt(sa, bytes, esp, plain).subarray(length, length + ESP_ICV);
  return isEqual(icv, tag) ? plain : null;
}

function encrypt(sa: Sa, bytes: Uint8Array, esp: number, plain: Uint8Array): Uint8Array {
  return gcm(sa.key, nonceOf(sa, bytes, esp), bytes.slice(esp, esp + ESP_HEADER)).encrypt(plain);
}

/** RFC 4106 §4: the salt of the association, then the IV of the packet. */
function nonceOf(sa: Sa, bytes: Uint8Array, esp: number): Uint8Array {
  const nonce = new Uint8Array(4 + ESP_IV);
  write32(nonce, 0, sa.salt);
  nonce.set(bytes.subarray(esp + ESP_HEADER, esp + ESP_HEADER + ESP_IV), 4);
  return nonce;
}

/** What stands for the check value where nothing is encrypted: it tells keys, numbers and lengths apart. */
function writeSizedIcv(sa: Sa, bytes: Uint8Array, esp: number, length: number, at: number, to = bytes): void {
  const sequence = read32(bytes, esp + 4);
  const first = fmix(read32(sa.key, 0) ^ sequence);
  write32(to, at, first);
  write32(to, at + 4, fmix(first ^ read32(bytes, esp) ^ ((length << 16) | (length >>> 16))));
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, index) => byte === b[index]);
}
