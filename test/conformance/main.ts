/**
 * Compares the simulation with recordings of a real engine.
 *
 * Usage: npm run conformance [-- FOLDER…] [--json FILE] [--only NAME] [--engine wasm|ts|both] [--verbose]
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { haveAllAtHand } from "../../src/api/at-hand";
import type { EngineChoice } from "./play/engines";
import { simulatedWorld } from "./play/simulated-world";
import { renderScenario, renderSummary, type ScenarioResult } from "./report";
import { playFolder } from "./scenarios";

// A bundle leaves out what is imported for its effect alone.
haveAllAtHand();

const ENGINES: readonly string[] = ["wasm", "ts", "both"] satisfies EngineChoice[];

async function main(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: { json: { type: "string" }, only: { type: "string" }, engine: { type: "string", default: "both" }, verbose: { type: "boolean", default: false } },
  });
  if (!ENGINES.includes(values.engine)) throw new Error(`--engine: expected ${ENGINES.join(", ")}, found ${JSON.stringify(values.engine)}`);
  const folders = positionals.length > 0 ? positionals : ["recordings", "recordings-29"].map((folder) => join(process.cwd(), "test/conformance", folder));
  const started = performance.now();
  const results: ScenarioResult[] = [];
  for (const folder of folders) {
    for await (const result of playFolder(folder, simulatedWorld(values.engine as EngineChoice), values)) {
      results.push(result);
      console.log(renderScenario(result, values.verbose));
    }
  }
  if (results.length === 0) throw new Error(`${folders.join(", ")}: expected scenarios${values.only === undefined ? "" : ` with ${JSON.stringify(values.only)} in their name`}, found none`);
  console.log(renderSummary(results));
  console.log(`${results.length} scenarios in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ scenarios: results }, null, 1)}\n`);
  return results.every(({ passed, total, differences }) => passed === total && differences.length === 0) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
