interface Entry {
  readonly inputs: readonly unknown[];
  readonly value: unknown;
}

/** What was made of something last time. */
export interface Made<I, T> {
  readonly inputs: readonly I[];
  readonly value: T;
}

/**
 * Parts of a program, and what they were made of: the next program has the very parts of this one whose inputs are the same objects. Only what the
 * program before had is kept.
 */
export class Memo {
  readonly #before: ReadonlyMap<string, Entry>;
  readonly #own = new Map<string, Entry>();

  constructor(previous?: Memo) {
    this.#before = previous === undefined ? new Map() : new Map(previous.#own);
  }

  /** `make` may take over what it likes of what was made before. */
  of<I, T>(key: string, inputs: readonly I[], make: (before: Made<I, T> | undefined) => T): T {
    const before = this.#before.get(key) as Made<I, T> | undefined;
    const isSame = before !== undefined && before.inputs.length === inputs.length && inputs.every((input, index) => Object.is(input, before.inputs[index]));
    const made = isSame ? before : { inputs, value: make(before) };
    this.#own.set(key, made);
    return made.value;
  }
}
