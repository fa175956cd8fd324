import { SimulationError } from "../errors";
import { createTsEngine } from "../engine/ts/index";
import { createWasmEngine } from "../engine/wasm/index";
import { serveEngine } from "./serve";

/** The worker's script with both engines: what the package exports as `dockwire/worker`, and what runs the TypeScript engine. */
serveEngine((kind, module) => {
  if (kind === "ts") return createTsEngine();
  if (module === undefined) throw new SimulationError("INVALID_INPUT", "worker: expected the compiled engine, found none");
  return createWasmEngine(module);
});
