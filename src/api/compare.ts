import { Stop } from "../../assembly/abi/event";
import type { Engine, EngineKind, Nanoseconds, Slice } from "../engine/engine";
import { SimulationError } from "../errors";
import { parseDuration, type Duration } from "../net/units";
import type { CompiledTopology } from "./spec";

export interface CompareOptions {
  /** Different ones; the first is what the others are measured against; `["wasm", "ts"]` unless given. */
  readonly engines?: readonly EngineKind[];
  /** The description's own unless given. */
  readonly seed?: number;
  /** Simulated time of each run. */
  readonly for: Duration;
  /** Runs of each engine, of which the median counts; 3 unless given. */
  readonly samples?: number;
}

export interface EngineComparison {
  /** Whether every engine made the same deliveries and drops at the same times. Speed means nothing otherwise. */
  readonly identical: boolean;
  /** Where engines part ways, if they do. */
  readonly firstDivergence?: Divergence;
  readonly seed: number;
  readonly engines: readonly EngineTiming[];
  /** One row per engine, for `console.table`. */
  table(): Record<string, string | number>[];
}

/** The first event after which the digests of two engines differ. */
export interface Divergence {
  readonly engines: readonly [EngineKind, EngineKind];
  /** Number of the event, from 0. */
  readonly index: number;
  readonly timeNs: Nanoseconds;
}

/** Real time is that of the engine alone, in this thread. */
export interface EngineTiming {
  readonly engine: EngineKind;
  readonly digest: string;
  readonly packets: number;
  /** Median of the samples. */
  readonly elapsedMs: number;
  readonly packetsPerSecond: number;
  readonly nsPerPacket: number;
  /** How many times faster the first engine is. */
  readonly ratio: number;
}

type CreateEngine = (kind: EngineKind) => Promise<Engine>;

/** More events than any run has in one slice: nobody waits for a comparison. */
const UNLIMITED = 2 ** 31 - 1;
const CHECKPOINTS = 64;

/**
 * Runs one network on several engines, in this thread: first whether they agree, then how fast each is.
 *
 * @throws SimulationError as `start` does.
 */
export async function runComparison(topology: CompiledTopology, options: CompareOptions, create: CreateEngine): Promise<EngineComparison> {
  const { engines: kinds = ["wasm", "ts"], seed = topology.spec.seed, samples = 3 } = options;
  const until = parseDuration(options.for, "for");
  if (kinds.length === 0) throw new SimulationError("INVALID_INPUT", "engines: expected at least one, found none");
  if (!Number.isInteger(samples) || samples < 1) throw new SimulationError("INVALID_INPUT", `samples: expected a whole number above 0, found ${samples}`);
  const load = async (kind: EngineKind): Promise<Engine> => {
    const engine = await create(kind);
    engine.load(topology.program, { seed });
    return engine;
  };
  const found: Sample[] = [];
  // Samples alternate, so that whatever else the machine does hits all engines alike.
  for (let round = 0; round < samples; round++) for (const kind of kinds) found.push(measure(await load(kind), until));
  const timings = summarize(kinds, found);
  const other = timings.find(({ digest }) => digest !== timings[0]?.digest);
  const divergence = other && (await firstDivergence(kinds[0] ?? other.engine, other.engine, load, until));
  return {
    identical: divergence === undefined,
    ...(divergence !== undefined && { firstDivergence: divergence }),
    seed,
    engines: timings,
    table: () => timings.map(toRow),
  };
}

interface Sample {
  readonly engine: EngineKind;
  readonly elapsedMs: number;
  readonly packets: number;
  readonly digest: string;
}

function measure(engine: Engine, until: Nanoseconds): Sample {
  try {
    const startedAt = performance.now();
    advance(engine, until);
    const elapsedMs = performance.now() - startedAt;
    return { engine: engine.kind, elapsedMs, packets: engine.counters().totals.delivered, digest: engine.digest() };
  } finally {
    engine.dispose();
  }
}

function advance(engine: Engine, until: Nanoseconds): void {
  while (engine.run(until, UNLIMITED).stop !== Stop.Until) engine.drain();
}

function summarize(kinds: readonly EngineKind[], found: readonly Sample[]): EngineTiming[] {
  const timings = kinds.flatMap((kind) => {
    const samples = found.filter(({ engine }) => engine === kind).sort((a, b) => a.elapsedMs - b.elapsedMs);
    const median = samples[Math.floor((samples.length - 1) / 2)];
    if (median === undefined) return [];
    const { elapsedMs, packets } = median;
    return [{ ...median, packetsPerSecond: (packets * 1000) / elapsedMs, nsPerPacket: packets > 0 ? (elapsedMs * 1e6) / packets : 0 }];
  });
  const [first] = timings;
  return timings.map((timing) => ({ ...timing, ratio: first === undefined ? 1 : timing.elapsedMs / first.elapsedMs }));
}

/** Finds the stretch of time in which two engines part ways, then goes through it event by event. */
async function firstDivergence(one: EngineKind, other: EngineKind, load: (kind: EngineKind) => Promise<Engine>, until: Nanoseconds): Promise<Divergence> {
  let agreedAt: Nanoseconds | undefined;
  await withBoth(async (engines, agree) => {
    for (let checkpoint = 1; checkpoint < CHECKPOINTS; checkpoint++) {
      const time = Math.floor((until * checkpoint) / CHECKPOINTS);
      for (const engine of engines) advance(engine, time);
      if (!agree()) return;
      agreedAt = time;
    }
  });
  return withBoth(async (engines, agree) => {
    if (agreedAt !== undefined) for (const engine of engines) advance(engine, agreedAt);
    for (let index = engines[0].counters().totals.events; ; index++) {
      const slices = engines.map((engine) => step(engine, until));
      const isOver = slices.every(({ stop }) => stop === Stop.Until);
      if (!agree() || isOver) return { engines: [one, other], index, timeNs: Math.min(...slices.map(({ now }) => now)) };
    }
  });

  async function withBoth<T>(action: (engines: readonly [Engine, Engine], agree: () => boolean) => Promise<T>): Promise<T> {
    const engines = [await load(one), await load(other)] as const;
    try {
      return await action(engines, () => engines[0].digest() === engines[1].digest());
    } finally {
      for (const engine of engines) engine.dispose();
    }
  }
}

/** One event, whatever the buffers say. */
function step(engine: Engine, until: Nanoseconds): Slice {
  engine.drain();
  return engine.run(until, 1);
}

function toRow({ engine, packetsPerSecond, nsPerPacket, ratio, packets, digest }: EngineTiming): Record<string, string | number> {
  return {
    engine,
    "packets/s": Math.round(packetsPerSecond),
    "ns/packet": Math.round(nsPerPacket),
    "× slower": Number(ratio.toFixed(2)),
    packets,
    digest,
  };
}
