import { afterEach, describe, expect, it } from "vitest";
import { SimulationError } from "../../src/errors";
import { WorkerClient } from "../../src/worker/client";
import { adaptWorker, startInlineWorker, type WorkerHandle } from "../../src/worker/handle";
import { Fault } from "../support/fake-engine";

const LONG = 1e15;
const NO_MODULE = Promise.resolve(undefined);
const clients: WorkerClient[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
});

const fakeWorker = () => new Worker(new URL("../support/fake-worker.ts", import.meta.url), { type: "module" });

async function open(handle: WorkerHandle = adaptWorker(fakeWorker())): Promise<WorkerClient> {
  const client = await WorkerClient.open(handle, "ts", NO_MODULE);
  clients.push(client);
  return client;
}

async function failureOf(call: Promise<unknown>): Promise<SimulationError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SimulationError)) throw new Error(`expected a SimulationError, found ${String(error)}`);
  return error;
}

const fault = (client: WorkerClient, device: Fault) => client.inject([{ timeNs: 0, device, bytes: new Uint8Array(0) }]);
const soon = (action: () => void) => setTimeout(action, 30);

describe("an engine in a Web Worker", () => {
  it("answers as if it were here", async () => {
    const client = await open();
    expect(await client.run(2_500_000)).toMatchObject({ now: 2_500_000, events: 2_500_000 });
  });

  it("hears an abort between two slices and goes on from there", async () => {
    const client = await open();
    const run = failureOf(client.run(LONG));
    soon(() => client.abort());
    const { code, details } = await run;
    expect(code).toBe("ABORTED");
    const now = details.now as number;
    expect(await client.run(now + 10)).toMatchObject({ now: now + 10 });
  });

  it("keeps class, code and details of an error", async () => {
    const error = await failureOf(fault(await open(), Fault.Refuse));
    expect(error.message).toBe("compose.yaml:3:7: capacity: expected at most 3, found 4");
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: "capacity" } });
  });
});

describe("a Web Worker that dies", () => {
  it("because its script throws rejects every open call and every later one", async () => {
    const script = 'addEventListener("message", () => { throw new RangeError("no more"); });';
    const { code, message } = await failureOf(open(startInlineWorker(script)));
    expect(code).toBe("WORKER_EXITED");
    expect(message).toContain("no more");
  });

  it("because its script is not there says so", async () => {
    const { code, message } = await failureOf(open(adaptWorker(new Worker("/nowhere.js"))));
    expect(code).toBe("WORKER_EXITED");
    expect(message).toContain("script could not be loaded");
  });

  it("because somebody terminates it rejects every open call and every later one", async () => {
    const worker = fakeWorker();
    const client = await open(adaptWorker(worker));
    const run = failureOf(client.run(LONG));
    soon(() => worker.terminate());
    expect((await run).code).toBe("WORKER_EXITED");
    expect((await failureOf(client.digest())).code).toBe("WORKER_EXITED");
  });
});

describe("dispose in a browser", () => {
  it("ends a call that hangs", async () => {
    const client = await open();
    const hang = failureOf(fault(client, Fault.Hang));
    soon(() => void client.dispose());
    expect((await hang).code).toBe("CLOSED");
  });
});
