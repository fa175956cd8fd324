/**
 * Both engines against each other: first whether they agree, then how fast each is, per second of CPU time.
 *
 * npm run bench                      everything, a few minutes
 * npm run bench -- --quick           shorter samples
 * npm run bench -- --only bridge     what has the word in its name
 * npm run bench -- --json out.json   the numbers, for a machine
 * npm run bench -- --memory          50 million packets: does memory grow?
 * npm run bench -- --startup         from process start to the first packet; size of the bundle
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { formatPerSecond } from "../src/report/format";
import { table } from "../src/report/table";
import { cipherContests } from "./ciphers";
import { kernelContests } from "./kernels";
import { measure, type Score } from "./measure";
import { checkMemory } from "./memory";
import { scenarioContests } from "./scenarios";
import { checkStartup } from "./startup";

const { values: options } = parseArgs({
  options: {
    json: { type: "string" },
    only: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    memory: { type: "boolean", default: false },
    startup: { type: "boolean", default: false },
  },
});

const machine = { cpu: cpus()[0]?.model ?? "unknown", cpus: cpus().length, node: process.version, platform: `${process.platform}-${process.arch}` };

async function compare(): Promise<Score[]> {
  const contests = [...(await kernelContests()), ...(await cipherContests()), ...(await scenarioContests())].filter(({ name }) => name.includes(options.only));
  const effort = options.quick ? { timeMs: 200, rounds: 1 } : { timeMs: 1_000, rounds: 3 };
  const scores: Score[] = [];
  for (const contest of contests) {
    process.stderr.write(`${contest.name} … `);
    scores.push(await measure(contest, effort));
    process.stderr.write("done\n");
  }
  return scores;
}

function print(scores: readonly Score[]): void {
  const columns = [
    { title: "per second of CPU" },
    { title: "wasm", align: "right" as const },
    { title: "ts", align: "right" as const },
    { title: "wasm ÷ ts", align: "right" as const },
    { title: "others" },
  ];
  const rows = scores.map(({ name, unit, wasmPerCpuSecond, tsPerCpuSecond, ratio, reference, rival }) => [
    `${name} (${unit})`,
    formatPerSecond(wasmPerCpuSecond),
    formatPerSecond(tsPerCpuSecond),
    `${ratio.toFixed(2)} ×`,
    rival ? `${rival.name} ${formatPerSecond(rival.perCpuSecond)}: ${rival.ratio.toFixed(2)} ×` : reference,
  ]);
  console.log(table(columns, rows).join("\n"));
  console.log("\nBefore each measurement both engines gave the same result: equal digests, equal hashes.");
}

async function main(): Promise<void> {
  console.log(`${machine.cpus} × ${machine.cpu}, Node ${machine.node}\n`);
  const result: Record<string, unknown> = { format: 1, machine };
  if (options.memory) result.memory = await checkMemory();
  if (options.startup) result.startup = await checkStartup();
  if (!options.memory && !options.startup) {
    const scores = await compare();
    print(scores);
    result.scores = scores;
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(result, undefined, 2)}\n`);
}

await main();
