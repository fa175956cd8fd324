import { SimulationError } from "../errors";
import { createTsEngine } from "../engine/ts/index";
import { createWasmEngine } from "../engine/wasm/index";
import { serveEngine } from "./serve";

/** The worker's script: everything in it, except for the Wasm, which the other thread has compiled already. */
serveEngine((kind, module) => {
  if (kind === "ts") return createTsEngine();
  if (module === undefined) throw new SimulationError("INVALID_INPUT", "worker: expected the compiled engine, found none");
  return createWasmEngine(module);
});
