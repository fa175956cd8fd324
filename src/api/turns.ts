import type { Nanoseconds } from "../engine/engine";
import { SimulationError } from "../errors";

/** What calls of a lab share. */
export interface TurnContext {
  /** What was asked for between two calls takes effect before the second. */
  prepare(): Promise<void>;
  /** Ends the run in progress at its next slice. */
  abort(): void;
  now(): Nanoseconds;
}

/** The calls of a lab, one after the other in the order in which they were made. */
export class Turns {
  readonly #context: TurnContext;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(context: TurnContext) {
    this.#context = context;
  }

  take<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      this.assertOpen();
      await this.#context.prepare();
      return action();
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** A call that a signal can end: at once while it waits for its turn, at the next slice while it runs. */
  takeCancellable<T>(signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T> {
    if (signal === undefined) return this.take(action);
    const aborted = () => {
      const now = this.#context.now();
      return new SimulationError("ABORTED", `aborted by the caller at ${now} ns`, { now, reason: signal.reason });
    };
    if (signal.aborted) return Promise.reject(aborted());
    return new Promise<T>((resolve, reject) => {
      let isRunning = false;
      const onAbort = (): void => {
        if (isRunning) this.#context.abort();
        else reject(aborted());
      };
      signal.addEventListener("abort", onAbort);
      this.take(async () => {
        if (signal.aborted) throw aborted();
        isRunning = true;
        return action();
      })
        .catch((error: unknown) => {
          throw error instanceof SimulationError && error.code === "ABORTED" ? aborted() : error;
        })
        .finally(() => signal.removeEventListener("abort", onAbort))
        .then(resolve, reject);
    });
  }

  close(): void {
    this.#isClosed = true;
  }

  assertOpen(): void {
    if (this.#isClosed) throw new SimulationError("CLOSED", "the lab was closed before the call");
  }
}
