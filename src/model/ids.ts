import { Identity } from "./identity";

/** The random things of one daemon: the same for the same seed and the same history of objects of that name. */
export class Ids {
  readonly identity: Identity;
  readonly #counts = new Map<string, number>();

  constructor(seed: number) {
    this.identity = new Identity(seed);
  }

  /** A 64-digit ID; another one for the second object of the same name. */
  id(kind: string, ...names: readonly string[]): string {
    return this.identity.id(kind, ...names, ...this.nth(kind, ...names));
  }

  /** Nothing for the first object of a name, then a number: more words to draw from. */
  nth(...names: readonly string[]): string[] {
    const key = names.join("\0");
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    return count === 0 ? [] : [String(count)];
  }
}
