import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { coreSize } from "../scripts/core-size.mjs";

const RUNS = 11;
const FIRST_PACKET_MAX_MS = 150;
const BUNDLE_MAX_BYTES = 150_000;

export interface StartupOutcome {
  /** From the start of the process to the first packet in a socket, in-thread and in a worker. */
  readonly firstPacketMs: number;
  readonly firstPacketInWorkerMs: number;
  /** An empty program, for comparison. */
  readonly nodeMs: number;
  /** The core with Wasm and worker, minified and gzipped. */
  readonly bundleBytes: number;
}

/** `performance.now()` of Node counts from the start of the process. */
const program = (options: string) => `
import { docker } from "dockwire";
const lab = await docker("first").network("lan").container("web", { networks: ["lan"] }).container("db", { networks: ["lan"] }).start(${options});
const { received } = await lab.ping("web", "db", { count: 1 });
if (received !== 1) throw new Error("expected one answer");
console.log(performance.now());
await lab.dispose();
`;

/** How long a user waits for the first packet, and how much a page has to load. */
export async function checkStartup(): Promise<StartupOutcome> {
  const folder = mkdtempSync("build/startup-");
  try {
    const outcome = {
      firstPacketMs: time(folder, program("{ inThread: true }")),
      firstPacketInWorkerMs: time(folder, program("{}")),
      nodeMs: time(folder, "console.log(performance.now());"),
      bundleBytes: await coreSize(process.cwd()),
    };
    const { firstPacketMs, firstPacketInWorkerMs, nodeMs, bundleBytes } = outcome;
    console.log(`first packet ${firstPacketMs} ms after process start, ${firstPacketInWorkerMs} ms in a worker (Node alone: ${nodeMs} ms)`);
    console.log(`core bundle with Wasm and worker: ${bundleBytes} bytes gzipped`);
    if (Math.max(firstPacketMs, firstPacketInWorkerMs) > FIRST_PACKET_MAX_MS || bundleBytes > BUNDLE_MAX_BYTES) {
      console.log(`expected at most ${FIRST_PACKET_MAX_MS} ms and ${BUNDLE_MAX_BYTES} bytes`);
      process.exitCode = 1;
    }
    return outcome;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Median of several processes, in whole milliseconds. */
function time(folder: string, text: string): number {
  const file = join(folder, "main.mjs");
  writeFileSync(file, text);
  const times = Array.from({ length: RUNS }, () => Number(execFileSync(process.execPath, [file], { encoding: "utf8" })));
  return Math.round(times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0);
}
