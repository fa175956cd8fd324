/** A thing that is to happen. */
export interface Timer {
  readonly at: number;
  cancelled: boolean;
}

interface Entry extends Timer {
  readonly order: number;
  readonly run: () => void;
}

/**
 * The virtual time of all swarms of a world, in nanoseconds. It stands still until somebody moves it; what falls due meanwhile happens
 * in its order, each at its own time.
 */
export class SwarmClock {
  #now = 0;
  #orders = 0;
  /** A heap: the next one first. */
  readonly #entries: Entry[] = [];

  get now(): number {
    return this.#now;
  }

  /** When something falls due next. */
  get nextAt(): number | undefined {
    this.#forgetCancelled();
    return this.#entries[0]?.at;
  }

  after(delay: number, run: () => void): Timer {
    const entry: Entry = { at: this.#now + Math.max(0, delay), order: this.#orders++, run, cancelled: false };
    this.#push(entry);
    return entry;
  }

  advance(duration: number): void {
    this.advanceTo(this.#now + duration);
  }

  /** Does what is due until then; time does not run backwards. */
  advanceTo(time: number): void {
    for (let next = this.#pop(time); next !== undefined; next = this.#pop(time)) {
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = Math.max(this.#now, time);
  }

  #pop(until: number): Entry | undefined {
    this.#forgetCancelled();
    const first = this.#entries[0];
    return first !== undefined && first.at <= until ? this.#take() : undefined;
  }

  #forgetCancelled(): void {
    while (this.#entries[0]?.cancelled === true) this.#take();
  }

  #push(entry: Entry): void {
    const entries = this.#entries;
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(entries[parent]!, entry)) break;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[at] = entry;
  }

  #take(): Entry {
    const entries = this.#entries;
    const first = entries[0]!;
    const last = entries.pop()!;
    if (entries.length === 0) return first;
    let at = 0;
    for (let child = 1; child < entries.length; child = 2 * at + 1) {
      const smaller = child + 1 < entries.length && isBefore(entries[child + 1]!, entries[child]!) ? child + 1 : child;
      if (isBefore(last, entries[smaller]!)) break;
      entries[at] = entries[smaller]!;
      at = smaller;
    }
    entries[at] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
