/** What a page does whose policy forbids workers from `blob:` URLs, or that already has the engine's bytes. */
import source from "inline-worker:host";
import { describe, expect, it } from "vitest";
import { PACKED } from "../../src/engine/wasm/bytes.gen";
import { decodeWasm } from "../../src/engine/wasm/compile";
import type { StartOptions } from "../../src/index";
import { docker } from "../../src/targets/browser";

const pair = docker("pair").network("lan").container("web", { networks: ["lan"] }).container("db", { networks: ["lan"] });

async function answers(options: StartOptions): Promise<number> {
  await using lab = await pair.start(options);
  return (await lab.ping("web", "db", { count: 1 })).received;
}

const blobUrl = (parts: BlobPart[], type: string) => URL.createObjectURL(new Blob(parts, { type }));

describe("in a browser", () => {
  it("the worker may come by URL or be made by the caller", async () => {
    const url = blobUrl([source], "text/javascript");
    expect(await answers({ workerUrl: url })).toBe(1);
    expect(await answers({ worker: () => new Worker(url) })).toBe(1);
    await expect(pair.start({ workerUrl: "/nowhere.js" })).rejects.toMatchObject({ code: "WORKER_EXITED", message: expect.stringContaining("workerUrl") });
  });

  it("the engine may come by URL, as bytes, or compiled", async () => {
    expect(await answers({ wasm: blobUrl([await decodeWasm(PACKED)], "application/wasm") })).toBe(1);
    expect(await answers({ wasm: await decodeWasm(PACKED) })).toBe(1);
    expect(await answers({ wasm: await WebAssembly.compile(await decodeWasm(PACKED)) })).toBe(1);
  });
});
