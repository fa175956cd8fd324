import type { Cidr } from "../../net/cidr";
import { isIp, parseIp } from "../../net/ip";
import { valueOf } from "../block";
import { refuse, unsupported } from "../refusal";
import type { NetworkSpec } from "../spec";
import { Allotment, DEFAULT_SWARM_POOLS, holds, type SwarmPools } from "./allotment";
import { isToken, SwarmIds } from "./ids";
import type { ClusterNetwork, ClusterNode, ClusterTask, NodeRole } from "./objects";
import { Orchestrator } from "./orchestrator";
import { refuseRpc, SWARM_WORDS } from "./words";

/** `docker swarm init`. */
export interface ClusterOptions {
  readonly seed: number;
  readonly pools?: readonly Cidr[];
  readonly maskLength?: number;
  /** The UDP port of VXLAN. */
  readonly dataPathPort?: number;
}

/** Linux has 8472 for its own; libnetwork drivers/overlay: defaultVXLANUDPPort. */
export const VXLAN_PORT = 4789;

/**
 * What the managers of a swarm agree on: nodes, networks with their addresses, services and tasks. Everything is decided at once; what
 * a node does only after a moment, such as setting up the ingress network after it has joined, happens in `settle`.
 */
export class Cluster {
  readonly ids: SwarmIds;
  readonly id: string;
  readonly dataPathPort: number;
  readonly nodes: ClusterNode[] = [];
  readonly networks: ClusterNetwork[] = [];
  readonly orchestrator: Orchestrator;
  readonly #tokens: Readonly<Record<NodeRole, string>>;
  readonly #allotment: Allotment;
  readonly #tasks: ClusterTask[] = [];

  constructor({ seed, pools, maskLength, dataPathPort = VXLAN_PORT }: ClusterOptions) {
    this.ids = new SwarmIds(seed);
    this.id = this.ids.id("cluster");
    this.dataPathPort = dataPathPort;
    const given: SwarmPools = { pools: pools ?? DEFAULT_SWARM_POOLS.pools, maskLength: maskLength ?? DEFAULT_SWARM_POOLS.maskLength };
    this.#allotment = new Allotment(given);
    const digest = this.ids.digest();
    this.#tokens = { worker: this.ids.token("worker", digest), manager: this.ids.token("manager", digest) };
    this.orchestrator = new Orchestrator(this);
    this.createNetwork({ name: "ingress", driver: "overlay", ipam: [], internal: false, options: {}, ingress: true });
  }

  token(role: NodeRole): string {
    return this.#tokens[role];
  }

