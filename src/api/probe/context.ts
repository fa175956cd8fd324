import type { Counters, Nanoseconds } from "../../engine/engine";
import type { RunEnd, RunListener } from "../../engine/host";
import type { ProgramPatch } from "../../engine/program";
import type { FlowTable } from "../flow-table";
import type { CompiledTopology } from "../spec";

/** What a lab lends to pings and probes: its network, and its time. */
export interface ProbeContext {
  readonly topology: CompiledTopology;
  readonly flows: FlowTable;
  now(): Nanoseconds;
  apply(patch: ProgramPatch): Promise<void>;
  /** Traces the next packets of flows, beside what is observed anyway. */
  observe(once: readonly { readonly flow: number; readonly packets: number }[]): Promise<void>;
  advance(until: Nanoseconds, listener: RunListener): Promise<RunEnd>;
  counters(): Promise<Counters>;
}

/** A probe looks for its answer after this long, then after twice that, and so on. */
export const FIRST_LOOK_NS = 100_000;
