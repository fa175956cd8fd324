import { unsupported } from "../refusal";
import type { Cluster } from "./cluster";
import type { ClusterNetwork, ClusterNode, ClusterService, ClusterTask } from "./objects";
import type { ServicePort, ServiceSpec } from "./service-spec";
import { refuseRpc } from "./words";

/** swarmkit manager/allocator/portallocator.go. */
const FIRST_DYNAMIC_PORT = 30000;
const LAST_DYNAMIC_PORT = 32767;

/** The services of a swarm, and the tasks that managers make of them. */
export class Orchestrator {
  readonly services: ClusterService[] = [];
  readonly #cluster: Cluster;
  readonly #nextPort = new Map<string, number>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** By ID, then by name, then by the start of an ID. */
  find(reference: string): ClusterService | undefined {
    const exact = this.services.find(({ id }) => id === reference) ?? this.services.find(({ spec }) => spec.name === reference);
    if (exact) return exact;
    const byPrefix = this.services.filter(({ id }) => id.startsWith(reference));
    return byPrefix.length === 1 ? byPrefix[0] : undefined;
  }

  get(reference: string): ClusterService {
    return this.find(reference) ?? refuseRpc("NotFound", `service ${reference}`, `service ${reference} not found`);
  }

  /** swarmkit manager/controlapi/service.go: CreateService. */
  create(spec: ServiceSpec): ClusterService {
    if (this.services.some((other) => other.spec.name === spec.name)) {
      refuseRpc("AlreadyExists", `service ${spec.name}`, `name conflicts with an existing object: service ${spec.name} already exists`);
    }
    this.#check(spec, undefined);
    const service: ClusterService = { id: this.#cluster.ids.id("service", spec.name), spec, ports: [], virtualIps: new Map() };
    this.services.push(service);
    this.#allot(service);
    this.reconcile();
    return service;
  }

  /** Tasks whose containers would be others are replaced, those that stay stay. */
  update(service: ClusterService, spec: ServiceSpec): void {
    this.#check(spec, service);
    const isOther = JSON.stringify({ ...spec, replicas: 0, labels: {} }) !== JSON.stringify({ ...service.spec, replicas: 0, labels: {} });
    service.spec = spec;
    this.#allot(service);
    if (isOther) for (const task of this.#liveTasks(service)) this.#shutDown(task);
    this.reconcile();
  }

  remove(service: ClusterService): void {
    this.services.splice(this.services.indexOf(service), 1);
    for (const task of this.tasksOf(service)) this.#discard(task);
    for (const [network, value] of service.virtualIps) this.#cluster.releaseAddress(network, value);
    service.virtualIps.clear();
    this.reconcile();
  }

  /** All that are known, by slot, the newest first. */
  tasksOf(service: ClusterService): ClusterTask[] {
    return this.#cluster.tasks.filter((task) => task.service === service);
  }

  /** Makes the tasks what the services ask for. */
  reconcile(): void {
    for (const service of this.services) {
      this.#dropSurplus(service);
      const missing = this.#missingTasks(service);
      if (missing.length > 0) this.#place(service, missing);
    }
  }

  #check(spec: ServiceSpec, own: ClusterService | undefined): void {
    const subject = `service ${spec.name}`;
    const published = spec.ports.filter((port) => port.published !== 0);
    const keys = published.map(({ published: port, protocol, mode }) => `${port}/${protocol}/${mode}`);
    if (new Set(keys).size < keys.length) refuseRpc("InvalidArgument", subject, "EndpointSpec: duplicate published ports provided");
    const usesMesh = spec.ports.some(({ mode }) => mode === "ingress");
    if (usesMesh && spec.endpointMode === "dnsrr") {
      refuseRpc("InvalidArgument", subject, "EndpointSpec: port published with ingress mode can't be used with dnsrr mode");
    }
    if (usesMesh && !this.#cluster.ingress) refuseRpc("FailedPrecondition", subject, "service needs ingress network, but no ingress network is present");
    for (const other of this.services.filter((service) => service !== own)) this.#checkPorts(published, other, subject);
    for (const { network } of spec.networks) {
      const found = this.#cluster.findNetwork(network);
      if (found && !found.isOverlay) unsupported(subject, "a service on a swarm-wide network of another driver than overlay");
    }
  }

  #checkPorts(published: readonly ServicePort[], other: ClusterService, subject: string): void {
    for (const { published: port, protocol, mode } of published) {
      const clash = other.ports.find((taken) => taken.published === port && taken.protocol === protocol);
      // Two services may both publish on their hosts: that is the scheduler's affair.
      if (!clash || (clash.mode === "host" && mode === "host")) continue;
      const kind = clash.mode === "ingress" ? "as an ingress port" : "as a host-published port";
      refuseRpc("InvalidArgument", subject, `port '${port}' is already in use by service '${other.spec.name}' (${other.id}) ${kind}`);
    }
  }

  /** Ports and virtual addresses: those of networks in their order, then that of ingress. */
  #allot(service: ClusterService): void {
    const { spec } = service;
    service.ports = spec.ports.map((port) => {
      if (port.published !== 0 || port.mode === "host") return port;
      const before = service.ports.find(({ target, protocol, mode }) => target === port.target && protocol === port.protocol && mode === port.mode);
      return before ?? { ...port, published: this.#choosePort(port, service) };
    });
    const wanted = new Set(spec.endpointMode === "vip" ? this.#networksOf(service) : []);
    for (const [network, value] of service.virtualIps) {
      if (wanted.has(network)) continue;
      this.#cluster.releaseAddress(network, value);
      service.virtualIps.delete(network);
    }
    for (const network of wanted) {
      const value = service.virtualIps.has(network) ? undefined : this.#cluster.takeAddress(network);
      if (value !== undefined) service.virtualIps.set(network, value);
    }
  }

  #choosePort({ protocol }: ServicePort, own: ClusterService): number {
    const others = this.services.filter((service) => service !== own).flatMap(({ ports }) => ports);
    const taken = new Set([...others, ...own.spec.ports].filter((port) => port.protocol === protocol).map(({ published }) => published));
    let port = this.#nextPort.get(protocol) ?? FIRST_DYNAMIC_PORT;
    while (taken.has(port)) port = port === LAST_DYNAMIC_PORT ? FIRST_DYNAMIC_PORT : port + 1;
    this.#nextPort.set(protocol, port === LAST_DYNAMIC_PORT ? FIRST_DYNAMIC_PORT : port + 1);
    return port;
  }

  /** The swarm's networks that its tasks are on. */
  #networksOf({ spec, ports }: ClusterService): ClusterNetwork[] {
    const own = spec.networks.flatMap(({ network }) => this.#cluster.networks.filter(({ id }) => id === network));
    const { ingress } = this.#cluster;
    return ports.some(({ mode }) => mode === "ingress") && ingress ? [...own, ingress] : own;
  }

  #liveTasks(service: ClusterService): ClusterTask[] {
    return this.tasksOf(service).filter(({ wanted }) => wanted === "running");
  }

