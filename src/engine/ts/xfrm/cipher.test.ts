import { describe, expect, it } from "vitest";
import { SA_SIZED } from "../../../../assembly/abi/xfrm";
import { open, seal } from "./cipher";
import { Sa } from "./sa";

const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** draft-mcgrew-gcm-test-01, §2: an ESP packet of a DNS query, with the first eight bytes of its check value. */
const VECTOR = {
  key: "feffe9928665731c6d6a8f9467308308",
  salt: 0xcafebabe,
  spi: 0x0000a5f8,
  head: "0000a5f80000000afacedbaddecaf888",
  plain: "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d001000001000000000000037369700963796265726369747902646b0000010001" + "0001",
  sealed: "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1",
  icv: "83b70d3aa8bc6ee4",
};

function association(flags = 0, key = VECTOR.key): Sa {
  return new Sa({ namespace: 0, spi: VECTOR.spi, source: 0, destination: 0, key: 0, salt: VECTOR.salt, replayWindow: 0, flags }, hex(key));
}

const packet = (body: string, icv: string) => hex(VECTOR.head + body + icv);
const LENGTH = VECTOR.plain.length / 2;

describe("the cipher of ESP", () => {
  it("seals and opens the packet of the published vector", () => {
    const bytes = packet(VECTOR.plain, "0".repeat(16));
    seal(association(), bytes, 0, LENGTH);
    expect(toHex(bytes)).toBe(VECTOR.head + VECTOR.sealed + VECTOR.icv);
    expect(toHex(open(association(), bytes, 0, LENGTH)!)).toBe(VECTOR.plain);
    expect(toHex(bytes)).toBe(VECTOR.head + VECTOR.sealed + VECTOR.icv);
  });

  it("finds out any changed byte, another key, salt or number", () => {
    const sound = packet(VECTOR.sealed, VECTOR.icv);
    for (let at = 0; at < sound.length; at++) {
      const forged = Uint8Array.from(sound);
      forged[at] ^= 1;
      expect(open(association(), forged, 0, LENGTH), `byte ${at}`).toBeNull();
    }
    expect(open(association(0, "00" + VECTOR.key.slice(2)), Uint8Array.from(sound), 0, LENGTH)).toBeNull();
  });

  it("seals nothing at all, and 1 to 40 bytes, so that they open", () => {
    for (let length = 0; length <= 40; length++) {
      const bytes = new Uint8Array(16 + length + 8).map((_, index) => index * 11);
      const before = toHex(bytes.subarray(16, 16 + length));
      seal(association(), bytes, 0, length);
      expect(toHex(open(association(), bytes, 0, length)!)).toBe(before);
    }
  });

  it("leaves the bytes alone where it is only asked for the size, and still tells keys, numbers and lengths apart", () => {
    const bytes = packet(VECTOR.plain, "0".repeat(16));
    seal(association(SA_SIZED), bytes, 0, LENGTH);
    expect(toHex(bytes.subarray(0, 16 + LENGTH))).toBe(VECTOR.head + VECTOR.plain);
    expect(toHex(open(association(SA_SIZED), bytes, 0, LENGTH)!)).toBe(VECTOR.plain);
    expect(open(association(SA_SIZED, "00" + VECTOR.key.slice(2)), bytes, 0, LENGTH)).toBeNull();
    expect(open(association(SA_SIZED), bytes, 0, LENGTH - 1)).toBeNull();
    bytes[7] ^= 1;
    expect(open(association(SA_SIZED), bytes, 0, LENGTH)).toBeNull();
  });
});
