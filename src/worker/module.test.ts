import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { loadModule } from "./module";

/** A module that exports a function of the name by which the engine is known, and one that exports nothing. */
const ENGINE = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 4, 1, 0x60, 0, 0], // type: () → ()
  ...[3, 2, 1, 0], // one function of that type
  ...[7, 14, 1, 10, ...new TextEncoder().encode("abiVersion"), 0, 0],
  ...[10, 4, 1, 2, 0, 0x0b], // its empty body
);
const OTHER = ENGINE.slice(0, 8);
const own = async () => new WebAssembly.Module(ENGINE);

describe("loadModule", () => {
  it("takes the package's own engine, a compiled one, or bytes", async () => {
    const module = await own();
    expect(await loadModule(module, own)).toBe(module);
    expect(await loadModule(undefined, async () => module)).toBe(module);
    expect(await loadModule(ENGINE, own)).toBeInstanceOf(WebAssembly.Module);
    expect(await loadModule(ENGINE.buffer, own)).toBeInstanceOf(WebAssembly.Module);
  });

  it("reads a file by URL", async () => {
    const folder = await mkdtemp(join(tmpdir(), "module-"));
    const file = join(folder, "core.wasm");
    await writeFile(file, ENGINE);
    expect(await loadModule(pathToFileURL(file), own)).toBeInstanceOf(WebAssembly.Module);
    await rm(folder, { recursive: true });
    await expect(loadModule(pathToFileURL(file), own)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("fetches a URL", async () => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === "/core.wasm" ? 200 : 404).end(ENGINE);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await loadModule(`${origin}/core.wasm`, own)).toBeInstanceOf(WebAssembly.Module);
    await expect(loadModule(`${origin}/else.wasm`, own)).rejects.toThrow("HTTP status 404");
    server.close();
  });

  it("refuses what is not the engine", async () => {
    await expect(loadModule(OTHER, own)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(loadModule(new WebAssembly.Module(OTHER), own)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(loadModule(Uint8Array.of(1, 2, 3), own)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  it("says what to do where WebAssembly is forbidden", async () => {
    const forbidden = () => Promise.reject(new WebAssembly.CompileError("Wasm code generation disallowed by embedder"));
    await expect(loadModule(undefined, forbidden)).rejects.toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining('engine: "ts"') });
  });
});
