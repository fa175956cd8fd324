import { p256 } from "@noble/curves/nist.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384 } from "@noble/hashes/sha2.js";
import { bitString, der, integer, oid, Tag } from "./der";

/** The certificate that the nodes of a swarm trust, and what it says of who issues theirs. */
export interface RootCertificate {
  /** With a line break at its end. */
  readonly pem: string;
  /** The subject and the public key in DER, in base 64. */
  readonly subject: string;
  readonly publicKey: string;
  /** The SHA-256 sum of `pem` in hexadecimal digits. */
  readonly sum: string;
}

/** RFC 5280 and RFC 5480. */
const COMMON_NAME = oid("2.5.4.3");
const KEY_USAGE = oid("2.5.29.15");
const BASIC_CONSTRAINTS = oid("2.5.29.19");
const SUBJECT_KEY_ID = oid("2.5.29.14");
const EC_PUBLIC_KEY = oid("1.2.840.10045.2.1");
const P256 = oid("1.2.840.10045.3.1.7");
const ECDSA_WITH_SHA256 = der(Tag.sequence, oid("1.2.840.10045.4.3.2"));

/** swarmkit ca/certificates.go: rootCN. */
const NAME = "swarm-ca";
/** Swarms are made at `CREATED` of what is inspected; certificates hold from 5 minutes before (cfssl signer/signer.go: FillTemplate) for 20 years of 365 days (swarmkit ca: RootCAExpiration). */
const NOT_BEFORE = "991231235500Z";
const NOT_AFTER = "191226235500Z";
/** cfssl signer/local: 160 bits, the first one clear, so that it is positive. */
const SERIAL_BYTES = 20;
/** What `p256` makes a private key of: more bits than it has, so that all keys are as likely (FIPS 186-5 A.2.1). */
const KEY_SEED = sha384;
const PEM_COLUMNS = 64;

/**
 * The certificate of a swarm's root, self-signed as swarmkit makes it. The same root gives the same certificate, byte by byte, as signatures are
 * those of RFC 6979.
 *
 * The private key is no secret: it follows from the seed of the lab, for whoever reads this. Trust it with nothing outside of a simulation.
 *
 * Differs from Docker: each root of a swarm is as old as the swarm.
 *
 * @param root `ClusterFacts.root`.
 */
export function rootCertificate(root: string): RootCertificate {
  const encode = (text: string) => new TextEncoder().encode(text);
  const privateKey = p256.utils.randomSecretKey(KEY_SEED(encode(`swarm root key ${root}`)));
  const serial = sha256(encode(`swarm root serial ${root}`)).slice(0, SERIAL_BYTES);
  serial[0]! &= 0x7f;
  const point = p256.getPublicKey(privateKey, false);
  const subject = der(Tag.sequence, der(Tag.set, der(Tag.sequence, COMMON_NAME, der(Tag.printableString, encode(NAME)))));
  const publicKey = der(Tag.sequence, der(Tag.sequence, EC_PUBLIC_KEY, P256), bitString(point));
  const toSign = der(
    Tag.sequence,
    der(Tag.version, integer(Uint8Array.of(2))),
    integer(serial),
    ECDSA_WITH_SHA256,
    subject,
    der(Tag.sequence, der(Tag.utcTime, encode(NOT_BEFORE)), der(Tag.utcTime, encode(NOT_AFTER))),
    subject,
    publicKey,
    der(Tag.extensions, der(Tag.sequence, ...extensions(point))),
  );
  const signature = p256.sign(toSign, privateKey, { format: "der", lowS: false });
  const certificate = der(Tag.sequence, toSign, ECDSA_WITH_SHA256, bitString(signature));
  const pem = pemOf(certificate);
  return { pem, subject: base64(subject), publicKey: base64(publicKey), sum: hexOf(sha256(encode(pem))) };
}

/** What cfssl gives the certificate of an authority that others follow. */
function extensions(point: Uint8Array): Uint8Array[] {
  const critical = der(Tag.boolean, Uint8Array.of(0xff));
  const extension = (...parts: readonly Uint8Array[]) => der(Tag.sequence, ...parts.slice(0, -1), der(Tag.octetString, parts.at(-1)!));
  // keyCertSign and cRLSign are the bits 5 and 6, counted from the left; the last one of the byte is not used.
  const usage = der(Tag.bitString, Uint8Array.of(1, 0b0000_0110));
  return [
    extension(KEY_USAGE, critical, usage),
    extension(BASIC_CONSTRAINTS, critical, der(Tag.sequence, critical)),
    extension(SUBJECT_KEY_ID, der(Tag.octetString, sha1(point))),
  ];
}

function pemOf(certificate: Uint8Array): string {
  const lines = base64(certificate).match(new RegExp(`.{1,${PEM_COLUMNS}}`, "g")) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
