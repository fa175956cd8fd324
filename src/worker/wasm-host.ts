import { createWasmEngine } from "../engine/wasm/index";
import { SimulationError } from "../errors";
import { serveEngine } from "./serve";

/** The worker's script for the Wasm engine, the one that a page loads at once. The Wasm itself the other thread has compiled already. */
serveEngine((kind, module) => {
  if (kind !== "wasm") throw new SimulationError("INVALID_INPUT", `worker: expected the wasm engine to be asked for, found "${kind}"`);
  if (module === undefined) throw new SimulationError("INVALID_INPUT", "worker: expected the compiled engine, found none");
  return createWasmEngine(module);
});
