import { expose, releaseProxy, transfer, type Endpoint, type Remote } from "comlink";
import type { Engine, EngineKind } from "../engine/engine";
import type { RunListener } from "../engine/host";
import type { DatapathProgram } from "../engine/program";
import { SimulationError } from "../errors";
import { workerThreads } from "./builtin";
import { changed } from "./change";
import { holdLifeline } from "./lifeline";
import { nodeEndpoint, type RemoteListener, type WorkerApi } from "./protocol";
import { EngineSession } from "./session";
import { detachCounters, installErrorTransfer } from "./transfer";

/** Inside a worker: answers the thread that made it, with an engine made by `create`. */
export function serveEngine(create: (kind: EngineKind, module: WebAssembly.Module | undefined) => Engine | Promise<Engine>): void {
  installErrorTransfer();
  let opened: EngineSession | undefined;
  let last: DatapathProgram | undefined;
  const session = () => {
    if (opened === undefined) throw new SimulationError("CLOSED", "worker: expected an open engine, found none");
    return opened;
  };
  const api: WorkerApi = {
    open: async (kind, module, lifeline) => {
      opened = new EngineSession(await create(kind, module));
      return lifeline !== undefined && holdLifeline(lifeline);
    },
    load: (program, options) => {
      last = program;
      return session().load(program, options);
    },
    apply: (patch, change) => {
      if (change === undefined) return session().apply(patch);
      const program = changed(last, change) as DatapathProgram;
      last = program;
      return session().apply({ ...patch, program });
    },
    observe: (options) => session().observe(options),
    inject: (frames) => session().inject(frames),
    run: async (until, listener, wants) => {
      const remote = listener as Remote<RemoteListener> | undefined;
      try {
        return await session().run(until, remote === undefined ? {} : localListener(remote, wants));
      } finally {
        remote?.[releaseProxy]();
      }
    },
    abort: () => session().abort(),
    counters: async () => {
      const { counters, buffers } = detachCounters(await session().counters());
      return transfer(counters, buffers);
    },
    tally: () => session().tally(),
    digest: () => session().digest(),
  };
  expose(api, parentEndpoint());
}

function localListener(remote: Remote<RemoteListener>, wants: { readonly progress: boolean; readonly records: boolean }): RunListener {
  return {
    ...(wants.progress && { onProgress: (progress) => remote.onProgress(progress) }),
    ...(wants.records && { onRecords: (batch) => remote.onRecords(transfer(batch, [batch.events, batch.frames])) }),
  };
}

function parentEndpoint(): Endpoint {
  const parentPort = workerThreads()?.parentPort;
  return parentPort ? nodeEndpoint(parentPort) : (globalThis as unknown as Endpoint);
}
