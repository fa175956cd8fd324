import type { ClusterNetwork, ClusterNode, ClusterService } from "./objects";
import type { ServicePort, ServiceSpec } from "./service-spec";

/** swarmkit api/types.proto: TaskState, as far as a task stays in one. */
export type TaskState = "new" | "pending" | "ready" | "preparing" | "running" | "complete" | "shutdown" | "failed" | "rejected" | "orphaned";
/** What the managers want of it. */
export type WantedState = "ready" | "running" | "complete" | "shutdown" | "remove";

export interface TaskInit {
  readonly id: string;
  readonly service: ClusterService | undefined;
  readonly slot: number;
  readonly place: ClusterNode | undefined;
  readonly wanted: WantedState;
  readonly now: number;
  readonly iteration?: number;
}

/** A container that the managers know of: a replica of a service, or one that somebody attached to a network. */
export class ClusterTask {
  readonly id: string;
  readonly service: ClusterService | undefined;
  /** Counts from 1; 0 for a global service and for attached containers. */
  readonly slot: number;
  /** Global services: the node that it is for. */
  readonly place: ClusterNode | undefined;
  /** The spec that it was made of. */
  readonly spec: ServiceSpec | undefined;
  readonly addresses = new Map<ClusterNetwork, bigint>();
  /** Of a job: the run that it belongs to. */
  readonly iteration: number;
  readonly createdAt: number;
  /** Pending while there is none. */
  node: ClusterNode | undefined;
  state: TaskState = "new";
  /** Since when it is in its state. */
  since: number;
  /** When its container was started. */
  startedAt: number | undefined;
  wanted: WantedState;
  /** What its host publishes for it by itself. */
  publishedPorts: readonly ServicePort[] = [];
  /** Of its container, on the networks that it is on. */
  readonly endpointIds = new Map<ClusterNetwork, string>();
  /** Why it does not run. */
  error = "";
  /** What waits for its end. */
  readonly onEnd: (() => void)[] = [];
  /** Of its container, once that has ended. */
  exitCode: number | undefined;

  constructor({ id, service, slot, place, wanted, now, iteration = 0 }: TaskInit) {
    this.id = id;
    this.service = service;
    this.slot = slot;
    this.place = place;
    this.spec = service?.spec;
    this.wanted = wanted;
    this.iteration = iteration;
    this.createdAt = now;
    this.since = now;
  }

  /** `web.1.x`, as its container is called. `node`: where it runs. */
  nameOn(node: ClusterNode): string {
    return `${this.spec?.name ?? ""}.${this.slot === 0 ? node.id : this.slot}.${this.id}`;
  }

  get isRunning(): boolean {
    return this.state === "running";
  }

  /** It runs, or is still to run. */
  get isLive(): boolean {
    return this.wanted === "running" || this.wanted === "ready" || (this.wanted === "complete" && this.state !== "complete" && !this.hasEnded);
  }

  get hasEnded(): boolean {
    return ENDED.has(this.state);
  }

  enter(state: TaskState, now: number, error = ""): void {
    this.state = state;
    this.since = now;
    this.error = error;
    if (state === "running") this.startedAt = now;
  }
}

const ENDED: ReadonlySet<TaskState> = new Set(["complete", "shutdown", "failed", "rejected", "orphaned"]);
