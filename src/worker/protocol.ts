import type { Endpoint } from "comlink";
import type { Counters, EngineKind, InjectedFrame, Nanoseconds, ObserveOptions, Tally } from "../engine/engine";
import type { HostProgress, RunEnd } from "../engine/host";
import type { DatapathProgram, ProgramPatch } from "../engine/program";
import type { RecordBatch } from "../engine/records";
import type { Change } from "./change";

/** What the worker answers to. One worker serves one engine. */
export interface WorkerApi {
  /**
   * Makes the engine. `module` is the compiled Wasm, absent for the TypeScript engine. Resolves to whether the worker holds the
   * lock named `lifeline`.
   */
  open(kind: EngineKind, module: WebAssembly.Module | undefined, lifeline: string | undefined): Promise<boolean>;
  load(program: DatapathProgram, options: { readonly seed: number }): Promise<void>;
  /** `change`: of the program that was loaded or came with the last patch that changed it; absent: it stays. */
  apply(patch: Omit<ProgramPatch, "program">, change: Change | undefined): Promise<void>;
  observe(options: ObserveOptions): Promise<void>;
  inject(frames: readonly InjectedFrame[]): Promise<void>;
  /** `listener` is a comlink proxy, which the worker releases at the end; what it does not want is not sent. */
  run(until: Nanoseconds, listener: RemoteListener | undefined, wants: { readonly progress: boolean; readonly records: boolean }): Promise<RunEnd>;
  abort(): void;
  counters(): Promise<Counters>;
  tally(): Promise<Tally>;
  digest(): Promise<string>;
}

/** A run's listener, as the worker sees it. */
export interface RemoteListener {
  onProgress(progress: HostProgress): Promise<void>;
  onRecords(batch: RecordBatch): Promise<void>;
}

/** What `node:worker_threads` gives on either side: messages come bare, not as events. */
export interface NodePort {
  postMessage(message: unknown, transfer: never[]): void;
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
}

/** A comlink endpoint over a Node port or worker. (comlink's own adapter has no types.) */
export function nodeEndpoint(port: NodePort): Endpoint {
  const adapted = new Map<EventListenerOrEventListenerObject, (data: unknown) => void>();
  return {
    postMessage: (message, transfer) => port.postMessage(message, (transfer ?? []) as never[]),
    addEventListener: (type, listener) => {
      const deliver = (data: unknown) => {
        const event = { data } as MessageEvent;
        if ("handleEvent" in listener) listener.handleEvent(event);
        else listener(event);
      };
      port.on(type, deliver);
      adapted.set(listener, deliver);
    },
    removeEventListener: (type, listener) => {
      const deliver = adapted.get(listener);
      if (deliver === undefined) return;
      port.off(type, deliver);
      adapted.delete(listener);
    },
  };
}
