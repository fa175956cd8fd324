/**
 * What a daemon draws at random, drawn here from a seed and from the object's own name: adding a container does not
 * change the ID or MAC of another one. A hash of ours, not a cryptographic one; only its spread matters.
 */
export class Identity {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
  }

  /** A 64-digit object ID. */
  id(kind: string, ...names: readonly string[]): string {
    return hexadecimal(this.#words(8, kind, names));
  }

  /** 28 bits in seven digits, as libnetwork's GenerateIfaceName appends them to `veth`. */
  suffix(kind: string, ...names: readonly string[]): string {
    return hexadecimal(this.#words(1, kind, names)).slice(0, 7);
  }

  /** Six random octets, multicast bit cleared and local bit set (Docker 28 and later, netutils GenerateRandomMAC). */
  randomMac(...names: readonly string[]): number {
    const [high = 0, low = 0] = this.#words(2, "mac", names);
    return (((high & 0xffff) | 0x0200) & 0xfeff) * 2 ** 32 + low;
  }

  /** `02:42` and four random octets (libnetwork 20.10, netutils GenerateRandomMAC). */
  random0242Mac(...names: readonly string[]): number {
    return macOf0242(this.#words(1, "mac", names)[0] ?? 0);
  }

  #words(count: number, kind: string, names: readonly string[]): number[] {
    const text = [kind, ...names].join("\0");
    return Array.from({ length: count }, (_, lane) => hash(text, this.#seed ^ Math.imul(lane + 1, 0x9e3779b1)));
  }
}

/** `02:42` and the four octets of an IPv4 address (libnetwork 20.10, netutils GenerateMACFromIP). */
export function macOf0242(ip: number): number {
  return 0x0242 * 2 ** 32 + ip;
}

function hash(text: string, seed: number): number {
  let h = finish(seed);
  for (let at = 0; at < text.length; at++) h = Math.imul((h << 13) | (h >>> 19), 5) + Math.imul(text.charCodeAt(at) + 1, 0xcc9e2d51);
  return finish(h ^ text.length);
}

/** The finalizer of MurmurHash3: every input bit reaches every output bit. */
function finish(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hexadecimal(words: readonly number[]): string {
  return words.map((word) => word.toString(16).padStart(8, "0")).join("");
}
