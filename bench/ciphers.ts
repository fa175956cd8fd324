import { createCipheriv } from "node:crypto";
import { gcm } from "@noble/ciphers/aes.js";
import { type Gcm, loadGcm } from "../test/support/gcm";
import type { Contest } from "./measure";

/** A packet of an overlay network with an MTU of 1,424 bytes. */
const BYTES = 1_400;
const ROUNDS = 2_000;
/** The slow side does less in one call. */
const FEW = 50;
const AAD = 8;

/** Sealing packets: Wasm against @noble/ciphers, which is what the TypeScript engine can have, and against the OpenSSL of Node. */
export async function cipherContests(): Promise<Contest[]> {
  const wasm = await loadGcm();
  return [128, 256].map((bits) => contestOf(wasm, bits));
}

function contestOf(wasm: Gcm, bits: number): Contest {
  const key = new Uint8Array(bits / 8).fill(7);
  const data = new Uint8Array(BYTES);
  const ofNoble = (nonce: Uint8Array): Uint8Array => gcm(key, nonce, nonce.subarray(0, AAD)).encrypt(data).subarray(BYTES);
  const ofNode = (nonce: Uint8Array): Uint8Array => {
    const cipher = createCipheriv(bits === 128 ? "aes-128-gcm" : "aes-256-gcm", key, nonce);
    cipher.setAAD(nonce.subarray(0, AAD));
    cipher.update(data);
    cipher.final();
    return cipher.getAuthTag();
  };
  wasm.setKey(key);
  const name = `AES-${bits}-GCM, ${BYTES} bytes`;
  return {
    name,
    unit: "packets",
    verify: () => {
      wasm.setKey(key);
      const results = [wasm.sealMany(BYTES, FEW), sealMany(FEW, ofNoble), sealMany(FEW, ofNode)];
      if (new Set(results).size !== 1) throw new Error(`${name}: three implementations, three results: ${results.join(", ")}`);
    },
    wasm: () => {
      wasm.sealMany(BYTES, ROUNDS);
      return ROUNDS;
    },
    ts: () => {
      sealMany(FEW, ofNoble);
      return FEW;
    },
    rival: {
      name: "node:crypto",
      run: () => {
        sealMany(ROUNDS, ofNode);
        return ROUNDS;
      },
    },
  };
}

/** The same number as the loop inside the module: a hash over the tags of nonces that count up. */
function sealMany(rounds: number, seal: (nonce: Uint8Array) => Uint8Array): number {
  const nonce = new Uint8Array(12);
  const counter = new DataView(nonce.buffer);
  let hash = 0;
  for (let round = 0; round < rounds; round++) {
    counter.setUint32(0, round, true);
    const tag = seal(nonce);
    hash = (Math.imul(hash, 31) + new DataView(tag.buffer, tag.byteOffset).getUint32(0, true)) >>> 0;
  }
  return hash;
}
