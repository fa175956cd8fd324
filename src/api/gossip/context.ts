import type { Nanoseconds, Tally } from "../../engine/engine";
import type { ProgramPatch } from "../../engine/program";
import type { FlowTable } from "../flow-table";
import type { LiveTopology } from "../live-topology";
import type { Verdict } from "./agents";
import type { RaftStanding } from "./raft";
import type { Volumes } from "./volumes";

/** What gossip takes of a running lab. */
export interface GossipContext {
  readonly topology: LiveTopology;
  readonly flows: FlowTable;
  readonly seed: number;
  /** Hosts whose machine has failed: nothing runs there. */
  readonly failed: ReadonlySet<string>;
  now(): Nanoseconds;
  apply(patch: ProgramPatch): Promise<void>;
  tally(): Promise<Tally>;
  /** Hosts know other things of one another now. */
  refresh(): Promise<void>;
  /** Managers hear of a host, or do not. */
  setReachable(verdict: Verdict): Promise<void>;
  /** Managers have elected a leader, or lost one. */
  setRaft(standing: RaftStanding): Promise<void>;
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
    /** What it has sent since the start, answers included. */
    readonly sent: Volumes;
    /** Of a manager. */
    readonly raft?: { readonly role: "leader" | "follower" | "candidate"; readonly term: number; readonly leader: string | undefined };
  }[];
  /** The same of all together. */
  readonly traffic: Volumes;
}
