import type { ObserveOptions } from "../engine/engine";
import type { RecordBatch } from "../engine/records";
import type { Capture } from "./capture";
import type { Trace } from "./trace";

/** Captures and traces that share one engine: it records what any of them wants. */
export class Observers {
  readonly #captures = new Set<Capture>();
  readonly #traces = new Set<Trace>();
  /** Those whose wish the engine knows: they get records. */
  #active: readonly (Capture | Trace)[] = [];
  #told = "";

  addCapture(capture: Capture): void {
    this.#captures.add(capture);
  }

  addTrace(trace: Trace): void {
    this.#traces.add(trace);
  }

  /** The network has other devices now. */
  follow(): void {
    for (const capture of this.#captures) capture.follow();
  }

  /**
   * What the engine should record from now on, or `undefined` if it knows. `extra` is a trace for this once, as a ping wants it.
   */
  change(extra: ObserveOptions["trace"] = []): ObserveOptions | undefined {
    for (const capture of this.#captures) if (capture.isStopped) this.#captures.delete(capture);
    const captures = [...this.#captures];
    const wanted = new Map<number, number>();
    for (const { flow, packets } of [...[...this.#traces].flatMap((trace) => trace.wanted()), ...extra]) {
      wanted.set(flow, Math.max(packets, wanted.get(flow) ?? 0));
    }
    const options: ObserveOptions = {
      captureDevices: [...new Set(captures.flatMap(({ devices }) => [...devices]))].sort((a, b) => a - b),
      snaplen: Math.max(0, ...captures.map(({ snaplen }) => snaplen)),
      recordDrops: false,
      trace: [...wanted].sort(([a], [b]) => a - b).map(([flow, packets]) => ({ flow, packets })),
    };
    this.#active = [...captures, ...this.#traces];
    const told = JSON.stringify(options);
    // Traces are used up: asking for the same again is news.
    if (told === this.#told && options.trace.length === 0) return undefined;
    this.#told = told;
    return options;
  }

  add(batch: RecordBatch): void {
    for (const observer of this.#active) observer.add(batch);
  }
}