  /** The role that a token gives. */
  roleOf(token: string): NodeRole {
    if (!isToken(token)) refuse(400, "swarm", "invalid join token");
    const role = (["worker", "manager"] as const).find((candidate) => this.#tokens[candidate] === token);
    return role ?? unsupported("swarm", "a join token of another swarm");
  }

  /** A node that is not there yet. The managers know it at once; its networks come with `settle`. */
  addNode(node: Omit<ClusterNode, "id" | "availability" | "isReady">): ClusterNode {
    const added: ClusterNode = { ...node, id: this.ids.id("node", node.hostname), availability: "active", isReady: true };
    this.nodes.push(added);
    this.follow(added);
    return added;
  }

  /** It leaves of its own accord; the managers keep it as one that is down. */
  removeNode(node: ClusterNode): void {
    node.isReady = false;
    for (const task of this.tasksOn(node)) this.#drop(task);
    for (const network of this.networks) this.#withdraw(network, node);
    this.orchestrator.reconcile();
  }

  get managers(): ClusterNode[] {
    return this.nodes.filter(({ role, isReady }) => role === "manager" && isReady);
  }

  /** By ID, then by name, then by the start of an ID. */
  findNetwork(reference: string): ClusterNetwork | undefined {
    const exact = this.networks.find(({ id }) => id === reference) ?? this.networks.find(({ spec }) => spec.name === reference);
    if (exact) return exact;
    const byPrefix = this.networks.filter(({ id }) => id.startsWith(reference));
    return byPrefix.length === 1 ? byPrefix[0] : undefined;
  }

  get ingress(): ClusterNetwork | undefined {
    return this.networks.find(({ spec }) => spec.ingress === true);
  }

  /** swarmkit manager/controlapi/network.go: CreateNetwork. */
  createNetwork(spec: NetworkSpec): ClusterNetwork {
    const subject = `network ${spec.name}`;
    if (spec.ipv6 === true) unsupported(subject, "IPv6 on an overlay network");
    if (spec.ingress === true && spec.attachable === true) refuseRpc("InvalidArgument", subject, "ingress network cannot be attachable");
    const other = spec.ingress === true ? this.ingress : undefined;
    if (other) refuseRpc("AlreadyExists", subject, `ingress network (${other.id}) is already present`);
    const isOverlay = spec.driver === "overlay";
    const subnets = isOverlay ? this.#allotment.allot(spec) : [];
    const network: ClusterNetwork = { id: this.ids.id("network", spec.name), spec, isOverlay, subnets, balancers: new Map(), joined: new Set() };
    this.networks.push(network);
    return network;
  }

  removeNetwork(network: ClusterNetwork): void {
    const subject = `network ${network.spec.name}`;
    const [service] = this.orchestrator.services.filter(({ spec, ports }) =>
      network.spec.ingress === true ? ports.some(({ mode }) => mode === "ingress") : spec.networks.some((used) => used.network === network.id),
    );
    if (service && network.spec.ingress === true) {
      refuseRpc("FailedPrecondition", subject, `ingress network cannot be removed because service ${service.id} depends on it`);
    }
    if (service) refuseRpc("FailedPrecondition", subject, `network ${network.id} is in use by service ${service.id}`);
    const task = this.#tasks.find(({ addresses, service: owner }) => owner === undefined && addresses.has(network));
    if (task) refuseRpc("FailedPrecondition", subject, `network ${network.id} is in use by task ${task.id}`);
    this.networks.splice(this.networks.indexOf(network), 1);
    if (network.subnets) this.#allotment.release(network.subnets);
    // The nodes hear of it a moment later.
    for (const node of network.joined) this.#leaving.push(() => node.isReady && node.agent.leaveNetwork(network));
    network.balancers.clear();
    network.joined.clear();
  }

  readonly #leaving: (() => void)[] = [];

  /**
   * A container of a node joins an attachable network (swarmkit manager/resourceapi: AttachNetwork).
   *
   * @throws SimulationError in the managers' words.
   */
  attach(node: ClusterNode, reference: string, wanted: string | undefined): { readonly task: ClusterTask; readonly network: ClusterNetwork; readonly address: bigint } {
    const subject = `network ${reference}`;
    const network = this.findNetwork(reference) ?? refuse(404, subject, `Could not attach to network ${reference}: rpc error: code = NotFound desc = network ${reference} not found`);
    if (network.spec.attachable !== true) {
      refuse(403, subject, `Could not attach to network ${reference}: rpc error: code = PermissionDenied desc = network ${network.spec.name} not manually attachable`);
    }
    const address = this.takeAddress(network, wanted) ?? refuse(500, subject, SWARM_WORDS.attachTimeout);
    const task: ClusterTask = {
      id: this.ids.id("task", `attach ${reference}`), service: undefined, slot: 0, node, spec: undefined, place: undefined, error: "", isRunning: true, wanted: "running",
      addresses: new Map([[network, address]]),
    };
    this.#tasks.push(task);
    this.follow(node);
    return { task, network, address };
  }

  /** The container has left the network. */
  detach(task: ClusterTask): void {
    this.#drop(task);
  }

  takeAddress(network: ClusterNetwork, wanted?: string): bigint | undefined {
    for (const { subnet, pool } of network.subnets ?? []) {
      if (wanted === undefined) {
        const value = pool.take();
        if (value !== undefined) return value;
      } else if (isIp(wanted) && holds(subnet, valueOf(parseIp(wanted, "ip")))) {
        const value = valueOf(parseIp(wanted, "ip"));
        return pool.claim(value) ? value : undefined;
      }
    }
    return undefined;
  }

  releaseAddress(network: ClusterNetwork, value: bigint): void {
    network.subnets?.find(({ subnet }) => holds(subnet, value))?.pool.release(value);
  }

  addTask(task: ClusterTask): void {
    this.#tasks.push(task);
  }

  /** Gives up what a task holds, and forgets it if it belongs to no service. */
  #drop(task: ClusterTask): void {
    for (const [network, value] of task.addresses) this.releaseAddress(network, value);
    task.addresses.clear();
    task.isRunning = false;
    task.wanted = "shutdown";
    if (task.service === undefined) this.forget(task);
  }

