import type { Engine, EngineKind } from "../engine/engine";
import type { EngineHost, HostOptions, Platform } from "../engine/host";
import { compileWasm, type PackedWasm } from "../engine/wasm/compile";
import { SimulationError } from "../errors";
import { builtinModule } from "./builtin";
import { WorkerClient } from "./client";
import { adaptWorker, startInlineWorker, startWorkerAt, type WorkerHandle } from "./handle";
import { loadModule } from "./module";
import { EngineSession } from "./session";

/** What a platform's entry carries: the texts of the workers' scripts and the builds of the Wasm engine. */
export interface PlatformSources {
  readonly wasm: string;
  ts(): Promise<string>;
  /** The build for networks of one host. */
  readonly singleHost: PackedWasm;
  /** The build for all networks. */
  manyHosts(): Promise<PackedWasm>;
}

/** Engines in workers or in this thread. */
export function createPlatform(sources: PlatformSources): Platform {
  const inflate = builtinModule<typeof import("node:zlib")>("node:zlib")?.inflateSync;
  const compiled = new Map<boolean, Promise<WebAssembly.Module>>();
  /** Once per process, whatever number of workers gets it. The small build is for pages: elsewhere nobody downloads anything. */
  const compileOwn = (needsManyHosts: boolean) => {
    const manyHosts = needsManyHosts || inflate !== undefined;
    const module = compiled.get(manyHosts) ?? (manyHosts ? sources.manyHosts() : Promise.resolve(sources.singleHost)).then((packed) => compileWasm(packed, inflate));
    compiled.set(manyHosts, module);
    return module;
  };
  return {
    openHost: async (options, { manyHosts } = { manyHosts: false }) => {
      const kind = checked(options);
      const compile = () => compileOwn(manyHosts);
      if (options.inThread) return new EngineSession(await createEngine(kind, options.wasm, compile));
      return openWorker(kind, options, sources, compile);
    },
    createEngine: (kind) => createEngine(kind, undefined, () => compileOwn(true)),
  };
}

function checked({ engine = "wasm" }: HostOptions): EngineKind {
  if (engine === "wasm" || engine === "ts") return engine;
  throw new SimulationError("INVALID_INPUT", `engine: expected "wasm" or "ts", found ${JSON.stringify(engine)}`);
}

type Compile = () => Promise<WebAssembly.Module>;

async function createEngine(kind: EngineKind, wasm: HostOptions["wasm"], compileOwn: Compile): Promise<Engine> {
  // Imported on demand: a page whose engine runs in a worker needs neither in its own thread.
  if (kind === "ts") return (await import("../engine/ts/index")).createTsEngine();
  const [{ createWasmEngine }, module] = await Promise.all([import("../engine/wasm/index"), loadModule(wasm, compileOwn)]);
  return createWasmEngine(module);
}

async function openWorker(kind: EngineKind, options: HostOptions, sources: PlatformSources, compileOwn: Compile): Promise<EngineHost> {
  const isInline = options.worker === undefined && options.workerUrl === undefined;
  const handle = startWorker(options, kind === "ts" && isInline ? await sources.ts() : sources.wasm);
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
