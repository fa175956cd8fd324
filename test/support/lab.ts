/** Labs for unit tests: the TypeScript engine in this thread, disposed of after each test. */
import { afterEach } from "vitest";
import type { Lab } from "../../src/api/lab";
import type { CompiledTopology } from "../../src/api/spec";
import { startLab, type StartOptions } from "../../src/api/start";
import { createTsEngine } from "../../src/engine/ts/index";
import { EngineSession } from "../../src/worker/session";

const labs: Lab[] = [];

afterEach(async () => {
  await Promise.all(labs.splice(0).map((lab) => lab.dispose()));
});

/** Starts what `compile` gives, at seed 7. */
export async function startHere(compile: () => CompiledTopology | Promise<CompiledTopology>, options: Pick<StartOptions, "gossip"> = {}): Promise<Lab> {
  const platform = { openHost: async () => new EngineSession(createTsEngine()), createEngine: async () => createTsEngine() };
  const lab = await startLab(compile, { seed: 7, ...options }, platform);
  labs.push(lab);
  return lab;
}
