import { Stop } from "../../assembly/abi/event";
import type { Counters, Engine, EngineKind, InjectedFrame, Nanoseconds, ObserveOptions, Tally } from "../engine/engine";
import type { EngineHost, RunEnd, RunListener } from "../engine/host";
import type { DatapathProgram, ProgramPatch } from "../engine/program";
import { packRecords, type RecordBatch } from "../engine/records";
import { SimulationError } from "../errors";

/** A slice lasts about this long in real time: short enough to abort at once, long enough that turns of the event loop cost nothing. */
const SLICE_MS = 20;
const BUDGET_FIRST = 2_000;
const BUDGET_MIN = 500;
const BUDGET_MAX = 4_000_000;
const PROGRESS_EVERY_MS = 100;

/**
 * One engine, driven in slices. The same class runs inside the worker and, in-thread, in the caller's own event loop.
 * The wall clock decides only how a run is cut and when progress is told, neither of which a result depends on.
 */
export class EngineSession implements EngineHost {
  readonly place = "thread";
  readonly #engine: Engine;
  #seed = 0;
  #state: "idle" | "running" | "closed" = "idle";
  #failure: SimulationError | undefined;
  #abortRequested = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get kind(): EngineKind {
    return this.#engine.kind;
  }

  async load(program: DatapathProgram, options: { readonly seed: number }): Promise<void> {
    this.#seed = options.seed;
    this.#call((engine) => engine.load(program, options));
  }

  async apply(patch: ProgramPatch): Promise<void> {
    this.#call((engine) => engine.apply(patch));
  }

  async observe(options: ObserveOptions): Promise<void> {
    this.#call((engine) => engine.observe(options));
  }

  async inject(frames: readonly InjectedFrame[]): Promise<void> {
    this.#call((engine) => engine.inject(frames));
  }

  async counters(): Promise<Counters> {
    return this.#call((engine) => engine.counters());
  }

  async tally(): Promise<Tally> {
    return this.#call((engine) => engine.tally());
  }

  async digest(): Promise<string> {
    return this.#call((engine) => engine.digest());
  }

  abort(): void {
    this.#abortRequested = true;
  }

  async run(until: Nanoseconds, listener: RunListener = {}): Promise<RunEnd> {
    if (this.#state === "running") throw new SimulationError("CONFLICT", "run: expected one run at a time, found another in progress");
    const reporter = new Reporter(listener, () => this.#call((engine) => engine.tally()));
    this.#state = "running";
    this.#abortRequested = false;
    try {
      return await this.#runSlices(until, reporter);
    } finally {
      if (this.#is("running")) this.#state = "idle";
    }
  }

  async #runSlices(until: Nanoseconds, reporter: Reporter): Promise<RunEnd> {
    const startedAt = performance.now();
    let budget = BUDGET_FIRST;
    let events = 0;
    for (;;) {
      const sliceAt = performance.now();
      const slice = this.#call((engine) => engine.run(until, budget));
      const sliceMs = performance.now() - sliceAt;
      events += slice.events;
      const interrupted = this.#abortRequested || slice.stop !== Stop.Budget;
      if (interrupted) await reporter.records(this.#call((engine) => packRecords(engine.drain())));
      if (slice.stop === Stop.Until) {
        const elapsedMs = performance.now() - startedAt;
        await reporter.finish();
        return { now: slice.now, events, elapsedMs };
      }
      if (interrupted && this.#abortRequested) throw new SimulationError("ABORTED", `run: aborted at ${slice.now} ns`, { now: slice.now });
      // A full buffer cuts a slice short: its duration says nothing about the budget.
      if (slice.stop === Stop.Budget) budget = nextBudget(budget, sliceMs);
      reporter.progress();
      await nextTurn();
    }
  }

  async dispose(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#engine.dispose();
  }

  #is(state: "idle" | "running" | "closed"): boolean {
    return this.#state === state;
  }

  /** Every entry into the engine: what it throws by design passes, anything else is a broken invariant, and final. */
  #call<T>(action: (engine: Engine) => T): T {
    if (this.#state === "closed") throw new SimulationError("CLOSED", "the engine was closed before the call ended");
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return action(this.#engine);
    } catch (error) {
      if (error instanceof SimulationError) throw error;
      this.#failure = engineFailure(error, this.#engine.kind, this.#seed);
      throw this.#failure;
    }
  }
}

function engineFailure(error: unknown, engine: EngineKind, seed: number): SimulationError {
  const reason = error instanceof Error ? error.message : String(error);
  const failure = new SimulationError("ENGINE_FAILED", `engine ${engine} stopped on a broken invariant (seed ${seed}): ${reason}`, { engine, seed, reason });
  if (error instanceof Error && error.stack !== undefined) failure.stack = `${failure.stack}\nCaused by: ${error.stack}`;
  return failure;
}

/** Aims at SLICE_MS, at most four times the last budget: one quick slice of timers says little about the traffic behind it. */
function nextBudget(budget: number, sliceMs: number): number {
  const factor = Math.min(4, SLICE_MS / Math.max(sliceMs, 0.1));
  return Math.min(BUDGET_MAX, Math.max(BUDGET_MIN, Math.round(budget * factor)));
}

/** Hands records and progress to a listener, one of each at a time, so that nothing piles up in front of a slow reader. */
class Reporter {
  readonly #listener: RunListener;
  readonly #tally: () => Tally;
  #reportedAt = performance.now();
  #reportedDelivered = 0;
  #pending: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(listener: RunListener, tally: () => Tally) {
    this.#listener = listener;
    this.#tally = tally;
    if (listener.onProgress !== undefined) this.#reportedDelivered = tally().totals.delivered;
  }

  async records(batch: RecordBatch | undefined): Promise<void> {
    if (batch !== undefined) await this.#listener.onRecords?.(batch);
  }

  /** Reports if it is time to; a listener that failed at the last report fails the run here. */
  progress(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    const isDue = performance.now() - this.#reportedAt >= PROGRESS_EVERY_MS;
    if (this.#listener.onProgress === undefined || this.#pending !== undefined || !isDue) return;
    this.#pending = this.#report()
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#pending = undefined;
      });
  }

  /** The last word: also a run that was over at once has told its progress. */
  async finish(): Promise<void> {
    if (this.#listener.onProgress === undefined) return;
    await this.#pending;
    if (this.#failure !== undefined) throw this.#failure.error;
    await this.#report();
  }

  async #report(): Promise<void> {
    const { now, totals } = this.#tally();
    const sinceMs = performance.now() - this.#reportedAt;
    const deliveredPerSecond = sinceMs > 0 ? Math.round(((totals.delivered - this.#reportedDelivered) * 1000) / sinceMs) : 0;
    this.#reportedAt = performance.now();
    this.#reportedDelivered = totals.delivered;
    await this.#listener.onProgress?.({ now, delivered: totals.delivered, dropped: totals.dropped, deliveredPerSecond });
  }
}

/**
 * Lets messages and timers have their turn. `setImmediate` where there is one; a message to oneself elsewhere, because browsers
 * stretch nested timeouts to 4 ms.
 */
function nextTurn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  return new Promise((resolve) => {
    if (setImmediate !== undefined) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
