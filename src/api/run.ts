import { SimulationError } from "../errors";
import type { EngineKind, Nanoseconds, Totals } from "../engine/engine";
import type { DeviceSummary, DropSummary, FlowSummary, HostSummary } from "../observe/summary";
import type { TrafficSummary } from "../observe/traffic";
import type { Duration } from "../net/units";
import type { ManagementReport } from "./gossip/context";

/** What has happened in a simulation since its start. Plain data. */
export interface Snapshot {
  readonly now: Nanoseconds;
  readonly flows: readonly FlowSummary[];
  /** Flows of one sender and one description, added up: `clients: 4` are four flows and one of these. */
  readonly traffic: readonly TrafficSummary[];
  /** By reason and place, the most frequent first. */
  readonly drops: readonly DropSummary[];
  readonly devices: readonly DeviceSummary[];
  readonly hosts: readonly HostSummary[];
  readonly totals: Totals;
  /** Of a swarm; absent without one, or without gossip. */
  readonly management?: ManagementReport;
}

/** A snapshot at the end of a run. Everything but `elapsedMs` and `packetsPerRealSecond` is the same on every machine and engine. */
export interface RunResult extends Snapshot {
  /** 16 hexadecimal digits over every delivery and drop: equal digests, equal simulations. */
  readonly digest: string;
  readonly seed: number;
  readonly engine: EngineKind;
  readonly place: "worker" | "thread";
  /** Simulated time that this run covered. */
  readonly durationNs: Nanoseconds;
  /** Real time that this run took. */
  readonly elapsedMs: number;
  /** Packets that this run handed to a socket. */
  readonly packets: number;
  readonly packetsPerRealSecond: number;
}

export interface RunProgress {
  readonly now: Nanoseconds;
  /** Packets handed to a socket since the start of the simulation. */
  readonly packets: number;
  /** The same per second of real time, since the last report. */
  readonly packetsPerSecond: number;
  readonly dropped: number;
}

export interface RunOptions {
  /** How much simulated time to add. */
  readonly for: Duration;
  /** Ends the run early: it rejects with `ABORTED`, and the lab goes on from where it stands. */
  readonly signal?: AbortSignal;
  /** At most ten times per second of real time, and once at the end. What it throws ends the run. */
  readonly onProgress?: (progress: RunProgress) => void;
}

/** @throws SimulationError `INVALID_INPUT` where nothing says how long: whoever writes without types hears of it. */
export function readRunOptions(options: unknown): RunOptions {
  const { for: duration }: { readonly for?: unknown } = (typeof options === "object" ? options : undefined) ?? {};
  if (typeof duration !== "string") throw new SimulationError("INVALID_INPUT", `run: expected how much time to add, such as { for: "10s" }, found ${JSON.stringify(options) ?? "nothing"}`);
  return options as RunOptions;
}

/**
 * A run in progress: await it for its result, or iterate over its progress first. A loop that is slower than the reports sees
 * the latest one; leaving the loop does not stop the run.
 *
 * An async function that returns a `Run` waits for it, as for every thenable: return `{ run }` to hand it on.
 *
 * @example
 * const run = lab.run({ for: "10s" });
 * for await (const { now, packets } of run) console.log(now, packets);
 * const { flows, digest } = await run;
 */
export class Run implements Promise<RunResult>, AsyncIterable<RunProgress> {
  readonly [Symbol.toStringTag] = "Run";
  readonly #result: Promise<RunResult>;
  readonly #feed: ProgressFeed;

  /** @internal */
  constructor(start: (report: (progress: RunProgress) => void) => Promise<RunResult>) {
    const feed = new ProgressFeed();
    this.#feed = feed;
    this.#result = start((progress) => feed.push(progress)).finally(() => feed.end());
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaitable is the purpose
  then<T = RunResult, E = never>(
    onFulfilled?: ((result: RunResult) => T | PromiseLike<T>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    return this.#result.then(onFulfilled, onRejected);
  }

  catch<E = never>(onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null): Promise<RunResult | E> {
    return this.#result.catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<RunResult> {
    return this.#result.finally(onFinally);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RunProgress, void, undefined> {
    // The loop throws what the run fails with; nobody need await it a second time.
    this.#result.catch(() => undefined);
    let seen = 0;
    for (;;) {
      const { latest, version } = this.#feed;
      if (latest !== undefined && version > seen) {
        seen = version;
        yield latest;
      } else if (this.#feed.ended) {
        await this.#result;
        return;
      } else {
        await this.#feed.changed();
      }
    }
  }
}

/** The latest report, and a promise of the next. */
class ProgressFeed {
  latest: RunProgress | undefined;
  version = 0;
  ended = false;
  #next: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  push(progress: RunProgress): void {
    this.latest = progress;
    this.version += 1;
    this.#wake();
  }

  end(): void {
    this.ended = true;
    this.#wake();
  }

  changed(): Promise<void> {
    if (this.#next === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#next = { promise, resolve };
    }
    return this.#next.promise;
  }

  #wake(): void {
    this.#next?.resolve();
    this.#next = undefined;
  }
}
