/** Workers and Wasm from elsewhere than the package's own text, for those whose environment asks for it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import source from "inline-worker:host";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PACKED } from "../src/engine/wasm/bytes.gen";
import { decodeWasm } from "../src/engine/wasm/compile";
import { docker } from "../src/targets/node";
import type { StartOptions } from "../src/index";

const pair = docker("pair").network("lan").container("web", { networks: ["lan"] }).container("db", { networks: ["lan"] });
let folder = "";
let workerFile = "";
let wasmFile = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatches-"));
  workerFile = join(folder, "worker.js");
  wasmFile = join(folder, "core.wasm");
  await writeFile(workerFile, source);
  await writeFile(wasmFile, await decodeWasm(PACKED));
});

afterAll(() => rm(folder, { recursive: true }));

async function answers(options: StartOptions): Promise<number> {
  await using lab = await pair.start(options);
  return (await lab.ping("web", "db", { count: 1 })).received;
}

describe("a worker", () => {
  it("may be made by the caller, and is terminated with the lab", async () => {
    const worker = new Worker(source, { eval: true });
    expect(await answers({ worker: () => worker })).toBe(1);
    expect(worker.threadId).toBe(-1);
  });

  it("may be loaded by URL", async () => {
    expect(await answers({ workerUrl: pathToFileURL(workerFile) })).toBe(1);
    expect(await answers({ workerUrl: pathToFileURL(workerFile).href })).toBe(1);
  });

  it("that cannot be made says what else there is", async () => {
    const worker = () => {
      throw new TypeError("no workers here");
    };
    await expect(pair.start({ worker })).rejects.toMatchObject({ code: "WORKER_EXITED", message: expect.stringContaining("inThread") });
    const workerUrl = pathToFileURL(join(folder, "nowhere.js"));
    await expect(pair.start({ workerUrl })).rejects.toMatchObject({ code: "WORKER_EXITED", message: expect.stringContaining("nowhere.js") });
  });
});

describe("the Wasm engine", () => {
  it.each([true, false])("may come by URL, as bytes, or compiled (in this thread: %s)", async (inThread) => {
    expect(await answers({ inThread, wasm: pathToFileURL(wasmFile) })).toBe(1);
    expect(await answers({ inThread, wasm: await decodeWasm(PACKED) })).toBe(1);
    expect(await answers({ inThread, wasm: await WebAssembly.compile(await decodeWasm(PACKED)) })).toBe(1);
  });

  it("that is none is refused", async () => {
    await expect(pair.start({ wasm: Uint8Array.of(1, 2, 3) })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(pair.start({ wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0) })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(pair.start({ engine: "wasn" as "wasm" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });
});
