import type { Nanoseconds } from "../engine/engine";

/** Somebody for whom simulated time matters. */
export interface Timekeeper {
  /** When it wants to act next; undefined: never, as things stand. */
  readonly nextAt: Nanoseconds | undefined;
  /** It is `now`, and that is not before `nextAt`; afterwards `nextAt` is later. */
  act(now: Nanoseconds): Promise<void>;
}

interface Entry {
  readonly at: Nanoseconds;
  readonly act: () => Promise<void>;
}

/** What is to happen in a lab while its packets move: things that were asked for ahead of time, and what timekeepers do. */
export class Agenda {
  readonly #keepers: Timekeeper[] = [];
  /** Earlier ones first; of one time in the order in which they were asked for. */
  readonly #entries: Entry[] = [];

  add(keeper: Timekeeper): void {
    this.#keepers.push(keeper);
  }

  schedule(at: Nanoseconds, act: () => Promise<void>): void {
    const later = this.#entries.findIndex((entry) => entry.at > at);
    this.#entries.splice(later === -1 ? this.#entries.length : later, 0, { at, act });
  }

  /** When packets have to stop next. */
  get nextAt(): Nanoseconds {
    return Math.min(this.#entries[0]?.at ?? Number.POSITIVE_INFINITY, ...this.#keepers.map(({ nextAt = Number.POSITIVE_INFINITY }) => nextAt));
  }

  /** Does all that is due. */
  async act(now: Nanoseconds): Promise<void> {
    while (this.nextAt <= now) {
      const entry = (this.#entries[0]?.at ?? Number.POSITIVE_INFINITY) <= now ? this.#entries.shift() : undefined;
      await entry?.act();
      for (const keeper of this.#keepers) if ((keeper.nextAt ?? Number.POSITIVE_INFINITY) <= now) await keeper.act(now);
    }
  }
}
