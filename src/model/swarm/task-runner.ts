import type { Container } from "../container";
import type { Network } from "../network";
import { refusalText } from "./addresses";
import { shuffled, type Chance } from "../chance";
import type { ClusterNetwork, ClusterNode, ClusterTask, TaskFailure } from "./objects";
import type { SwarmLoan } from "./operations";
import type { TaskState } from "./task";
import { stopTimeOf, taskAttachments, taskContainer } from "./task-container";

/** The networks of a node. */
export interface NodeNetworks {
  join(network: ClusterNetwork, address: bigint): void;
  forget(network: Network): void;
  chance(): Chance;
}

/** The containers of tasks on a node (moby daemon/cluster/executor/container). */
export class TaskRunner {
  readonly #loan: Pick<SwarmLoan, "containers" | "networks" | "hostName">;
  readonly #networks: NodeNetworks;
  readonly #tasks = new Map<ClusterTask, Container>();
  /** The same the other way round, by the container's ID. */
  readonly #owners = new Map<string, ClusterTask>();

  constructor(loan: Pick<SwarmLoan, "containers" | "networks" | "hostName">, networks: NodeNetworks) {
    this.#loan = loan;
    this.#networks = networks;
  }

  run(task: ClusterTask, node: ClusterNode): TaskFailure | undefined {
    const { containers, hostName } = this.#loan;
    const image = task.spec?.container.image;
    if (image?.isMissing) return { state: "rejected", error: `No such image: ${image.name}` };
    const used = task.spec?.networks ?? [];
    if (used.length > 1 && used.some(({ network }) => network === "host")) return { state: "rejected", error: "container cannot be disconnected from host network or connected to host network" };
    const order = this.#joinOrder(task);
    this.joinAnew(task, node);
    let container: Container;
    try {
      container = containers().create(taskContainer(task, hostName, node));
    } catch (error) {
      return { state: "rejected", error: refusalText(error) };
    }
    container.isManaged = true;
    this.#tasks.set(task, container);
    this.#owners.set(container.id, task);
    const attachments = taskAttachments(task, order);
    // Without any it is on the default bridge, as other containers are.
    if (attachments.length > 0) container.attachments.clear();
    for (const [key, attachment] of attachments) container.attachments.set(key, attachment);
    try {
      containers().start(container);
      task.publishedPorts = container.bindings.map(({ protocol, containerPort, hostPort }) => ({ protocol, target: containerPort, published: hostPort, mode: "host" }));
      for (const network of task.addresses.keys()) {
        const endpoint = container.endpoints.find(({ members }) => members.id === network.id);
        if (endpoint) task.endpointIds.set(network, endpoint.id);
      }
      return undefined;
    } catch (error) {
      return { state: "failed", error: `starting container failed: ${refusalText(error)}` };
    }
  }

  disable(task: ClusterTask): number {
    const container = this.#tasks.get(task);
    if (!container?.isRunning || !task.spec) return 0;
    container.isDisabled = true;
    return stopTimeOf(task.spec);
  }

  stop(task: ClusterTask): void {
    const container = this.#tasks.get(task);
    if (container?.isRunning) this.#loan.containers().stop(container);
    this.#leaveUnused(task);
  }

  remove(task: ClusterTask): void {
    const container = this.#tasks.get(task);
    this.#tasks.delete(task);
    if (!container) return;
    this.#owners.delete(container.id);
    if (this.#loan.containers().find(container.id)) this.#loan.containers().remove(container.id, true);
    this.#leaveUnused(task);
  }

  /** All end because the node leaves, which is no affair of the managers. */
  clear(): void {
    const { containers } = this.#loan;
    this.#owners.clear();
    for (const { id } of this.#tasks.values()) if (containers().find(id)) containers().remove(id, true);
    this.#tasks.clear();
  }

  /** What became of a task, if its container has ended by itself. */
  ended({ id, exitCode, isRunning }: Container): { readonly task: ClusterTask; readonly state: TaskState; readonly error: string } | undefined {
    const task = this.#owners.get(id);
    if (!task || isRunning || task.wanted === "shutdown" || task.wanted === "remove" || !task.isRunning) return undefined;
    task.exitCode = exitCode;
    return exitCode === 0 ? { task, state: "complete", error: "" } : { task, state: "failed", error: `task: non-zero exit (${exitCode})` };
  }

  /** A start that finds a network gone is tried again; what was joined before leaves a number of a cable behind (controller.go: Start). */
  #joinOrder({ addresses }: ClusterTask): readonly ClusterNetwork[] {
    const chance = this.#networks.chance();
    const order = shuffled(addresses.keys(), chance);
    const locals = order.map(({ id }) => this.#loan.networks().find(id));
    const missing = locals.indexOf(undefined);
    if (missing <= 0) return order;
    for (const local of locals.slice(0, missing)) local?.parts.overlay?.nextCable();
    return shuffled(addresses.keys(), chance);
  }

  /** The networks of a task are made again where they went with the last one on them. */
  joinAnew({ addresses }: ClusterTask, node: ClusterNode): void {
    for (const network of addresses.keys()) {
      const address = network.balancers.get(node);
      if (address !== undefined && network.joined.has(node)) this.#networks.join(network, address);
    }
  }

  /** With the last task on it a network goes, its load balancer too (moby daemon/cluster/executor/container/adapter.go: removeNetworks). */
  #leaveUnused({ addresses }: ClusterTask): void {
    const { containers, networks } = this.#loan;
    for (const { id, spec } of addresses.keys()) {
      const local = networks().find(id);
      if (local === undefined || spec.ingress === true) continue;
      const isUsed = containers().list().some(({ endpoints }) => endpoints.some(({ members }) => members === local));
      if (!isUsed) this.#networks.forget(local);
    }
  }
}
