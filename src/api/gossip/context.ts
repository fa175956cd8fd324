import type { Counters, Nanoseconds } from "../../engine/engine";
import type { ProgramPatch } from "../../engine/program";
import type { FlowTable } from "../flow-table";
import type { LiveTopology } from "../live-topology";
import type { Volume } from "./carrier";

/** What gossip takes of a running lab. */
export interface GossipContext {
  readonly topology: LiveTopology;
  readonly flows: FlowTable;
  readonly seed: number;
  /** Hosts whose machine has failed: nothing runs there. */
  readonly failed: ReadonlySet<string>;
  now(): Nanoseconds;
  apply(patch: ProgramPatch): Promise<void>;
  counters(): Promise<Counters>;
  /** Hosts know other things of one another now. */
  refresh(): Promise<void>;
  /** Managers hear of a host, or do not. */
  setReachable(host: string, isReachable: boolean): Promise<void>;
}

/** What the nodes of a swarm know of one another, and what it took to tell it. */
export interface ManagementReport {
  /** Everybody knows what is, and takes nobody for failed. */
  readonly isConverged: boolean;
  readonly nodes: readonly {
    readonly host: string;
    readonly suspects: readonly string[];
    readonly failed: readonly string[];
    /** Endpoints of other hosts of which it has no word, or an old one. */
    readonly behind: number;
  }[];
  /** Messages since the start with their bytes, answers included. */
  readonly traffic: { readonly probes: Volume; readonly gossip: Volume; readonly sync: Volume; readonly heartbeats: Volume };
}
