import { Bench } from "tinybench";

/** One thing to measure in two implementations. */
export interface Contest {
  readonly name: string;
  /** What is counted: `"packets"`, `"look-ups"`. */
  readonly unit: string;
  readonly reference?: string;
  /** Each call does about the same amount of work and returns how much it was, in units. */
  readonly wasm: () => number;
  readonly ts: () => number;
  /** A third implementation, measured in turn with the two. */
  readonly rival?: { readonly name: string; readonly run: () => number };
  /** Throws unless both do the same work. Called before anything is measured. */
  readonly verify?: () => void;
}

export interface Score {
  readonly name: string;
  readonly unit: string;
  readonly wasmPerCpuSecond: number;
  readonly tsPerCpuSecond: number;
  /** How many times faster the Wasm side is. */
  readonly ratio: number;
  readonly samples: number;
  readonly reference: string;
  /** How many times faster the Wasm side is than the contest's rival. */
  readonly rival?: { readonly name: string; readonly perCpuSecond: number; readonly ratio: number };
}

export interface MeasureOptions {
  /** CPU time for each side and round. */
  readonly timeMs: number;
  /** The two sides take turns so often; medians count. */
  readonly rounds: number;
}

/** CPU time of this process, user and system, all threads: what a busy machine does meanwhile does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Medians of both sides, which take turns so that whatever else the machine does hits both alike. */
export async function measure(contest: Contest, { timeMs, rounds }: MeasureOptions): Promise<Score> {
  contest.verify?.();
  const wasm: number[] = [];
  const ts: number[] = [];
  const other: number[] = [];
  for (let round = 0; round < rounds; round++) {
    wasm.push(...(await rates(contest.wasm, timeMs)));
    ts.push(...(await rates(contest.ts, timeMs)));
    if (contest.rival) other.push(...(await rates(contest.rival.run, timeMs)));
  }
  const [wasmPerCpuSecond, tsPerCpuSecond] = [median(wasm), median(ts)];
  const { name, unit, reference = "" } = contest;
  const ratio = wasmPerCpuSecond / tsPerCpuSecond;
  const score = { name, unit, wasmPerCpuSecond, tsPerCpuSecond, ratio, samples: wasm.length + ts.length, reference };
  if (!contest.rival) return score;
  const perCpuSecond = median(other);
  return { ...score, rival: { name: contest.rival.name, perCpuSecond, ratio: wasmPerCpuSecond / perCpuSecond } };
}

/** Units per CPU second, one figure per call. V8's first compiler is about twice as slow as its second: the warm-up is not counted. */
async function rates(action: () => number, timeMs: number): Promise<number[]> {
  const units: number[] = [];
  const bench = new Bench({ now: cpuMs, time: timeMs, warmupTime: timeMs / 4, iterations: 5, warmupIterations: 2, retainSamples: true });
  bench.add("side", () => {
    units.push(action());
  });
  await bench.run();
  const result = bench.tasks[0]?.result;
  if (result === undefined || result.state !== "completed") throw new Error(`benchmark: expected a completed task, found ${result?.state}`);
  const samples = result.latency.samples ?? [];
  // tinybench sorts its samples; each call does about the same work, so the mean of the measured calls stands for all of them.
  const work = units.slice(-samples.length).reduce((sum, count) => sum + count, 0) / samples.length;
  return [...samples].filter((ms) => ms > 0).map((ms) => (work * 1_000) / ms);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}
