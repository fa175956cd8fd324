import type { Endpoint } from "comlink";
import type { NodeWorkerLike, WebWorkerLike, WorkerLike } from "../engine/host";
import { workerThreads } from "./builtin";
import { nodeEndpoint } from "./protocol";

/** A worker of either family behind one face. */
export interface WorkerHandle {
  readonly endpoint: Endpoint;
  /** Calls `listener` once, when the worker has died or said something unreadable, with a sentence that says why. Returns the way to stop listening. */
  onDeath(listener: (why: string) => void): () => void;
  /** Whether `onDeath` knows of every death. */
  readonly tellsItsEnd: boolean;
  /** While the worker is held, it keeps the process alive. */
  hold(): void;
  release(): void;
  terminate(): Promise<void>;
}

/** Starts a worker from the text of a classic script: nothing to serve, nothing for a bundler to find. */
export function startInlineWorker(source: string): WorkerHandle {
  const threads = workerThreads();
  if (threads !== undefined) {
    // Flags of the parent, such as a loader of its own, are none of the worker's business.
    return adaptWorker(new threads.Worker(source, { eval: true, execArgv: [], name: "dockwire" }));
  }
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const handle = adaptWorker(new Worker(url, { name: "dockwire" }));
  return {
    ...handle,
    terminate: async () => {
      URL.revokeObjectURL(url);
      await handle.terminate();
    },
  };
}

/** Starts a worker from the script at `url`, which must be a classic script. */
export function startWorkerAt(url: string | URL): WorkerHandle {
  const threads = workerThreads();
  if (threads === undefined) return adaptWorker(new Worker(url, { name: "dockwire" }));
  // Node takes a path or a URL object, but no URL as text.
  const file = typeof url === "string" && url.startsWith("file:") ? new URL(url) : url;
  return adaptWorker(new threads.Worker(file, { execArgv: [], name: "dockwire" }));
}

export function adaptWorker(worker: WorkerLike): WorkerHandle {
  return isNodeWorker(worker) ? adaptNodeWorker(worker) : adaptWebWorker(worker);
}

function isNodeWorker(worker: WorkerLike): worker is NodeWorkerLike {
  return "off" in worker && typeof worker.off === "function" && !("dispatchEvent" in worker);
}

function adaptNodeWorker(worker: NodeWorkerLike): WorkerHandle {
  worker.unref();
  return {
    endpoint: nodeEndpoint(worker),
    tellsItsEnd: true,
    onDeath: (listener) => {
      const onError = (error: unknown) => listener(`it threw outside of a call: ${error instanceof Error ? error.message : String(error)}`);
      const onExit = (code: unknown) => listener(`it exited with code ${code}`);
      const onMessageError = () => listener("it sent a message that cannot be read");
      worker.on("error", onError);
      worker.on("exit", onExit);
      worker.on("messageerror", onMessageError);
      if (worker.threadId === -1) queueMicrotask(() => listener("it had ended before it was handed over"));
      return () => {
        worker.off("exit", onExit);
        worker.off("messageerror", onMessageError);
        // The listener for "error" stays, without effect: a worker that fails while it is being terminated must not end the process.
      };
    },
    hold: () => worker.ref(),
    release: () => worker.unref(),
    terminate: async () => {
      await worker.terminate();
    },
  };
}

function adaptWebWorker(worker: WebWorkerLike): WorkerHandle {
  return {
    endpoint: worker as unknown as Endpoint,
    tellsItsEnd: false,
    onDeath: (listener) => {
      const onError = (event: Event) => {
        // Whoever waits for an answer is told; the console need not be.
        event.preventDefault();
        const { message } = event as Partial<ErrorEvent>;
        listener(message ? `it threw outside of a call: ${message}` : "its script could not be loaded or started");
      };
      const onMessageError = () => listener("it sent a message that cannot be read");
      worker.addEventListener("error", onError);
      worker.addEventListener("messageerror", onMessageError);
      return () => {
        worker.removeEventListener("error", onError);
        worker.removeEventListener("messageerror", onMessageError);
      };
    },
    hold: () => undefined,
    release: () => undefined,
    terminate: async () => worker.terminate(),
  };
}
