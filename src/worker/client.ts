import { proxy, wrap, type Remote } from "comlink";
import type { Counters, EngineKind, InjectedFrame, Nanoseconds, ObserveOptions, Tally } from "../engine/engine";
import type { EngineHost, RunEnd, RunListener } from "../engine/host";
import type { DatapathProgram, ProgramPatch } from "../engine/program";
import { SimulationError } from "../errors";
import { changeOf, NO_CHANGE } from "./change";
import type { WorkerHandle } from "./handle";
import { watchLifeline } from "./lifeline";
import type { RemoteListener, WorkerApi } from "./protocol";
import { installErrorTransfer } from "./transfer";

/** Compiled Wasm takes a moment: the worker starts meanwhile. */
type ModulePromise = Promise<WebAssembly.Module | undefined>;

/**
 * An engine in a worker. A call to a dead worker would never settle by itself, so each one is open until the worker answers,
 * dies, or is disposed of. Only an open call keeps the process alive.
 */
export class WorkerClient implements EngineHost {
  readonly place = "worker";
  readonly kind: EngineKind;
  readonly #handle: WorkerHandle;
  readonly #remote: Remote<WorkerApi>;
  readonly #stopListening: () => void;
  #stopWatching: () => void = () => undefined;
  readonly #open = new Set<(error: SimulationError) => void>();
  #end: SimulationError | undefined;
  /** The last one that was sent, taken or not. */
  #program: DatapathProgram | undefined;

  /** Takes the worker over and makes its engine; if that fails, the worker is terminated. */
  static async open(handle: WorkerHandle, kind: EngineKind, module: ModulePromise): Promise<WorkerClient> {
    const client = new WorkerClient(handle, kind);
    const lifeline = handle.tellsItsEnd ? undefined : `dockwire-${Math.random()}`;
    try {
      const isHeld = await client.#call(async () => client.#remote.open(kind, await module, lifeline));
      if (isHeld && lifeline !== undefined) client.#stopWatching = watchLifeline(lifeline, () => client.#die("it was terminated"));
      return client;
    } catch (error) {
      await client.dispose();
      throw error;
    }
  }

  private constructor(handle: WorkerHandle, kind: EngineKind) {
    installErrorTransfer();
    this.kind = kind;
    this.#handle = handle;
    this.#remote = wrap<WorkerApi>(handle.endpoint);
    this.#stopListening = handle.onDeath((why) => this.#die(why));
  }

  load(program: DatapathProgram, options: { readonly seed: number }): Promise<void> {
    this.#program = program;
    return this.#call(() => this.#remote.load(program, options));
  }

  /** A program that replaces another one is sent as what is different. */
  apply({ program, ...patch }: ProgramPatch): Promise<void> {
    const change = program && (changeOf(this.#program, program) ?? NO_CHANGE);
    this.#program = program ?? this.#program;
    return this.#call(() => this.#remote.apply(patch, change));
  }

  observe(options: ObserveOptions): Promise<void> {
    return this.#call(() => this.#remote.observe(options));
  }

  inject(frames: readonly InjectedFrame[]): Promise<void> {
    return this.#call(() => this.#remote.inject(frames));
  }

  counters(): Promise<Counters> {
    return this.#call(() => this.#remote.counters());
  }

  tally(): Promise<Tally> {
    return this.#call(() => this.#remote.tally());
  }

  digest(): Promise<string> {
    return this.#call(() => this.#remote.digest());
  }

  run(until: Nanoseconds, listener: RunListener = {}): Promise<RunEnd> {
    const wants = { progress: listener.onProgress !== undefined, records: listener.onRecords !== undefined };
    const remote = wants.progress || wants.records ? proxy(listenerFor(listener)) : undefined;
    return this.#call(() => this.#remote.run(until, remote, wants));
  }

  abort(): void {
    // Whoever awaits the run gets the answer; a worker that has died by now has told the run so.
    void this.#call(() => this.#remote.abort()).catch(() => undefined);
  }

  async dispose(): Promise<void> {
    await this.#finish(new SimulationError("CLOSED", "the lab was closed before the call ended"));
  }

  #die(why: string): void {
    void this.#finish(new SimulationError("WORKER_EXITED", `worker: ${why}`, { why }));
  }

  /** Ends all open calls with `error`, which is also the answer to every later one. The first reason stays. */
  async #finish(error: SimulationError): Promise<void> {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#stopListening();
    this.#stopWatching();
    for (const reject of this.#open) reject(error);
    this.#open.clear();
    await this.#handle.terminate();
  }

  #call<T>(send: () => PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      const close = () => {
        this.#open.delete(fail);
        if (this.#open.size === 0) this.#handle.release();
      };
      const fail = (error: unknown) => {
        close();
        reject(error);
      };
      if (this.#open.size === 0) this.#handle.hold();
      this.#open.add(fail);
      send().then((value) => {
        close();
        resolve(value);
      }, fail);
    });
  }
}

function listenerFor(listener: RunListener): RemoteListener {
  return {
    onProgress: async (progress) => {
      await listener.onProgress?.(progress);
    },
    onRecords: async (batch) => {
      await listener.onRecords?.(batch);
    },
  };
}
