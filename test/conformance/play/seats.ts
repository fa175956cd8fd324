/** Places in a table of fixed length: what has the same key keeps its place from one state to the next. */
export class Seats<T> {
  readonly #name: string;
  readonly #size: number;
  #seats: (readonly [key: string, value: T] | undefined)[] = [];

  constructor(name: string, size: number) {
    this.#name = name;
    this.#size = size;
  }

  /** @throws Error if there are more than places. */
  take(entries: readonly (readonly [key: string, value: T])[]): void {
    const wanted = new Map(entries);
    this.#seats = this.#seats.map((seat) => {
      const value = seat === undefined ? undefined : wanted.get(seat[0]);
      return seat === undefined || value === undefined ? undefined : [seat[0], value];
    });
    for (const [key, value] of wanted) {
      if (this.#seats.some((seat) => seat?.[0] === key)) continue;
      const free = this.#seats.indexOf(undefined);
      this.#seats[free === -1 ? this.#seats.length : free] = [key, value];
    }
    if (this.#seats.length > this.#size) throw new Error(`${this.#name}: expected at most ${this.#size}, found ${this.#seats.length}`);
  }

  /** One per place. */
  map<U>(value: (value: T) => U, empty: U): U[] {
    return Array.from({ length: this.#size }, (_, index) => {
      const seat = this.#seats[index];
      return seat === undefined ? empty : value(seat[1]);
    });
  }

  find(matches: (value: T) => boolean): T | undefined {
    return this.#seats.find((seat) => seat !== undefined && matches(seat[1]))?.[1];
  }
}