  #dropSurplus(service: ClusterService): void {
    const live = this.#liveTasks(service);
    const { replicas } = service.spec;
    const surplus = replicas === undefined ? live.filter(({ place }) => place !== undefined && !place.isReady) : live.sort((a, b) => a.slot - b.slot).slice(replicas);
    for (const task of surplus) {
      const isOfSlot = (other: ClusterTask) => replicas !== undefined && other.slot === task.slot;
      for (const old of this.tasksOf(service)) if (old === task || isOfSlot(old)) this.#discard(old);
    }
  }

  #missingTasks(service: ClusterService): ClusterTask[] {
    const live = this.#liveTasks(service);
    const { replicas } = service.spec;
    const make = (slot: number, place: ClusterNode | undefined): ClusterTask => ({
      id: this.#cluster.ids.id("task", service.spec.name, String(slot), place?.id ?? ""), service, slot, node: undefined, place,
      spec: service.spec, addresses: new Map(), isRunning: false, wanted: "running", error: "",
    });
    if (replicas === undefined) {
      const nodes = this.#cluster.nodes.filter(({ isReady, availability }) => isReady && availability === "active");
      return nodes.filter((node) => !live.some(({ place }) => place === node)).map((node) => make(0, node));
    }
    const slots = Array.from({ length: replicas }, (_, index) => index + 1);
    return slots.filter((slot) => !live.some((task) => task.slot === slot)).map((slot) => make(slot, undefined));
  }

  /** Addresses for all, then nodes for all, then the nodes' networks, then the containers. */
  #place(service: ClusterService, tasks: readonly ClusterTask[]): void {
    const networks = this.#networksOf(service);
    const isAllotted = networks.every((network) => network.subnets !== undefined);
    for (const task of tasks) {
      this.#cluster.addTask(task);
      for (const network of isAllotted ? networks : []) {
        const value = this.#cluster.takeAddress(network);
        if (value !== undefined) task.addresses.set(network, value);
      }
    }
    for (const task of isAllotted ? tasks : []) this.#schedule(task, tasks.length);
    for (const node of this.#cluster.nodes) this.#cluster.follow(node);
    for (const task of tasks) {
      if (task.node === undefined) continue;
      task.isRunning = true;
      task.node.agent.runTask(task);
    }
  }

  /**
   * The node with the fewest tasks of the service, then with the fewest tasks (swarmkit manager/scheduler: spread).
   *
   * Differs from Docker: among equals chance decides there; here the first node for a single task, the last for the first of several.
   */
  #schedule(task: ClusterTask, count: number): void {
    const { nodes } = this.#cluster;
    const active = nodes.filter((node) => node.isReady && node.availability === "active" && (task.place === undefined || task.place === node));
    const hostPorts = task.service?.ports.filter(({ mode, published }) => mode === "host" && published !== 0) ?? [];
    const free = active.filter((node) => hostPorts.every((port) => !this.#holdsPort(node, port)));
    if (free.length === 0) {
      const many = active.length === 1 ? "1 node" : `${active.length} nodes`;
      task.error = active.length === 0 ? "no suitable node" : task.place ? `host-mode port already in use on ${many}` : `no suitable node (host-mode port already in use on ${many})`;
      return;
    }
    const load = (node: ClusterNode) => {
      const all = this.#cluster.tasksOn(node);
      return [all.filter((other) => other.service === task.service).length, all.length] as const;
    };
    const ordered = (count > 1 ? [...free].reverse() : free).map((node) => ({ node, load: load(node) }));
    ordered.sort((a, b) => a.load[0] - b.load[0] || a.load[1] - b.load[1]);
    task.node = ordered[0]!.node;
  }

  #holdsPort(node: ClusterNode, { published, protocol }: ServicePort): boolean {
    const ports = this.#cluster.tasksOn(node).flatMap(({ service }) => service?.ports ?? []);
    return ports.some((port) => port.mode === "host" && port.published === published && port.protocol === protocol);
  }

  /** It ends; its container stays until its slot is gone. */
  #shutDown(task: ClusterTask): void {
    if (task.isRunning && task.node?.isReady) task.node.agent.stopTask(task);
    this.#cluster.drop(task);
    if (task.node === undefined) this.#cluster.forget(task);
  }

  #discard(task: ClusterTask): void {
    const { node } = task;
    if (node?.isReady) node.agent.removeTask(task);
    this.#cluster.drop(task);
    this.#cluster.forget(task);
  }
}
