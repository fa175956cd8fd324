import type { Cluster } from "./cluster";
import { isInTouch, type ClusterTask } from "./objects";
import type { TaskState } from "./task";

/** moby daemon/cluster/executor/container/controller.go: defaultGossipConvergeDelay: until other nodes have heard that it leaves. */
const CONVERGE_NS = 2e9;

/** What a task is called in the end. */
export interface Outcome {
  readonly state: TaskState;
  readonly error: string;
}

export const STOPPED: Outcome = { state: "shutdown", error: "" };

/**
 * How tasks go (moby daemon/cluster/executor/container/controller.go: Shutdown): names and load balancers forget it first, where what is
 * connected to it stays connected; then its process is told to end, and is killed if it has not after its grace period.
 */
export class Departures {
  readonly #cluster: Cluster;
  readonly #leaving = new Set<ClusterTask>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** A task that is not wanted any more begins to go; it stays where nobody can tell its node. */
  begin(task: ClusterTask, outcome: Outcome): void {
    const { node } = task;
    if (node === undefined || task.hasEnded || !this.#cluster.nodes.includes(node)) {
      this.#finish(task, outcome);
      return;
    }
    if (!isInTouch(node) || this.#leaving.has(task)) return;
    this.#leaving.add(task);
    const grace = node.agent.disableTask(task);
    this.#cluster.clock.after(CONVERGE_NS + grace, () => {
      this.#leaving.delete(task);
      // What became of it meanwhile shows when the node is back.
      if (isInTouch(node)) this.#finish(task, outcome);
    });
  }

  #finish(task: ClusterTask, { state, error }: Outcome): void {
    const { node } = task;
    const isGone = task.wanted === "remove";
    if (node && isInTouch(node)) {
      if (isGone) node.agent.removeTask(task);
      else node.agent.stopTask(task);
    }
    this.#cluster.end(task, state, error);
    if (isGone) this.#cluster.forget(task);
    this.#cluster.orchestrator.taskGone(task);
  }
}
