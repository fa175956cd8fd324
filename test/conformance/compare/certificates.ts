import { createHash, X509Certificate } from "node:crypto";

/** As it is printed, or within JSON. */
const PEM = /-----BEGIN CERTIFICATE-----(?:\n|\\n)(?:[A-Za-z0-9+/=]{1,64}(?:\n|\\n))+-----END CERTIFICATE-----/g;
/** A public key of P-256 in base 64, as RFC 5480 writes it: it starts with its algorithm and the mark of a point. */
const PUBLIC_KEY = /MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE[A-Za-z0-9+/]{86}==/g;
/** A point of P-256 that is not compressed. */
const POINT_BYTES = 65;
/** Parts of DER in hexadecimal digits (RFC 5280, RFC 5758). */
const ECDSA_WITH_SHA256 = "300a06082a8648ce3d040302";
const UTC_TIME = /170d(?:3\d){12}5a/g;
const SIGNATURE = /03..0030[0-9a-f]+$/;

/** Certificates and their keys, which are drawn, as all that is so of others that were made alike. What is no certificate stays as it is. */
export function withoutChance(text: string): string {
  const keys = new Set<string>();
  const shown = text.replace(PEM, (pem) => {
    const certificate = read(pem);
    if (!certificate) return pem;
    keys.add(certificate.publicKey.export({ type: "spki", format: "der" }).toString("base64"));
    return `<${describe(certificate)}>`;
  });
  return shown.replace(PUBLIC_KEY, (key) => (keys.has(key) ? "<key of the certificate>" : "<another key>"));
}

function read(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem.replaceAll("\\n", "\n"));
  } catch {
    return undefined;
  }
}

function describe(certificate: X509Certificate): string {
  const { publicKey, serialNumber, validFrom, validTo } = certificate;
  const seconds = (Date.parse(validTo) - Date.parse(validFrom)) / 1000;
  return [
    `certificate with ${serialNumber.length > 32 ? "more than" : "up to"} 128 bits of a serial number`,
    `from second ${new Date(validFrom).getUTCSeconds()} for ${seconds} s`,
    certificate.verify(publicKey) ? "signed by itself" : "signed by another",
    structureOf(certificate),
  ].join(", ");
}

/** All between the serial number and the signature, in hexadecimal digits. */
function structureOf({ raw, publicKey }: X509Certificate): string {
  const hex = raw.toString("hex");
  const point = publicKey.export({ type: "spki", format: "der" }).subarray(-POINT_BYTES);
  return hex
    .slice(hex.indexOf(ECDSA_WITH_SHA256))
    .replace(UTC_TIME, "<time>")
    .replace(point.toString("hex"), "<key>")
    .replace(createHash("sha1").update(point).digest("hex"), "<digest of the key>")
    .replace(SIGNATURE, "<signature>");
}
