/** The simulation against the recordings: what passed once may not be lost. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { simulatedWorld } from "./play/simulated-world";
import { recordingsIn } from "./recording";
import { renderSummary, type ScenarioResult } from "./report";
import { playScenario } from "./scenarios";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** How many checks passed so far of each scenario that does not pass whole; of all others every check has to. `DOCKWIRE_RAISE=1` writes it anew. */
const BASELINE = file("baseline.json");
const baseline = JSON.parse(readFileSync(BASELINE, "utf8")) as Record<string, number>;
const mayRaise = process.env.DOCKWIRE_RAISE === "1";

const raised: Record<string, number> = {};

// Both packet engines give the answers of 20.10; those of 29 ask the model above all.
describe.each([
  ["20.10", "recordings", "", "both"],
  ["29", "recordings-29", "29 ", "wasm"],
] as const)("what Docker Engine %s did", (generation, folder, prefix, engine) => {
  const results: ScenarioResult[] = [];

  afterAll(() => console.log(`conformance with recordings of Docker Engine ${generation}:${renderSummary(results)}`));

  it.each(recordingsIn(file(folder)).map((recording) => [recording.scenario, recording] as const))("%s", { timeout: 120_000 }, async (scenario, recording) => {
    const name = `${prefix}${scenario}`;
    const result = await playScenario(recording, simulatedWorld(engine));
    const { passed, total, differences } = result;
    results.push(result);
    if (passed < total || differences.length > 0) raised[name] = passed;
    expect(passed).toBeLessThanOrEqual(total);
    const first = JSON.stringify(differences[0]);
    if (!mayRaise) expect(passed, `${passed} of ${total} checks, first difference ${first}`).toBeGreaterThanOrEqual(baseline[name] ?? total);
  });
});

it.runIf(mayRaise)("raises what may not be lost", () => {
  const kept = Object.fromEntries(Object.keys(raised).sort().map((name) => [name, Math.max(raised[name]!, baseline[name] ?? 0)]));
  writeFileSync(BASELINE, `${JSON.stringify(kept, null, 1)}\n`);
});
