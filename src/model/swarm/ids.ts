import { Ids } from "../ids";

/** swarmkit identity/randomid.go: 125 bits in base 36. */
const DIGITS = 25;
/** swarmkit ca/config.go: GenerateJoinToken: a digest of the root CA in 50 digits, a secret in 25. */
const TOKEN = /^SWMTKN-1-([0-9a-z]{50})-([0-9a-z]{25})$/;
/** A SHA-256 sum in hexadecimal digits. */
const SUM_DIGITS = 64;

/** What the managers of a swarm draw at random. */
export class SwarmIds {
  readonly #ids: Ids;

  constructor(seed: number) {
    this.#ids = new Ids(seed);
  }

  /** The ID of an object: 25 letters and digits; another one for the second object of a name. */
  id(kind: string, ...names: readonly string[]): string {
    return base36(this.#ids.id(`swarm ${kind}`, ...names), DIGITS);
  }

  token(role: string, digest: string): string {
    return `SWMTKN-1-${digest}-${this.id("secret", role)}`;
  }

  /** Of the root CA: what both tokens of one swarm have in common. */
  digest(): string {
    return base36(this.#ids.id("swarm root"), 2 * DIGITS);
  }

  /** 256 bits in hexadecimal digits. */
  bits(kind: string): string {
    return this.#ids.id(`swarm ${kind}`);
  }
}

export interface JoinToken {
  /** Of the root CA of the swarm that the token is for. */
  readonly digest: string;
  readonly secret: string;
}

export function readToken(text: string): JoinToken | undefined {
  const [, digest, secret] = TOKEN.exec(text) ?? [];
  return digest === undefined || secret === undefined ? undefined : { digest, secret };
}

/** The digest of a token as a SHA-256 sum is written. */
export function sumOf(digest: string): string {
  const value = [...digest].reduce((sum, digit) => sum * 36n + BigInt(Number.parseInt(digit, 36)), 0n);
  return value.toString(16).padStart(SUM_DIGITS, "0").slice(-SUM_DIGITS);
}

function base36(hexadecimal: string, digits: number): string {
  return BigInt(`0x${hexadecimal}`).toString(36).padStart(digits, "0").slice(-digits);
}
