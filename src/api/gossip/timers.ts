import type { Nanoseconds, Tally } from "../../engine/engine";

type Action = (now: Nanoseconds, counters: Tally) => void | Promise<void>;

interface Timer {
  readonly at: Nanoseconds;
  readonly kind: string;
  readonly run: Action;
}

/** What the control plane has set itself; of each kind the earliest counts. */
export class Timers {
  readonly #timers: Timer[] = [];

  get nextAt(): Nanoseconds | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map(({ at }) => at));
  }

  schedule(kind: string, at: Nanoseconds, run: Action): void {
    if (this.#timers.some((timer) => timer.kind === kind && timer.at <= at)) return;
    this.#timers.push({ at, kind, run });
  }

  takeDue(now: Nanoseconds): Timer | undefined {
    const due = this.#timers.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)[0];
    if (due) this.#timers.splice(this.#timers.indexOf(due), 1);
    return due;
  }
}
