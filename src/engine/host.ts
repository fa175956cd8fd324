import type { Counters, Engine, EngineKind, InjectedFrame, Nanoseconds, ObserveOptions, Tally } from "./engine";
import type { DatapathProgram, ProgramPatch } from "./program";
import type { RecordBatch } from "./records";

/** Where a packet path lives, made asynchronous: in a worker, or in this thread between turns of the event loop. */
export interface EngineHost {
  readonly kind: EngineKind;
  /** "worker": packets move while this thread does something else. */
  readonly place: "worker" | "thread";
  load(program: DatapathProgram, options: { readonly seed: number }): Promise<void>;
  apply(patch: ProgramPatch): Promise<void>;
  observe(options: ObserveOptions): Promise<void>;
  inject(frames: readonly InjectedFrame[]): Promise<void>;
  /**
   * Advances simulated time to `until`, in slices that leave room for `abort`. All records written on the way have been handed
   * to the listener when the promise settles, also when it rejects with `ABORTED`. One run at a time.
   */
  run(until: Nanoseconds, listener?: RunListener): Promise<RunEnd>;
  /** Stops the run in progress at the next slice: it rejects with `ABORTED`, and the engine can go on from there. */
  abort(): void;
  counters(): Promise<Counters>;
  tally(): Promise<Tally>;
  digest(): Promise<string>;
  /** Ends everything: open calls and later ones reject with `CLOSED`. May be called twice. */
  dispose(): Promise<void>;
}

/** What a run tells on its way. A promise that a listener returns holds the run up: that is how a slow reader of records slows it down. */
export interface RunListener {
  /** At most ten times per second of real time, and once at the end. */
  onProgress?(progress: HostProgress): unknown;
  onRecords?(batch: RecordBatch): unknown;
}

export interface HostProgress {
  readonly now: Nanoseconds;
  /** Packets handed to a socket since the engine was loaded. */
  readonly delivered: number;
  readonly dropped: number;
  /** Packets handed to a socket per second of real time, since the last report. */
  readonly deliveredPerSecond: number;
}

export interface RunEnd {
  readonly now: Nanoseconds;
  readonly events: number;
  /** Real time that the run took, in milliseconds. The one number here that differs from machine to machine. */
  readonly elapsedMs: number;
}

/** How a lab gets its packet path; every field has a default that needs no configuration. */
export interface HostOptions {
  /** `"wasm"` by default; `"ts"` is slower, gives the same results, and runs where WebAssembly is forbidden. */
  readonly engine?: EngineKind;
  /** Runs in the calling thread instead of a worker. */
  readonly inThread?: boolean;
  /** Makes the worker, from the script that the package exports as `dockwire/worker`. The lab owns it and terminates it. */
  readonly worker?: () => WorkerLike;
  /** Where the script that the package exports as `dockwire/worker` is served: for pages whose policy forbids `blob:` workers. */
  readonly workerUrl?: string | URL;
  /** The Wasm engine from elsewhere than the package's own text: `dockwire/core.wasm` by URL, as bytes, or compiled. */
  readonly wasm?: string | URL | BufferSource | WebAssembly.Module;
}

/** What a platform's entry hands to the API: the only place where engines and workers are made. */
export interface Platform {
  /** `manyHosts`: the network may need VXLAN, IPVS or IPsec, which the engine that a page loads at once does without. */
  openHost(options: HostOptions, needs?: { readonly manyHosts: boolean }): Promise<EngineHost>;
  /** A bare engine in this thread, for comparisons. */
  createEngine(kind: EngineKind): Promise<Engine>;
}

/** A worker of either family, as much of it as is needed. */
export type WorkerLike = WebWorkerLike | NodeWorkerLike;

/** `Worker` of browsers, Deno and Bun. */
export interface WebWorkerLike {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
  removeEventListener(type: string, listener: (event: Event) => void): void;
  terminate(): void;
}

/** `Worker` of `node:worker_threads`. */
export interface NodeWorkerLike {
  /** -1 once it has ended. */
  readonly threadId: number;
  postMessage(message: unknown, transfer: never[]): void;
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  ref(): void;
  unref(): void;
  terminate(): Promise<number>;
}
