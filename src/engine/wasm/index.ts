import type { Engine } from "../engine";
import { WasmEngine } from "./engine";

/**
 * A packet path in WebAssembly, which behaves as docs/ENGINE.md says. The module comes from `compileWasm`, or from
 * `dockwire/core.wasm`: whoever is handed one, such as a worker, need not carry the bytes as well.
 *
 * @example
 * const engine = createWasmEngine(await compileWasm(PACKED));
 * engine.load(program, { seed: 7 });
 * engine.run(1_000_000_000, Infinity);
 * console.log(engine.digest());
 */
export function createWasmEngine(module: WebAssembly.Module): Engine {
  return new WasmEngine(module);
}
