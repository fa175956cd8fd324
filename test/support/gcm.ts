/** The cipher of `assembly/crypto`, compiled alone. */
import { assemble } from "../../scripts/assemble.mjs";

const MODULE = `
import { GCM_KEY, open, seal, setKey } from "../../assembly/crypto/gcm";
import { reserve, reserveImage, seal as sealMemory } from "../../assembly/memory/arena";

let key: usize = 0;

/** Where the caller writes and reads its bytes. */
export function prepare(size: u32): usize {
  reserveImage(0);
  key = reserve(1, GCM_KEY);
  const bytes = reserve(1, size);
  sealMemory();
  return bytes;
}

export function setKeyFrom(from: usize, length: u32): void {
  setKey(key, from, length);
}

export function sealAt(nonce: usize, aad: usize, aadLength: u32, data: usize, length: u32, tag: usize): void {
  seal(key, nonce, aad, aadLength, data, length, tag);
}

export function openAt(nonce: usize, aad: usize, aadLength: u32, data: usize, length: u32, tag: usize, tagLength: u32): bool {
  return open(key, nonce, aad, aadLength, data, length, tag, tagLength);
}

/** Packets of zeros, each sealed where the one before was; the nonce counts up. */
export function sealMany(nonce: usize, data: usize, length: u32, tag: usize, rounds: u32): u32 {
  let hash: u32 = 0;
  memory.fill(nonce, 0, 12);
  for (let round: u32 = 0; round < rounds; round++) {
    store<u32>(nonce, round);
    memory.fill(data, 0, length);
    seal(key, nonce, nonce, 8, data, length, tag);
    hash = hash * 31 + load<u32>(tag);
  }
  return hash;
}
`;

interface Exports {
  readonly memory: WebAssembly.Memory;
  prepare(size: number): number;
  setKeyFrom(from: number, length: number): void;
  sealAt(nonce: number, aad: number, aadLength: number, data: number, length: number, tag: number): void;
  openAt(nonce: number, aad: number, aadLength: number, data: number, length: number, tag: number, tagLength: number): number;
  sealMany(nonce: number, data: number, length: number, tag: number, rounds: number): number;
}

/** AES-GCM of one key at a time. */
export interface Gcm {
  setKey(key: Uint8Array): void;
  seal(nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): { readonly data: Uint8Array; readonly tag: Uint8Array };
  /** `undefined`: the tag is wrong. */
  open(nonce: Uint8Array, aad: Uint8Array, data: Uint8Array, tag: Uint8Array): Uint8Array | undefined;
  /** A hash over the tags of so many packets. */
  sealMany(bytes: number, rounds: number): number;
}

const [NONCE, TAG, AAD, DATA] = [0, 32, 64, 2048];

/** @param capacity bytes of the longest text */
export async function loadGcm(capacity = 131_072): Promise<Gcm> {
  const abort = () => {
    throw new Error("the cipher's module stopped on an assertion");
  };
  const { instance } = await WebAssembly.instantiate(assemble("gcm", MODULE), { env: { abort } });
  const module = instance.exports as unknown as Exports;
  const base = module.prepare(DATA + capacity);
  const write = (at: number, bytes: Uint8Array) => new Uint8Array(module.memory.buffer).set(bytes, base + at);
  const read = (at: number, length: number) => new Uint8Array(module.memory.buffer).slice(base + at, base + at + length);
  const enter = (nonce: Uint8Array, aad: Uint8Array, data: Uint8Array) => {
    write(NONCE, nonce);
    write(AAD, aad);
    write(DATA, data);
  };
  return {
    setKey: (key) => {
      write(DATA, key);
      module.setKeyFrom(base + DATA, key.length);
    },
    seal: (nonce, aad, text) => {
      enter(nonce, aad, text);
      module.sealAt(base + NONCE, base + AAD, aad.length, base + DATA, text.length, base + TAG);
      return { data: read(DATA, text.length), tag: read(TAG, 16) };
    },
    open: (nonce, aad, data, tag) => {
      enter(nonce, aad, data);
      write(TAG, tag);
      const isRight = module.openAt(base + NONCE, base + AAD, aad.length, base + DATA, data.length, base + TAG, tag.length) !== 0;
      return isRight ? read(DATA, data.length) : undefined;
    },
    sealMany: (bytes, rounds) => module.sealMany(base + NONCE, base + DATA, bytes, base + TAG, rounds) >>> 0,
  };
}
