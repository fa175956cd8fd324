/** AES-GCM of the Wasm engine against the vectors of its specification, and against OpenSSL at every length where something changes. */
import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Gcm, loadGcm } from "./support/gcm";

const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const KEY = "feffe9928665731c6d6a8f9467308308";
const NONCE = "cafebabefacedbaddecaf888";
const TEXT =
  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
const AAD = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
const DATA_128 =
  "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985";
const DATA_256 =
  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
const ZERO = "0".repeat(32);

/** McGrew and Viega, The Galois/Counter Mode of Operation (2005), appendix B: the cases with nonces of 96 bits and keys of 128 and 256. */
const VECTORS = [
  { name: "1", key: ZERO, nonce: ZERO.slice(8), aad: "", text: "", data: "", tag: "58e2fccefa7e3061367f1d57a4e7455a" },
  { name: "2", key: ZERO, nonce: ZERO.slice(8), aad: "", text: ZERO, data: "0388dace60b6a392f328c2b971b2fe78", tag: "ab6e47d42cec13bdf53a67b21257bddf" },
  { name: "3", key: KEY, nonce: NONCE, aad: "", text: TEXT, data: DATA_128, tag: "4d5c2af327cd64a62cf35abd2ba6fab4" },
  { name: "4", key: KEY, nonce: NONCE, aad: AAD, text: TEXT.slice(0, 120), data: DATA_128.slice(0, 120), tag: "5bc94fbc3221a5db94fae95ae7121a47" },
  { name: "13", key: ZERO + ZERO, nonce: ZERO.slice(8), aad: "", text: "", data: "", tag: "530f8afbc74536b9a963b4f1c4cb738b" },
  { name: "14", key: ZERO + ZERO, nonce: ZERO.slice(8), aad: "", text: ZERO, data: "cea7403d4d606b6e074ec5d3baf39d18", tag: "d0d1c8a799996bf0265b98b5d48ab919" },
  { name: "15", key: KEY + KEY, nonce: NONCE, aad: "", text: TEXT, data: DATA_256, tag: "b094dac5d93471bdec1a502270e3cc6c" },
  { name: "16", key: KEY + KEY, nonce: NONCE, aad: AAD, text: TEXT.slice(0, 120), data: DATA_256.slice(0, 120), tag: "76fc6ece0f4e1768cddf8853bb2d551b" },
];

let gcm: Gcm;
beforeAll(async () => {
  gcm = await loadGcm();
}, 120_000);

function sealedByNode(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array) {
  const cipher = createCipheriv(key.length === 16 ? "aes-128-gcm" : "aes-256-gcm", key, nonce);
  cipher.setAAD(aad);
  const data = Buffer.concat([cipher.update(text), cipher.final()]);
  return { data: Uint8Array.from(data), tag: Uint8Array.from(cipher.getAuthTag()) };
}

function expectLikeNode(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): void {
  gcm.setKey(key);
  const ours = gcm.seal(nonce, aad, text);
  const theirs = sealedByNode(key, nonce, aad, text);
  expect(toHex(ours.data)).toBe(toHex(theirs.data));
  expect(toHex(ours.tag)).toBe(toHex(theirs.tag));
  expect(toHex(gcm.open(nonce, aad, ours.data, ours.tag) ?? new Uint8Array())).toBe(toHex(text));
}

describe("AES-GCM", () => {
  it.each(VECTORS)("seals and opens test case $name of its specification", ({ key, nonce, aad, text, data, tag }) => {
    gcm.setKey(hex(key));
    const sealed = gcm.seal(hex(nonce), hex(aad), hex(text));
    expect([toHex(sealed.data), toHex(sealed.tag)]).toEqual([data, tag]);
    expect(toHex(gcm.open(hex(nonce), hex(aad), hex(data), hex(tag)) ?? new Uint8Array([1]))).toBe(text);
  });

  // Blocks, groups of eight of them (the first has room for six), and the 256 blocks after which a counter carries.
  const borders = [0, 16, 96, 112, 224, 1400, 4064, 4080, 4096, 8160, 65_535].flatMap((border) => [border - 1, border, border + 1]).filter((length) => length >= 0);
  it.each([16, 32])("does what OpenSSL does around every border, with keys of %i bytes", (keyBytes) => {
    const key = Uint8Array.from({ length: keyBytes }, (_, index) => index * 7 + 1);
    const nonce = Uint8Array.from({ length: 12 }, (_, index) => 255 - index);
    const aad = Uint8Array.from({ length: 40 }, (_, index) => index * 3);
    for (const length of borders) {
      const text = Uint8Array.from({ length }, (_, index) => (index * 31) & 255);
      for (const aadLength of [0, 8, 12, 16, 17, 40]) expectLikeNode(key, nonce, aad.subarray(0, aadLength), text);
    }
  });

  it("does what OpenSSL does with random keys, nonces and texts", () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const texts = fc.uint8Array({ maxLength: 3000 });
    fc.assert(fc.property(fc.oneof(bytes(16), bytes(32)), bytes(12), fc.uint8Array({ maxLength: 64 }), texts, expectLikeNode));
  });

  it("opens nothing that was changed: the data, the tag, the additional data, the nonce", () => {
    gcm.setKey(hex(KEY));
    const [nonce, aad] = [hex(NONCE), hex(AAD)];
    const { data, tag } = gcm.seal(nonce, aad, hex(TEXT));
    const changed = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
    expect(gcm.open(nonce, aad, data, tag)).toBeDefined();
    for (let at = 0; at < data.length; at++) expect(gcm.open(nonce, aad, changed(data, at), tag)).toBeUndefined();
    for (let at = 0; at < tag.length; at++) expect(gcm.open(nonce, aad, data, changed(tag, at))).toBeUndefined();
    for (let at = 0; at < aad.length; at++) expect(gcm.open(nonce, changed(aad, at), data, tag)).toBeUndefined();
    for (let at = 0; at < nonce.length; at++) expect(gcm.open(changed(nonce, at), aad, data, tag)).toBeUndefined();
  });

  it("looks at as much of a tag as it is given, as ESP with its ICV of 8 bytes does", () => {
    gcm.setKey(hex(KEY));
    const { data, tag } = gcm.seal(hex(NONCE), hex(AAD), hex(TEXT));
    expect(gcm.open(hex(NONCE), hex(AAD), data, tag.slice(0, 8))).toBeDefined();
    expect(gcm.open(hex(NONCE), hex(AAD), data, tag.slice(0, 8).reverse())).toBeUndefined();
  });
});
