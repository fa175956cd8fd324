import { Drop } from "../../assembly/abi/drop";
import type { CapturedFrame, Counters, Engine, EventRecord, InjectedFrame } from "../../src/engine/engine";
import { createTsEngine } from "../../src/engine/ts/index";
import type { DatapathProgram } from "../../src/engine/program";
import { describeFrame } from "./frame";

export interface SimulateOptions {
  readonly untilNs: number;
  readonly seed?: number;
  /** Devices to capture. */
  readonly capture?: readonly number[];
  readonly frames?: readonly InjectedFrame[];
  readonly trace?: readonly { readonly flow: number; readonly packets: number }[];
  readonly engine?: Engine;
}

export interface Simulated {
  readonly engine: Engine;
  readonly counters: Counters;
  readonly events: readonly EventRecord[];
  readonly frames: readonly CapturedFrame[];
  /** The captured frames that were not dropped there, one line each. */
  readonly lines: readonly string[];
  /** How often packets died of each reason. */
  readonly drops: Readonly<Partial<Record<keyof typeof Drop, number>>>;
}

/** Runs a program once and says what happened. */
export function simulate(program: DatapathProgram, options: SimulateOptions): Simulated {
  const engine = options.engine ?? createTsEngine();
  engine.load(program, { seed: options.seed ?? 1 });
  engine.observe({ captureDevices: options.capture ?? [], snaplen: 65_535, recordDrops: true, trace: options.trace ?? [] });
  engine.inject(options.frames ?? []);
  engine.run(options.untilNs, Infinity);
  const { events, frames } = engine.drain();
  const counters = engine.counters();
  return { engine, counters, events, frames, lines: linesOf(frames), drops: dropsOf(counters) };
}

export function linesOf(frames: readonly CapturedFrame[]): string[] {
  return frames.filter(({ reason }) => reason === Drop.None).map(({ bytes }) => describeFrame(bytes));
}

export function dropsOf({ deviceDrops }: Counters): Partial<Record<keyof typeof Drop, number>> {
  const drops: Partial<Record<keyof typeof Drop, number>> = {};
  for (const { reason, count } of deviceDrops) {
    const name = Drop[reason] as keyof typeof Drop;
    drops[name] = (drops[name] ?? 0) + count;
  }
  return drops;
}
