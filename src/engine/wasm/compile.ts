import { decodeWasm } from "./bytes.gen";

/**
 * Compiles the engine that comes with the package: once per process is enough, a module can be posted to workers.
 *
 * @throws WebAssembly.CompileError where code generation is forbidden (a page's policy without `wasm-unsafe-eval`).
 * @example
 * const engine = createWasmEngine(await compileWasm());
 */
export function compileWasm(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(decodeWasm());
}
