import wasmHost from "inline-worker:wasm-host";
import { createDocker } from "../api/docker";
import type { Engine, EngineKind } from "../engine/engine";
import { PACKED } from "../engine/wasm/single-host.gen";
import { createPlatform } from "../worker/platform";

/** What only the TypeScript engine or several hosts need are chunks of their own, for bundlers that split. */
const platform = createPlatform({
  wasm: wasmHost,
  ts: async () => (await import("inline-worker:host")).default,
  singleHost: PACKED,
  manyHosts: async () => (await import("../engine/wasm/bytes.gen")).PACKED,
});

/** What both entries export beside `index.ts`: one platform serves Node, browsers, Deno and Bun, because it looks for what there is. */
export const { docker, swarm, fromSpec, compareEngines, encryptionCost } = createDocker(platform);

/**
 * A bare packet path in this thread, for benchmarks and for driving it slice by slice.
 *
 * @throws SimulationError `UNSUPPORTED` where WebAssembly is forbidden.
 * @example
 * const engine = await createEngine("wasm");
 * engine.load(shop.compile().program, { seed: 7 });
 */
export function createEngine(kind: EngineKind): Promise<Engine> {
  return platform.createEngine(kind);
}
