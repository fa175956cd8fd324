import { createHash, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CREATED } from "../../model/inspect/network";
import { bitString, der, integer, oid, Tag } from "./der";
import { rootCertificate } from "./root-certificate";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const ROOTS = Array.from({ length: 8 }, (_, index) => `root ${index}`);

describe("DER", () => {
  it("says how long something is in as few bytes as can be", () => {
    expect(hex(der(Tag.octetString, new Uint8Array(127))).slice(0, 6)).toBe("047f00");
    expect(hex(der(Tag.octetString, new Uint8Array(128))).slice(0, 8)).toBe("04818000");
    expect(hex(der(Tag.octetString, new Uint8Array(100), new Uint8Array(200))).slice(0, 10)).toBe("0482012c00");
  });

  it("has positive numbers without needless zeros", () => {
    expect(["00", "0000", "007f", "80", "0080", "ff00"].map((text) => hex(integer(Buffer.from(text, "hex"))))).toEqual(["020100", "020100", "02017f", "02020080", "02020080", "020300ff00"]);
  });

  it("has identifiers and strings of bits", () => {
    expect(hex(oid("1.2.840.10045.3.1.7"))).toBe("06082a8648ce3d030107");
    expect(hex(oid("2.5.29.15"))).toBe("0603551d0f");
    expect(hex(bitString(Uint8Array.of(5)))).toBe("03020005");
  });
});

describe("the certificate of a root", () => {
  it.each(ROOTS)("of %s is what others take for one", (root) => {
    const { pem, subject, publicKey, sum } = rootCertificate(root);
    const certificate = new X509Certificate(pem);
    expect(certificate).toMatchObject({ subject: "CN=swarm-ca", issuer: "CN=swarm-ca", ca: true });
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
    expect(publicKey).toBe(certificate.publicKey.export({ type: "spki", format: "der" }).toString("base64"));
    expect(Buffer.from(subject, "base64").toString("latin1")).toBe("0\x131\x110\x0f\x06\x03U\x04\x03\x13\bswarm-ca");
    expect(certificate.serialNumber.length).toBeLessThanOrEqual(40);
    expect(sum).toBe(createHash("sha256").update(pem).digest("hex"));
    expect(pem.split("\n").every((line) => line.length <= 64)).toBe(true);
  });

  it("holds for 20 years, from 5 minutes before the swarm was made", () => {
    const { validFrom, validTo } = new X509Certificate(rootCertificate("root").pem);
    expect(Date.parse(CREATED) - Date.parse(validFrom)).toBe(300_000);
    expect(Date.parse(validTo) - Date.parse(validFrom)).toBe(630_720_000_000);
  });

  it("may sign certificates and lists of revoked ones, and names its key", () => {
    const { raw, publicKey } = new X509Certificate(rootCertificate("root").pem);
    const point = publicKey.export({ type: "spki", format: "der" }).subarray(-65);
    const extensions = `a3423040300e0603551d0f0101ff040403020106300f0603551d130101ff040530030101ff301d0603551d0e04160414${createHash("sha1").update(point).digest("hex")}`;
    expect(hex(raw)).toContain(hex(point) + extensions);
  });

  it("is the same for the same root, and another one for another root", () => {
    const all = [...ROOTS, ...ROOTS].map((root) => rootCertificate(root));
    expect(new Set(all.map(({ pem }) => pem)).size).toBe(ROOTS.length);
    expect(new Set(all.map(({ publicKey }) => publicKey)).size).toBe(ROOTS.length);
  });
});
