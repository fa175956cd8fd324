import type { SwarmClock } from "./clock";
import type { ClusterService, ClusterTask } from "./objects";
import type { Orchestrator } from "./orchestrator";
import { restartRulesOf } from "./service-spec";
import type { TaskState } from "./task";

/** swarmkit manager/orchestrator/restart: defaultOldTaskTimeout. */
const OLD_TASK_NS = 60e9;

/** How often the task of a slot has been started anew, and when. */
type History = number[];

/** Starts tasks anew that have ended or lost their node (swarmkit manager/orchestrator/restart). */
export class RestartSupervisor {
  readonly #orchestrator: Orchestrator;
  readonly #clock: SwarmClock;
  readonly #histories = new WeakMap<ClusterService, Map<string, History>>();
  /** Those that are not to be started again. */
  readonly #givenUp = new WeakSet<ClusterTask>();

  constructor(orchestrator: Orchestrator, clock: SwarmClock) {
    this.#orchestrator = orchestrator;
    this.#clock = clock;
  }

  hasGivenUp(task: ClusterTask): boolean {
    return this.#givenUp.has(task);
  }

  taskEnded(task: ClusterTask): void {
    this.#restart(task, restartRulesOf(task.service!.spec).delay);
  }

  /** Its node is drained, down, or no longer what it asks for. */
  leaveNode(task: ClusterTask, error = "", state: TaskState = "shutdown"): void {
    const { service, place, node } = task;
    if (!service) return;
    // A global task is for its node alone.
    if (place) {
      this.#orchestrator.shutDown(task);
      return;
    }
    const isDrained = node?.availability === "drain";
    const isDown = node?.status === "down";
    if (!isDown) this.#orchestrator.shutDown(task, { state, error });
    this.#restart(task, isDrained ? 0 : restartRulesOf(service.spec).delay);
  }

  #restart(task: ClusterTask, delay: number): void {
    const { service, slot, place } = task;
    if (!service) return;
    const isJob = service.spec.job !== undefined;
    const mayRestart = this.#mayRestart(task);
    if (!isJob || task.state !== "complete") task.wanted = "shutdown";
    if (!mayRestart) {
      if (!isJob || task.state !== "complete") this.#givenUp.add(task);
      // A task of a job that has failed for good is missed when the job is looked at next, which its end is no cause for.
      if (isJob && task.state === "complete") this.#orchestrator.reconcile(service);
      return;
    }
    this.#historyOf(task).push(this.#clock.now);
    const next = this.#orchestrator.makeTask(service, slot, place, "ready");
    this.#orchestrator.launch([next]);
    this.#orchestrator.trimHistory(service, slot, place);
    this.#startAfter(task, next, delay);
  }

  /** Once the old one has stopped, if somebody can stop it, and the delay is over (restart.go: DelayStart). */
  #startAfter(old: ClusterTask, next: ClusterTask, delay: number): void {
    const isWaiting = !old.hasEnded && old.node?.status !== "down";
    let missing = 1 + Number(isWaiting);
    const proceed = () => {
      if (--missing === 0) this.#orchestrator.start(next);
    };
    if (isWaiting) old.onEnd.push(proceed);
    if (isWaiting) this.#clock.after(OLD_TASK_NS, () => this.#orchestrator.start(next));
    if (delay === 0) proceed();
    else this.#clock.after(delay, proceed);
  }

  /** restart.go: shouldRestart. */
  #mayRestart(task: ClusterTask): boolean {
    const { condition, maxAttempts, window } = restartRulesOf(task.service!.spec);
    if (task.state === "complete" && condition === "on-failure") return false;
    if (condition === "none") return false;
    if (maxAttempts === 0) return true;
    const history = this.#historyOf(task);
    const recent = window === 0 ? history : history.filter((time) => this.#clock.now - time <= window);
    return recent.length < maxAttempts;
  }

  #historyOf({ service, slot, place, iteration }: ClusterTask): History {
    const key = `${slot} ${place?.id ?? ""} ${iteration} ${service!.version}`;
    const ofService = this.#histories.get(service!) ?? new Map<string, History>();
    this.#histories.set(service!, ofService);
    const history = ofService.get(key) ?? [];
    ofService.set(key, history);
    return history;
  }
}
