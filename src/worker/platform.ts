import type { Engine, EngineKind } from "../engine/engine";
import type { EngineHost, HostOptions, Platform } from "../engine/host";
import { createTsEngine } from "../engine/ts/index";
import { compileWasm } from "../engine/wasm/compile";
import { createWasmEngine } from "../engine/wasm/index";
import { SimulationError } from "../errors";
import { WorkerClient } from "./client";
import { adaptWorker, startInlineWorker, startWorkerAt, type WorkerHandle } from "./handle";
import { loadModule } from "./module";
import { EngineSession } from "./session";

/** Engines in workers or in this thread. `source` is the text of the worker's script. */
export function createPlatform(source: string): Platform {
  let own: Promise<WebAssembly.Module> | undefined;
  /** Once per process, whatever number of workers gets it. */
  const compileOwn = () => (own ??= compileWasm());
  return {
    openHost: async (options) => {
      const kind = checked(options);
      if (options.inThread) return new EngineSession(await createEngine(kind, options.wasm, compileOwn));
      return openWorker(kind, options, source, compileOwn);
    },
    createEngine: (kind) => createEngine(kind, undefined, compileOwn),
  };
}

function checked({ engine = "wasm" }: HostOptions): EngineKind {
  if (engine === "wasm" || engine === "ts") return engine;
  throw new SimulationError("INVALID_INPUT", `engine: expected "wasm" or "ts", found ${JSON.stringify(engine)}`);
}

type Compile = () => Promise<WebAssembly.Module>;

async function createEngine(kind: EngineKind, wasm: HostOptions["wasm"], compileOwn: Compile): Promise<Engine> {
  return kind === "ts" ? createTsEngine() : createWasmEngine(await loadModule(wasm, compileOwn));
}

async function openWorker(kind: EngineKind, options: HostOptions, source: string, compileOwn: Compile): Promise<EngineHost> {
  const handle = startWorker(options, source);
  // Compiled while the worker starts.
  const module = kind === "ts" ? Promise.resolve(undefined) : loadModule(options.wasm, compileOwn);
  try {
    return await WorkerClient.open(handle, kind, module);
  } catch (error) {
    throw error instanceof SimulationError && error.code === "WORKER_EXITED" ? notStarted(error.message) : error;
  }
}

function startWorker({ worker, workerUrl }: HostOptions, source: string): WorkerHandle {
  try {
    if (worker !== undefined) return adaptWorker(worker());
    return workerUrl === undefined ? startInlineWorker(source) : startWorkerAt(workerUrl);
  } catch (error) {
    throw notStarted(error instanceof Error ? error.message : String(error));
  }
}

function notStarted(reason: string): SimulationError {
  const message = `worker: expected one to start, found: ${reason}; workerUrl serves its script from a place that the page's policy allows, inThread does without`;
  return new SimulationError("WORKER_EXITED", message, { reason });
}
