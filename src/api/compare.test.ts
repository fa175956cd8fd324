import { describe, expect, it } from "vitest";
import { shop, traffic } from "../../test/support/shop";
import type { Engine, EngineKind, InjectedFrame } from "../engine/engine";
import { createTsEngine } from "../engine/ts/index";
import { runComparison } from "./compare";
import { compile } from "./spec";

const topology = compile(shop([traffic({ startNs: 5e6 })], { loss: 2 ** 27, delayNs: 1e5 }));
const options = { for: "50ms", samples: 1 } as const;

const device = topology.devices.get("db:eth0")!;

/** The TypeScript engine under either name; the one called "wasm" sees a frame that the other does not, if there is one. */
function creator(frame?: InjectedFrame): (kind: EngineKind) => Promise<Engine> {
  return async (kind) => {
    const engine = createTsEngine();
    const original = engine.load.bind(engine);
    const load: Engine["load"] = (program, loadOptions) => {
      original(program, loadOptions);
      if (kind === "wasm" && frame !== undefined) engine.inject([frame]);
    };
    return Object.defineProperties(engine, { kind: { value: kind }, load: { value: load } });
  };
}

describe("runComparison", () => {
  it("says that equal engines are identical, and how fast each is", async () => {
    const report = await runComparison(topology, options, creator());
    expect(report).toMatchObject({ identical: true, seed: 0, engines: [{ engine: "wasm", ratio: 1 }, { engine: "ts" }] });
    expect(report.firstDivergence).toBeUndefined();
    expect(report.engines[0]!.digest).toBe(report.engines[1]!.digest);
    expect(report.engines[0]!.packets).toBeGreaterThan(400);
    expect(report.table().map(({ engine }) => engine)).toEqual(["wasm", "ts"]);
  });

  it("finds the event at which engines part ways", async () => {
    const frame = { timeNs: 20_000_001, device, bytes: new Uint8Array(60) };
    const { identical, firstDivergence } = await runComparison(topology, options, creator(frame));
    expect(identical).toBe(false);
    expect(firstDivergence).toMatchObject({ engines: ["wasm", "ts"], timeNs: 20_000_001 });
    const engine = createTsEngine();
    engine.load(topology.program, { seed: 0 });
    engine.run(20_000_001, Number.POSITIVE_INFINITY);
    expect(firstDivergence?.index).toBe(engine.counters().totals.events);
  });

  it("compares as many engines as are named", async () => {
    const { engines } = await runComparison(topology, { ...options, engines: ["ts"] }, creator());
    expect(engines).toHaveLength(1);
    await expect(runComparison(topology, { ...options, engines: [] }, creator())).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(runComparison(topology, { ...options, samples: 0 }, creator())).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });
});
