import { createEngine } from "../src/targets/node";
import { advance, SCENARIOS } from "./scenarios";

const PACKETS = 50_000_000;
const SAMPLES = 10;
/** Beyond this a run that goes on for ever would not: V8 itself breathes by a few MB. */
const GROWTH_MAX_BYTES = 16 * 1024 * 1024;

export interface MemoryOutcome {
  readonly packets: number;
  /** Resident set after each tenth of the packets, in bytes. */
  readonly residentBytes: readonly number[];
  readonly growthBytes: number;
}

/** 50 million packets on the Wasm engine. Memory may grow while the first tenth warms up, and not after it. */
export async function checkMemory(): Promise<MemoryOutcome> {
  const [scenario] = SCENARIOS;
  const engine = await createEngine("wasm");
  if (scenario === undefined) throw new Error("memory: expected a scenario, found none");
  engine.load(scenario.program(), { seed: 1 });
  const residentBytes: number[] = [];
  let packets = 0;
  while (packets < PACKETS) {
    packets += advance(engine, 50_000_000);
    if (packets < (PACKETS / SAMPLES) * (residentBytes.length + 1)) continue;
    globalThis.gc?.();
    residentBytes.push(process.memoryUsage.rss());
  }
  engine.dispose();
  const growthBytes = (residentBytes.at(-1) ?? 0) - (residentBytes[0] ?? 0);
  const mb = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  console.log(`${packets} packets: ${residentBytes.map(mb).join(", ")}; growth ${mb(growthBytes)}`);
  if (growthBytes > GROWTH_MAX_BYTES) {
    console.log(`expected at most ${mb(GROWTH_MAX_BYTES)} of growth`);
    process.exitCode = 1;
  }
  return { packets, residentBytes, growthBytes };
}
