/** Domain names as DNS messages have them (RFC 1035 §3.1). */

const LABEL_MAX = 63;
const NAME_MAX = 255;

/**
 * A name in wire form, lower case: each label with its length in front, and the empty label of the root at the end. Null if it
 * cannot be one: an empty label or one of more than 63 bytes, or more than 255 bytes in all.
 *
 * @example domainNameBytes("Web.front") // 3 w e b 5 f r o n t 0
 */
export function domainNameBytes(name: string): Uint8Array<ArrayBuffer> | null {
  const known = wireForms.get(name);
  if (known !== undefined) return known;
  if (wireForms.size >= WIRE_FORMS_MAX) wireForms.clear();
  const made = wireFormOf(name);
  wireForms.set(name, made);
  return made;
}

/** Every program that replaces another one has most names again, and each of them is looked at several times. */
const wireForms = new Map<string, Uint8Array<ArrayBuffer> | null>();
const WIRE_FORMS_MAX = 32_768;

function wireFormOf(name: string): Uint8Array<ArrayBuffer> | null {
  const bytes: number[] = [];
  for (const label of name === "" || name === "." ? [] : name.replace(/\.$/, "").toLowerCase().split(".")) {
    const encoded = new TextEncoder().encode(label);
    if (encoded.length === 0 || encoded.length > LABEL_MAX) return null;
    bytes.push(encoded.length, ...encoded);
  }
  bytes.push(0);
  return bytes.length > NAME_MAX ? null : Uint8Array.from(bytes);
}