  drop(task: ClusterTask): void {
    this.#drop(task);
  }

  forget(task: ClusterTask): void {
    const at = this.#tasks.indexOf(task);
    if (at >= 0) this.#tasks.splice(at, 1);
  }

  get tasks(): readonly ClusterTask[] {
    return this.#tasks;
  }

  /** What runs, or is to run, on a node. */
  tasksOn(node: ClusterNode): ClusterTask[] {
    return this.#tasks.filter((task) => task.node === node && task.wanted === "running");
  }

  /** A node gets the networks of its tasks, each with an address for its load balancer. */
  follow(node: ClusterNode): void {
    const used = new Set(this.tasksOn(node).flatMap(({ addresses }) => [...addresses.keys()]));
    for (const network of this.networks) {
      const isWanted = network === this.ingress || used.has(network);
      if (!isWanted || !network.isOverlay || !node.isReady) continue;
      const address = network.balancers.get(node) ?? this.takeAddress(network);
      // Addresses are used up: the node stays without the network.
      if (address === undefined) continue;
      network.balancers.set(node, address);
      // A node that has just joined takes a moment for what no task waits for.
      if (network.joined.has(node) || !(used.has(network) || this.#hasSettled.has(node))) continue;
      network.joined.add(node);
      node.agent.joinNetwork(network, address);
      if (network.spec.options.encrypted !== undefined && network.joined.size > 1) for (const other of network.joined) other.agent.secureNetwork(network);
    }
  }

  /** Time passes: nodes set up what they were told of, and give up networks that nothing on them uses any more. */
  settle(): void {
    for (const leave of this.#leaving.splice(0)) leave();
    for (const node of this.nodes.filter(({ isReady }) => isReady)) {
      const used = new Set(this.tasksOn(node).flatMap(({ addresses }) => [...addresses.keys()]));
      for (const network of this.networks) {
        if (network.spec.ingress !== true && !used.has(network)) this.#withdraw(network, node);
      }
      this.#ready(node);
    }
  }

  readonly #hasSettled = new Set<ClusterNode>();
  readonly #isBusy = new Set<ClusterNode>();

  /** The managers get a request: a node that has just joined is busy with that for as long as the first one takes. */
  request(): void {
    for (const node of this.nodes.filter((candidate) => candidate.isReady && !this.#hasSettled.has(candidate))) {
      if (this.#isBusy.has(node)) this.#ready(node);
      this.#isBusy.add(node);
    }
  }

  #ready(node: ClusterNode): void {
    if (this.#hasSettled.has(node)) return;
    this.#hasSettled.add(node);
    this.follow(node);
  }

  #withdraw(network: ClusterNetwork, node: ClusterNode): void {
    const address = network.balancers.get(node);
    if (address === undefined) return;
    network.balancers.delete(node);
    this.releaseAddress(network, address);
    if (network.joined.delete(node) && node.isReady) node.agent.leaveNetwork(network);
  }
}
