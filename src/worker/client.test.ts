import { Worker } from "node:worker_threads";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "../../test/support/bundle";
import { Fault } from "../../test/support/fake-engine";
import type { HostProgress } from "../engine/host";
import { readFrames, type RecordBatch } from "../engine/records";
import { SimulationError } from "../errors";
import { WorkerClient } from "./client";
import { adaptWorker, startInlineWorker, type WorkerHandle } from "./handle";

const LONG = 1e15;
const BATCH = { timeNs: 0, bytes: new Uint8Array(0) };
const NO_MODULE = Promise.resolve(undefined);
let script = "";
const clients: WorkerClient[] = [];

beforeAll(async () => {
  script = await bundle("fake-worker.ts", "iife");
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
});

async function open(handle: WorkerHandle = startInlineWorker(script)): Promise<WorkerClient> {
  const client = await WorkerClient.open(handle, "ts", NO_MODULE);
  clients.push(client);
  return client;
}

/** The error of a call that must fail. */
async function failureOf(call: Promise<unknown>): Promise<SimulationError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SimulationError)) throw new Error(`expected a SimulationError, found ${String(error)}`);
  return error;
}

const fault = (client: WorkerClient, device: Fault) => client.inject([{ ...BATCH, device }]);

describe("a worker's engine", () => {
  it("answers as if it were here", async () => {
    const client = await open();
    expect(await client.run(2_500_000)).toMatchObject({ now: 2_500_000, events: 2_500_000 });
    expect((await client.counters()).totals.events).toBe(2_500_000);
    expect(await client.digest()).toBe((2_500_000).toString(16).padStart(16, "0"));
  });

  it("hands over every record before a run is over, in order", async () => {
    const client = await open();
    const batches: RecordBatch[] = [];
    await client.observe({ captureDevices: [0], snaplen: 60, recordDrops: false, trace: [] });
    await client.run(1_000_000, {
      onRecords: async (batch) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        batches.push(batch);
      },
    });
    const times = batches.flatMap((batch) => [...readFrames(batch)].map(({ timeNs }) => timeNs));
    expect(times).toEqual(Array.from({ length: 1_000 }, (_, index) => (index + 1) * 1_000));
  });

  it("reports progress at most ten times a second, and at the end", async () => {
    const client = await open();
    let reports = 0;
    const began = performance.now();
    const onProgress = () => {
      if (++reports === 4) client.abort();
    };
    expect((await failureOf(client.run(LONG, { onProgress }))).code).toBe("ABORTED");
    // However busy the machine is: the fourth cannot have come before.
    expect(performance.now() - began).toBeGreaterThan(290);
    const { now } = await client.counters();
    const last: HostProgress[] = [];
    await client.run(now + 5, { onProgress: (progress) => last.push(progress) });
    expect(last).toMatchObject([{ now: now + 5 }]);
  });

  it("goes on after an abort from where it stands", async () => {
    const client = await open();
    const run = client.run(LONG);
    setTimeout(() => client.abort(), 30);
    const error = await failureOf(run);
    expect(error).toMatchObject({ code: "ABORTED" });
    const now = error.details.now as number;
    expect((await client.counters()).now).toBe(now);
    expect(await client.run(now + 10)).toMatchObject({ now: now + 10, events: 10 });
  });

  it("fails the run if the listener fails", async () => {
    const client = await open();
    const onProgress = () => {
      throw new RangeError("no more");
    };
    await expect(client.run(10, { onProgress })).rejects.toThrow(RangeError);
    expect(await client.run(20)).toMatchObject({ now: 20 });
  });
});

describe("an error in a worker", () => {
  it("keeps its class, code, details and message", async () => {
    const error = await failureOf(fault(await open(), Fault.Refuse));
    expect(error.code).toBe("LIMIT_EXCEEDED");
    expect(error.message).toBe("compose.yaml:3:7: capacity: expected at most 3, found 4");
    expect(error.details).toEqual({ limit: "capacity", position: { file: "compose.yaml", line: 3, column: 7 } });
    expect(error.stack).toContain("FakeEngine");
  });

  it("that nobody meant is an engine failure with the seed, and final", async () => {
    const client = await open();
    await client.load({} as never, { seed: 77 });
    const error = await failureOf(fault(client, Fault.Trap));
    expect(error).toMatchObject({ code: "ENGINE_FAILED", details: { seed: 77, engine: "ts", reason: "unreachable" } });
    expect(error.message).toContain("seed 77");
    expect((await failureOf(client.run(10))).code).toBe("ENGINE_FAILED");
  });
});

describe("a worker that dies", () => {
  it.each([
    ["throws outside of a call", Fault.ThrowLater, "thrown later"],
    ["exits", Fault.Exit, "exited with code 3"],
  ])("because it %s rejects every open call and every later one", async (_, cause, sentence) => {
    const client = await open();
    const run = failureOf(client.run(LONG));
    fault(client, cause).catch(() => undefined);
    expect(await run).toMatchObject({ code: "WORKER_EXITED" });
    expect((await run).message).toContain(sentence);
    expect((await failureOf(client.digest())).code).toBe("WORKER_EXITED");
  });

  it("because somebody terminates it rejects the call that it hangs in", async () => {
    const worker = new Worker(script, { eval: true });
    const client = await open(adaptWorker(worker));
    const hang = failureOf(fault(client, Fault.Hang));
    await worker.terminate();
    expect((await hang).code).toBe("WORKER_EXITED");
  });

  it("before it was handed over is noticed", async () => {
    const worker = new Worker(script, { eval: true });
    await worker.terminate();
    expect((await failureOf(open(adaptWorker(worker)))).code).toBe("WORKER_EXITED");
  });

  it("because its script does not run says so", async () => {
    const error = await failureOf(open(startInlineWorker("throw new TypeError('no such thing');")));
    expect(error).toMatchObject({ code: "WORKER_EXITED" });
    expect(error.message).toContain("no such thing");
  });
});

describe("dispose", () => {
  it("ends a call that hangs, and the worker", async () => {
    const worker = new Worker(script, { eval: true });
    const client = await open(adaptWorker(worker));
    const hang = failureOf(fault(client, Fault.Hang));
    await client.dispose();
    expect((await hang).code).toBe("CLOSED");
    expect((await failureOf(client.counters())).code).toBe("CLOSED");
    expect(worker.threadId).toBe(-1);
    expect(worker.listenerCount("exit") + worker.listenerCount("messageerror")).toBe(0);
  });

  it("may be called twice", async () => {
    const client = await open();
    await Promise.all([client.dispose(), client.dispose()]);
    await client.dispose();
  });

  it("happens by itself if the engine cannot be made", async () => {
    const worker = new Worker(script, { eval: true });
    const module = Promise.reject(new SimulationError("UNSUPPORTED", "engine: no WebAssembly"));
    expect((await failureOf(WorkerClient.open(adaptWorker(worker), "wasm", module))).code).toBe("UNSUPPORTED");
    expect(worker.threadId).toBe(-1);
  });
});
