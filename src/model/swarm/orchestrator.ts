import { compareText } from "../generation";
import { shuffled } from "../chance";
import type { Cluster } from "./cluster";
import { Departures, STOPPED, type Outcome } from "./departures";
import { isInTouch, type ClusterNetwork, type ClusterNode, type ClusterService } from "./objects";
import { PublishedPorts } from "./published-ports";
import { RestartSupervisor } from "./restarts";
import { Scheduler } from "./scheduler";
import { checkService } from "./service-check";
import type { ServiceSpec } from "./service-spec";
import { ClusterTask, type TaskState, type WantedState } from "./task";
import { Updater } from "./updater";
import { refuseRpc } from "./words";

/** moby daemon/cluster/executor/container/adapter.go: waitNodeAttachments. */
const ATTACHMENT_WAIT_NS = 20e9;

/** The services of a swarm, and the tasks that managers make of them (swarmkit manager/orchestrator). */
export class Orchestrator {
  readonly services: ClusterService[] = [];
  readonly #cluster: Cluster;
  readonly #ports = new PublishedPorts();
  readonly #scheduler: Scheduler;
  readonly #restarts: RestartSupervisor;
  readonly #departures: Departures;
  readonly #updaters = new Map<ClusterService, Updater>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#scheduler = new Scheduler(() => cluster.nodes, cluster.chance);
    this.#restarts = new RestartSupervisor(this, cluster.clock);
    this.#departures = new Departures(cluster);
  }

  /** By ID, then by name, then by the start of an ID. */
  find(reference: string): ClusterService | undefined {
    const exact = this.services.find(({ id }) => id === reference) ?? this.services.find(({ spec }) => spec.name === reference);
    if (exact || reference === "") return exact;
    const byPrefix = this.services.filter(({ id }) => id.startsWith(reference));
    return byPrefix.length === 1 ? byPrefix[0] : undefined;
  }

  get(reference: string): ClusterService {
    return this.find(reference) ?? refuseRpc("NotFound", `service ${reference}`, `service ${reference} not found`);
  }

  /** swarmkit manager/controlapi/service.go: CreateService. */
  create(asked: ServiceSpec): ClusterService {
    const spec = { ...asked, networks: this.#cluster.inOrder(asked.networks) };
    checkService(spec, undefined, this.#cluster);
    if (this.services.some((other) => other.spec.name === spec.name)) {
      refuseRpc("AlreadyExists", `service ${spec.name}`, `name conflicts with an existing object: service ${spec.name} already exists`);
    }
    const { now } = this.#cluster.clock;
    const service: ClusterService = {
      id: this.#cluster.ids.id("service", spec.name), spec, previousSpec: undefined, updateStatus: undefined, ports: [], virtualIps: new Map(), hasEndpoint: false, tasks: new Set(),
      createdAt: now, updatedAt: now, version: 0, iteration: 0,
    };
    this.services.push(service);
    this.#allot(service);
    this.reconcile(service);
    return service;
  }

  /** Tasks whose containers would be others are replaced, as its update policy says; those that stay stay. */
  update(service: ClusterService, asked: ServiceSpec): void {
    const spec = { ...asked, networks: this.#cluster.inOrder(asked.networks) };
    checkService(spec, service, this.#cluster);
    if (modeOf(spec) !== modeOf(service.spec)) refuseRpc("Unimplemented", `service ${spec.name}`, "service mode change is not allowed");
    service.previousSpec = service.spec;
    service.updateStatus = undefined;
    if (spec.job && (spec.forced ?? 0) !== (service.spec.forced ?? 0)) service.iteration++;
    this.#change(service, spec);
    if (spec.job === undefined) this.#startUpdate(service, undefined);
  }

  /** `docker service rollback`. */
  rollBack(service: ClusterService, message = "manually requested rollback"): void {
    const { previousSpec } = service;
    if (!previousSpec) refuseRpc("FailedPrecondition", `service ${service.spec.name}`, `service ${service.id} does not have a previous spec`);
    service.previousSpec = message.startsWith("manually") ? service.spec : undefined;
    this.#change(service, previousSpec);
    this.#startUpdate(service, message);
  }

  #change(service: ClusterService, spec: ServiceSpec): void {
    this.#updaters.get(service)?.stop();
    service.spec = spec;
    service.version++;
    service.updatedAt = this.#cluster.clock.now;
    this.#allot(service);
    this.reconcile(service);
  }

  #startUpdate(service: ClusterService, rollback: string | undefined): void {
    const updater = new Updater(service, { orchestrator: this, clock: this.#cluster.clock, chance: this.#cluster.chance, rollback });
    this.#updaters.set(service, updater);
    updater.start();
  }

  remove(service: ClusterService): void {
    this.#updaters.get(service)?.stop();
    this.#updaters.delete(service);
    this.services.splice(this.services.indexOf(service), 1);
    for (const task of service.tasks) this.discard(task);
    // Nodes know the address until the last of its tasks is gone.
    for (const [network, value] of service.virtualIps) this.#cluster.releaseAddress(network, value);
    this.placePending();
  }

  /** All that are known: by name, which is that of its slot or node, the newest first. */
  tasksOf(service: ClusterService): ClusterTask[] {
    return [...service.tasks].reverse().sort((a, b) => a.slot - b.slot || compareText(a.place?.id ?? "", b.place?.id ?? ""));
  }

  liveTasks(service: ClusterService): ClusterTask[] {
    return [...service.tasks].filter(({ isLive }) => isLive);
  }

  /** Those that hold the places of the service: they run, are to run, or are not to be started again. */
  placeHolders(service: ClusterService): ClusterTask[] {
    return [...service.tasks].filter((task) => this.#holdsPlace(task));
  }

  /** Makes the tasks what the service asks for. */
  reconcile(service: ClusterService): void {
    if (!this.#cluster.hasQuorum) return;
    this.#dropSurplus(service);
    this.launch(this.#missingTasks(service));
  }

  reconcileAll(): void {
    for (const service of this.services) this.reconcile(service);
    this.placePending();
  }

  /** Networks have got their subnets late: services on them get their addresses, and their tasks nodes. */
  allotWaiting(): void {
    for (const service of this.services) this.#allot(service);
    this.placePending();
  }

  /** A node has come, gone, or is to be used otherwise. */
  nodeChanged(node: ClusterNode): void {
    if (!this.#cluster.hasQuorum) return;
    const isLost = node.status === "down" || node.availability === "drain";
    for (const task of [...node.tasks]) {
      if (!task.isLive) continue;
      if (isLost) this.#restarts.leaveNode(task);
      else if (!this.#scheduler.mayStay(task)) this.#restarts.leaveNode(task, "assigned node no longer meets constraints", "rejected");
    }
    for (const service of this.services) if (service.spec.replicas === undefined) this.reconcile(service);
    this.placePending();
  }

  /** A container of a task has ended. */
  taskEnded(task: ClusterTask, state: TaskState, error: string): void {
    if (task.hasEnded) return;
    const wasLive = task.isLive;
    this.#cluster.end(task, state, error);
    if (!task.service || !wasLive || !this.services.includes(task.service)) return;
    this.#updaters.get(task.service)?.taskEnded(task);
    if (task.isLive || task.wanted === "complete") this.#restarts.taskEnded(task);
    this.placePending();
  }

  /** Tasks that no node could have are looked at again. */
  placePending(): void {
    for (const service of this.services) {
      const waiting = [...service.tasks].filter(({ isLive, node, state }) => isLive && node === undefined && (state === "pending" || state === "new"));
      if (waiting.length > 0) this.launch(waiting);
    }
  }

  makeTask(service: ClusterService, slot: number, place: ClusterNode | undefined, wanted: WantedState): ClusterTask {
    const id = this.#cluster.ids.id("task", service.spec.name, String(slot), place?.id ?? "");
    const task = new ClusterTask({ id, service, slot, place, wanted, now: this.#cluster.clock.now, iteration: service.iteration });
    this.#cluster.addTask(task);
    return task;
  }

  /** Addresses for all, then nodes for all, then the nodes' networks, then the containers of those that are to run. */
  launch(tasks: readonly ClusterTask[]): void {
    if (tasks.length === 0) return;
    const service = tasks[0]!.service!;
    const networks = this.#networksOf(service);
    const isAllotted = networks.every((network) => network.subnets !== undefined);
    if (!isAllotted) return;
    const { chance } = this.#cluster;
    for (const task of shuffled(tasks, chance)) this.#giveAddresses(task, networks);
    const nodes = new Set<ClusterNode>();
    for (const task of shuffled(tasks, chance)) {
      if (task.addresses.size < networks.length) continue;
      const found = this.#scheduler.choose(task, tasks.length);
      if (typeof found === "string") {
        if (task.state !== "pending" || task.error !== found) task.enter("pending", this.#cluster.clock.now, found);
        continue;
      }
      this.#cluster.assign(task, found);
      nodes.add(found);
    }
    // What is decided for all tasks is written down one by one, in any order (swarmkit manager/scheduler: applySchedulingDecisions).
    for (const node of shuffled(this.#cluster.nodes.filter((candidate) => nodes.has(candidate)), chance)) this.#cluster.follow(node);
    for (const task of shuffled(tasks, chance)) {
      if (task.node === undefined) continue;
      task.enter("ready", this.#cluster.clock.now);
      if (task.wanted !== "ready") this.start(task);
    }
  }

  #giveAddresses(task: ClusterTask, networks: readonly ClusterNetwork[]): void {
    for (const network of networks) {
      const value = task.addresses.has(network) ? undefined : this.#cluster.takeAddress(network);
      if (value !== undefined) task.addresses.set(network, value);
    }
  }

  /** Its container is made and started. */
  start(task: ClusterTask): void {
    if (task.wanted === "ready") task.wanted = task.spec?.job ? "complete" : "running";
    const { node } = task;
    if (!node || !task.isLive || (task.state !== "ready" && task.state !== "preparing") || !isInTouch(node)) return;
    if (![...task.addresses.keys()].every((network) => network.joined.has(node))) {
      this.#waitForNetworks(task);
      return;
    }
    task.enter("running", this.#cluster.clock.now);
    const failure = node.agent.runTask(task);
    if (failure) this.taskEnded(task, failure.state, failure.error);
  }

  /** Its node has no address for the load balancer of one of its networks (moby daemon/cluster/executor/container: waitNodeAttachments). */
  #waitForNetworks(task: ClusterTask): void {
    const { clock } = this.#cluster;
    if (task.state === "preparing") return;
    task.enter("preparing", clock.now);
    clock.after(ATTACHMENT_WAIT_NS, () => {
      if (!task.isLive || task.state !== "preparing" || !task.node) return;
      this.#cluster.follow(task.node);
      this.start(task);
      if (task.state === "preparing") this.taskEnded(task, "rejected", "node is missing network attachments, ip addresses may be exhausted");
    });
  }

  /** It is not wanted any more; its container stops and stays until its slot is gone. */
  shutDown(task: ClusterTask, outcome: Outcome = STOPPED): void {
    if (task.wanted !== "remove") task.wanted = "shutdown";
    // Whenever something becomes of a task, its node is looked at (swarmkit manager/allocator/network.go: doTaskAlloc).
    if (task.node) this.#cluster.follow(task.node);
    if (!task.hasEnded) this.#departures.begin(task, outcome);
  }

  /** It and its container go. */
  discard(task: ClusterTask): void {
    task.wanted = "remove";
    this.#departures.begin(task, STOPPED);
  }

  /** A task that was not wanted any more has stopped. */
  taskGone({ service, slot, place }: ClusterTask): void {
    if (service && this.services.includes(service)) this.trimHistory(service, slot, place);
    this.placePending();
  }

  /** The managers have forgotten a node: what it was to run is lost. */
  nodeRemoved(node: ClusterNode): void {
    for (const task of [...node.tasks]) {
      if (task.place) this.discard(task);
      else if (!task.hasEnded) this.#cluster.end(task, "orphaned", "");
    }
    this.reconcileAll();
  }

  /** The node is in touch again: what was not wanted any more stops there, what is to run runs. */
  nodeReturned(node: ClusterNode): void {
    for (const task of [...node.tasks]) {
      if (task.wanted === "remove") this.discard(task);
      else if (task.wanted === "shutdown" && !task.hasEnded) this.shutDown(task);
      else if (task.isLive && task.state === "ready" && task.wanted !== "ready") this.start(task);
    }
  }

  /** Old tasks of a slot are forgotten beyond as many as the swarm keeps (swarmkit manager/orchestrator/taskreaper). */
  trimHistory(service: ClusterService, slot: number, place: ClusterNode | undefined): void {
    const limit = this.#cluster.settings.taskHistoryLimit;
    const past = [...service.tasks].filter((task) => task.slot === slot && task.place === place && task.hasEnded && !task.isLive);
    for (const task of past.slice(0, Math.max(0, past.length - Math.max(0, limit - 1)))) this.discard(task);
  }

  /** Ports and virtual addresses: that of ingress, then those of networks in their order. */
  #allot(service: ClusterService): void {
    service.ports = this.#ports.allot(service, this.services);
    const { ingress } = this.#cluster;
    const networks = service.spec.endpointMode === "vip" ? this.#networksOf(service) : [];
    const wanted = new Set(ingress && networks.includes(ingress) ? [ingress, ...networks] : networks);
    for (const [network, value] of service.virtualIps) {
      if (wanted.has(network)) continue;
      this.#cluster.releaseAddress(network, value);
      service.virtualIps.delete(network);
    }
    for (const network of wanted) {
      const value = service.virtualIps.has(network) ? undefined : this.#cluster.takeAddress(network);
      if (value !== undefined) service.virtualIps.set(network, value);
    }
    service.hasEndpoint ||= service.ports.length + service.virtualIps.size > 0;
  }

  /** The swarm's networks that its tasks are on. */
  #networksOf({ spec, ports }: ClusterService): ClusterNetwork[] {
    const own = [...new Set(spec.networks.flatMap(({ network }) => this.#cluster.networks.filter(({ id }) => id === network)))];
    const { ingress } = this.#cluster;
    return ports.some(({ mode }) => mode === "ingress") && ingress ? [...own, ingress] : own;
  }

  #dropSurplus(service: ClusterService): void {
    const { replicas, job } = service.spec;
    if (job) {
      for (const task of service.tasks) if (task.iteration !== service.iteration) this.shutDown(task);
      return;
    }
    if (replicas === undefined) {
      for (const task of this.liveTasks(service)) {
        const { place } = task;
        if (place && !this.#scheduler.isEligible(place, service)) this.shutDown(task);
      }
      return;
    }
    const gone = new Set(byImportance(this.liveTasks(service)).slice(replicas));
    for (const task of service.tasks) if (gone.has(task.slot)) this.discard(task);
  }

  #missingTasks(service: ClusterService): ClusterTask[] {
    const { replicas, job } = service.spec;
    const wanted = job ? "complete" : "running";
    const present = this.placeHolders(service).filter(({ iteration }) => iteration === service.iteration);
    if (replicas === undefined) {
      const nodes = this.#cluster.nodes.filter((node) => node.status !== "down" && node.availability === "active" && this.#scheduler.isEligible(node, service));
      const taken = new Set(present.map(({ place }) => place));
      return nodes.filter((node) => !taken.has(node)).map((node) => this.makeTask(service, 0, node, wanted));
    }
    const taken = new Set(present.map(({ slot }) => slot));
    // The tasks of a job are numbered from 0.
    const missing = Array.from({ length: replicas }, (_, index) => index + (job ? 0 : 1)).filter((slot) => !taken.has(slot)).slice(0, replicas - taken.size);
    const atOnce = job && job.maxConcurrent > 0 ? job.maxConcurrent - present.filter(({ isLive }) => isLive).length : missing.length;
    return missing.slice(0, Math.max(0, atOnce)).map((slot) => this.makeTask(service, slot, undefined, wanted));
  }

  /** A task that has ended holds its place where it is not to be started again. */
  #holdsPlace(task: ClusterTask): boolean {
    return task.isLive || (task.service?.spec.job !== undefined ? task.state === "complete" : this.#restarts.hasGivenUp(task));
  }
}

function modeOf({ replicas, job }: ServiceSpec): string {
  return `${replicas === undefined ? "global" : "replicated"}${job ? " job" : ""}`;
}

/** Slots in the order in which they are kept: those that run, on the nodes with the fewest of them, by number (swarmkit manager/orchestrator/replicated/services.go, slot.go). */
function byImportance(live: readonly ClusterTask[]): number[] {
  const slots = new Map<number, ClusterTask[]>();
  for (const task of live) slots.set(task.slot, [...(slots.get(task.slot) ?? []), task]);
  const runs = (tasks: readonly ClusterTask[]) => Number(tasks.some(({ isRunning }) => isRunning));
  const onNode = new Map<ClusterNode, number>();
  const ranked = [...slots]
    .sort(([a, ofA], [b, ofB]) => runs(ofB) - runs(ofA) || a - b)
    .map(([slot, [first]]) => {
      const rank = first?.node === undefined ? Number.POSITIVE_INFINITY : (onNode.get(first.node) ?? 0);
      if (first?.node) onNode.set(first.node, rank + 1);
      return { slot, rank };
    });
  return ranked.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank)).map(({ slot }) => slot);
}
