import fc from "fast-check";
import { expect, it } from "vitest";
import { PACKED as FULL } from "../../src/engine/wasm/bytes.gen";
import { compileWasm } from "../../src/engine/wasm/compile";
import { createWasmEngine } from "../../src/engine/wasm/index";
import { PACKED as SMALL } from "../../src/engine/wasm/single-host.gen";
import { arbitraryPlan } from "../support/arbitrary";
import { compareEngines } from "../support/diverge";
import { buildPlan } from "../support/plan";
import { overlay, overlayCapacity } from "../support/two-host-overlay";

const MINUTES = 60_000;

/** One source, two builds: what differs is what is cut off, so few networks are enough. */
it("the small build does on one host what the whole one does", { timeout: 5 * MINUTES }, async () => {
  const [full, small] = [await compileWasm(FULL), await compileWasm(SMALL)];
  const limits = { flows: 8, processes: 4, frames: 30, patches: 4, firewalls: "small" as const };
  const property = fc.property(arbitraryPlan(limits), (plan) => {
    const difference = compareEngines([() => createWasmEngine(full), () => createWasmEngine(small)], plan, buildPlan(plan), { slices: 2, budget: 1_000_000, eventsMax: 4000 });
    if (difference !== undefined) expect.fail(difference);
  });
  fc.assert(property, { numRuns: 30, ...(process.env.CI === "true" ? { seed: 20261127 } : {}) });
});

it("the small build refuses a network with VXLAN, and says what to do", async () => {
  const tunnel = overlay();
  const engine = createWasmEngine(await compileWasm(SMALL));
  const refusal = { code: "UNSUPPORTED", message: expect.stringMatching(/^wasm: expected the build for several hosts.*dockwire\/core\.wasm/) };
  expect(() => engine.load(tunnel.draft.program({ capacity: overlayCapacity(tunnel) }), { seed: 1 })).toThrow(expect.objectContaining(refusal));
});
