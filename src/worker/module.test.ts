import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { loadModule } from "./module";

/** The smallest module that there is: magic and version. */
const EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const own = async () => new WebAssembly.Module(EMPTY);

describe("loadModule", () => {
  it("takes the package's own engine, a compiled one, or bytes", async () => {
    const module = await own();
    expect(await loadModule(module, own)).toBe(module);
    expect(await loadModule(undefined, async () => module)).toBe(module);
    expect(await loadModule(EMPTY, own)).toBeInstanceOf(WebAssembly.Module);
    expect(await loadModule(EMPTY.buffer, own)).toBeInstanceOf(WebAssembly.Module);
  });

  it("reads a file by URL", async () => {
    const folder = await mkdtemp(join(tmpdir(), "module-"));
    const file = join(folder, "core.wasm");
    await writeFile(file, EMPTY);
    expect(await loadModule(pathToFileURL(file), own)).toBeInstanceOf(WebAssembly.Module);
    await rm(folder, { recursive: true });
    await expect(loadModule(pathToFileURL(file), own)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("fetches a URL", async () => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === "/core.wasm" ? 200 : 404).end(EMPTY);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await loadModule(`${origin}/core.wasm`, own)).toBeInstanceOf(WebAssembly.Module);
    await expect(loadModule(`${origin}/else.wasm`, own)).rejects.toThrow("HTTP status 404");
    server.close();
  });

  it("refuses bytes that are no module", async () => {
    await expect(loadModule(Uint8Array.of(1, 2, 3), own)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  it("says what to do where WebAssembly is forbidden", async () => {
    const forbidden = () => Promise.reject(new WebAssembly.CompileError("Wasm code generation disallowed by embedder"));
    await expect(loadModule(undefined, forbidden)).rejects.toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining('engine: "ts"') });
  });
});
