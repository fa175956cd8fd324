import { shuffled, type Chance } from "../chance";
import type { SwarmClock } from "./clock";
import type { ClusterService, ClusterTask, UpdateStatus } from "./objects";
import type { Orchestrator } from "./orchestrator";
import { updatePolicyOf, type UpdatePolicy } from "./service-spec";
import { isUpToDate } from "./up-to-date";

export interface UpdaterContext {
  readonly orchestrator: Orchestrator;
  readonly clock: SwarmClock;
  readonly chance: Chance;
  /** Why the service goes back to what it was, if it does. */
  readonly rollback: string | undefined;
}

/**
 * How long a container takes to start while tasks are replaced.
 *
 * Differs from Docker: it is the same for all of them, about what small ones take.
 */
const START_NS = 0.7e9;

/** Replaces the tasks of a service that are out of date, some at a time (swarmkit manager/orchestrator/update). */
export class Updater {
  readonly #service: ClusterService;
  readonly #context: UpdaterContext;
  readonly #policy: UpdatePolicy;
  /** Places with old tasks, those to come: a task of each. */
  readonly #queue: ClusterTask[] = [];
  readonly #made = new Set<ClusterTask>();
  #dirty = 0;
  #failed = 0;
  #busy = 0;
  #isOver = false;

  constructor(service: ClusterService, context: UpdaterContext) {
    this.#service = service;
    this.#context = context;
    this.#policy = updatePolicyOf(context.rollback === undefined ? service.spec.update : service.spec.rollback);
  }

  start(): void {
    const { rollback } = this.#context;
    const places = new Map<string, ClusterTask>();
    for (const task of this.#context.orchestrator.placeHolders(this.#service)) {
      if (!isUpToDate(task, this.#service)) places.set(`${task.slot} ${task.place?.id ?? ""}`, task);
    }
    this.#queue.push(...shuffled(places.values(), this.#context.chance));
    this.#dirty = this.#queue.length;
    if (this.#dirty === 0 && rollback === undefined) {
      this.#isOver = true;
      return;
    }
    this.#show(rollback === undefined ? "updating" : "rollback_started", rollback ?? "update in progress");
    const { parallelism } = this.#policy;
    const workers = parallelism === 0 ? this.#dirty : Math.min(parallelism, this.#dirty);
    for (let worker = 0; worker < workers; worker++) this.#next();
    this.#finishIfDone();
  }

  /** Another change of the service has come. */
  stop(): void {
    this.#isOver = true;
    this.#queue.length = 0;
  }

  taskEnded(task: ClusterTask): void {
    if (this.#isOver || !this.#made.has(task)) return;
    const { clock, orchestrator, rollback } = this.#context;
    if (task.startedAt !== undefined && clock.now - task.startedAt > this.#policy.monitor) return;
    this.#failed++;
    const { failureAction, maxFailureRatio } = this.#policy;
    if (failureAction === "continue" || this.#failed / this.#dirty <= maxFailureRatio) return;
    const why = `due to failure or early termination of task ${task.id}`;
    this.stop();
    if (rollback !== undefined) this.#show("rollback_paused", `rollback paused ${why}`);
    else if (failureAction === "pause") this.#show("paused", `update paused ${why}`);
    // What has failed is dealt with first.
    else clock.after(0, () => orchestrator.rollBack(this.#service, `update rolled back ${why}`));
  }

  /** Replaces the tasks of one place; the worker goes on after the delay. */
  #next(): void {
    const holder = this.#queue.shift();
    if (!holder || this.#isOver) return;
    this.#busy++;
    const { orchestrator, clock } = this.#context;
    const { slot, place } = holder;
    const old = orchestrator.liveTasks(this.#service).filter((task) => task.slot === slot && task.place === place);
    const goOn = () => {
      this.#busy--;
      if (this.#queue.length > 0) clock.after(this.#policy.delay, () => this.#next());
      else this.#finishIfDone();
    };
    const clean = old.filter((task) => isUpToDate(task, this.#service));
    const kept = clean.find(({ wanted }) => wanted === "running") ?? clean.at(-1);
    if (kept) {
      this.#keep(kept, old, goOn);
      return;
    }
    const isStopFirst = this.#policy.order === "stop-first";
    const made = orchestrator.makeTask(this.#service, slot, place, "ready");
    this.#made.add(made);
    // What is to stop is decided with what is to come, and what comes waits for that.
    if (isStopFirst) for (const task of old) orchestrator.shutDown(task);
    orchestrator.launch([made]);
    const start = () => {
      orchestrator.start(made);
      // One that does not come up leaves those that it was to replace.
      if (!isStopFirst && made.isRunning) for (const task of old) orchestrator.shutDown(task);
      goOn();
    };
    whenOver(isStopFirst ? old : [], () => clock.after(START_NS, start));
  }

  /** A task of the place is what the service asks for already (updater.go: useExistingTask). */
  #keep(kept: ClusterTask, old: readonly ClusterTask[], goOn: () => void): void {
    const { orchestrator } = this.#context;
    const others = old.filter((task) => task !== kept);
    for (const task of others) orchestrator.shutDown(task);
    whenOver(kept.wanted === "running" ? [] : others, () => {
      orchestrator.start(kept);
      goOn();
    });
  }

  #finishIfDone(): void {
    if (this.#isOver || this.#busy > 0 || this.#queue.length > 0) return;
    // New tasks are watched for a while.
    this.#context.clock.after(this.#dirty === 0 ? 0 : this.#policy.monitor, () => {
      if (this.#busy === 0 && this.#queue.length === 0) this.#finish();
    });
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { rollback, clock } = this.#context;
    if (this.#service.updateStatus === undefined) return;
    const [state, message] = rollback === undefined ? (["completed", "update completed"] as const) : (["rollback_completed", "rollback completed"] as const);
    this.#service.updateStatus = { ...this.#service.updateStatus, state, message, completedAt: clock.now };
  }

  #show(state: UpdateStatus["state"], message: string): void {
    this.#service.updateStatus = { state, message, startedAt: this.#service.updateStatus?.startedAt ?? this.#context.clock.now };
  }
}

/** Does something once all of the tasks have ended. */
function whenOver(tasks: readonly ClusterTask[], act: () => void): void {
  const left = new Set(tasks.filter(({ hasEnded }) => !hasEnded));
  for (const task of left) {
    task.onEnd.push(() => {
      left.delete(task);
      if (left.size === 0) act();
    });
  }
  if (left.size === 0) act();
}
