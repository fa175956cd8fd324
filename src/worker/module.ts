import type { HostOptions } from "../engine/host";
import { SimulationError } from "../errors";
import { builtinModule } from "./builtin";

/**
 * The Wasm engine as a module: what `wasm` says, or else what `compileOwn` makes of the package's own bytes.
 *
 * @throws SimulationError `UNSUPPORTED` where WebAssembly is missing or forbidden, `INVALID_INPUT` if `wasm` is not an engine.
 */
export async function loadModule(wasm: HostOptions["wasm"], compileOwn: () => Promise<WebAssembly.Module>): Promise<WebAssembly.Module> {
  if (typeof WebAssembly === "undefined") throw unsupported("none");
  if (wasm === undefined) return compileOwn().catch((error: unknown) => Promise.reject(unsupported(`"${reasonOf(error)}"`)));
  if (wasm instanceof WebAssembly.Module) return checked(wasm);
  const bytes = typeof wasm === "string" || wasm instanceof URL ? await readBytes(wasm) : wasm;
  const module = await WebAssembly.compile(bytes).catch((error: unknown) => Promise.reject(notTheEngine(`bytes that do not compile: ${reasonOf(error)}`)));
  return checked(module);
}

/** Whether it is the engine at all; the engine itself refuses a module of another version. */
function checked(module: WebAssembly.Module): WebAssembly.Module {
  if (WebAssembly.Module.exports(module).some(({ name }) => name === "abiVersion")) return module;
  throw notTheEngine("another module");
}

function notTheEngine(found: string): SimulationError {
  return new SimulationError("INVALID_INPUT", `wasm: expected the engine, as dockwire/core.wasm has it, found ${found}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unsupported(found: string): SimulationError {
  const expected = `engine: expected a runtime that may compile WebAssembly, found ${found}`;
  return new SimulationError("UNSUPPORTED", `${expected}; engine: "ts" does without, and a page's policy allows it with 'wasm-unsafe-eval'`);
}

async function readBytes(source: string | URL): Promise<BufferSource> {
  const url = String(source);
  const file = fileReader(url);
  try {
    if (file !== undefined) return await file();
    const response = await fetch(url);
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return await response.arrayBuffer();
  } catch (error) {
    const reason = reasonOf(error);
    throw new SimulationError("NOT_FOUND", `wasm: expected the engine at "${url}", found ${reason}`, { url, reason });
  }
}

/** Node's `fetch` does not read files. */
function fileReader(url: string): (() => Promise<BufferSource>) | undefined {
  if (!url.startsWith("file:")) return undefined;
  const files = builtinModule<typeof import("node:fs/promises")>("node:fs/promises");
  return files && (async () => new Uint8Array(await files.readFile(new URL(url))));
}
