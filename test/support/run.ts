import type { CapturedFrame, Counters, Engine, EventRecord } from "../../src/engine/engine";
import { Stop } from "../../assembly/abi/event";
import type { BuiltPlan } from "./plan";

/** What can be seen of a simulation at one time. */
export interface Snapshot {
  readonly timeNs: number;
  readonly digest: string;
  readonly counters: Counters;
  readonly events: readonly EventRecord[];
  readonly frames: readonly CapturedFrame[];
  readonly eventsLost: number;
  /** Events processed since the last snapshot. */
  readonly processed: number;
  /** Why `run` came back early, and how often. */
  readonly drains: number;
}

/** How a run is cut. */
export interface Cuts {
  readonly slices: number;
  /** Events per call of `run`. */
  readonly budget: number;
  /** Most events of a whole run: plans may be busier than a test has time. */
  readonly eventsMax: number;
}

/** Loads a plan into an engine and runs it in slices; yields what can be seen after each. */
export function* runPlan(
  engine: Engine,
  { program, frames, patches, observe }: BuiltPlan,
  seed: number,
  untilNs: number,
  cuts: Cuts,
): Generator<Snapshot> {
  engine.load(program, { seed });
  engine.observe(observe);
  engine.inject(frames);
  const times = new Set(Array.from({ length: cuts.slices }, (_, i) => Math.floor((untilNs * (i + 1)) / cuts.slices)));
  for (const { timeNs } of patches) if (timeNs < untilNs) times.add(timeNs);
  let total = 0;
  let patched = 0;
  for (const timeNs of [...times].sort((a, b) => a - b)) {
    const snapshot = runSlice(engine, timeNs, cuts.budget, cuts.eventsMax - total);
    total += snapshot.processed;
    yield snapshot;
    if (total >= cuts.eventsMax) return;
    for (; patched < patches.length && patches[patched].timeNs <= timeNs; patched++) engine.apply(patches[patched].patch);
  }
}

function runSlice(engine: Engine, timeNs: number, budget: number, eventsMax: number): Snapshot {
  const events: EventRecord[] = [];
  const frames: CapturedFrame[] = [];
  let [processed, drains, eventsLost] = [0, 0, 0];
  for (;;) {
    const slice = engine.run(timeNs, Math.min(budget, eventsMax - processed));
    processed += slice.events;
    if (slice.stop === Stop.Drain) drains++;
    const drained = engine.drain();
    for (const record of drained.events) events.push(record);
    for (const frame of drained.frames) frames.push(frame);
    eventsLost += drained.eventsLost;
    if (slice.stop === Stop.Until || processed >= eventsMax) break;
  }
  return { timeNs, digest: engine.digest(), counters: engine.counters(), events, frames, eventsLost, processed, drains };
}
