import type { Cidr } from "../../net/cidr";
import { isIp, parseIp } from "../../net/ip";
import { valueOf } from "../block";
import { refuse, unsupported } from "../refusal";
import type { DockerGeneration, NetworkSpec } from "../spec";
import { Allotment, DEFAULT_SWARM_POOLS, holds, type SwarmPools } from "./allotment";
import { type Chance, NO_CHANCE, shuffled } from "../chance";
import { SwarmClock } from "./clock";
import { SwarmIds } from "./ids";
import { type IpsecOptions, Keyring } from "./keyring";
import { isInTouch, type ClusterNetwork, type ClusterNode } from "./objects";
import type { ClusterFacts } from "./operations";
import { Orchestrator } from "./orchestrator";
import { Roster } from "./roster";
import { FileStore } from "./file-store";
import { SwarmSecurity } from "./security";
import type { SwarmServiceState } from "./state";
import { ClusterTask, type TaskState } from "./task";
import { refuseRpc, SWARM_WORDS } from "./words";

/** `docker swarm init`. */
export interface ClusterOptions {
  readonly seed: number;
  readonly pools?: readonly Cidr[];
  readonly maskLength?: number;
  /** The UDP port of VXLAN. */
  readonly dataPathPort?: number;
  readonly ipsec?: IpsecOptions;
  /** That of its world; one of its own unless given. */
  readonly clock?: SwarmClock;
  readonly chance?: Chance;
  /** Of its first manager; 20.10 unless given. */
  readonly generation?: DockerGeneration;
}

/** `docker swarm update`. */
export interface SwarmSettings {
  /** How many old tasks are kept of each slot, with the one that runs. */
  readonly taskHistoryLimit: number;
  /** How often a node tells that it is alive, in nanoseconds. */
  readonly heartbeat: number;
}

/** swarmkit api/defaults, manager/state/raft. */
const DEFAULT_SETTINGS: SwarmSettings = { taskHistoryLimit: 5, heartbeat: 5e9 };

/** Linux has 8472 for its own; libnetwork drivers/overlay: defaultVXLANUDPPort. */
export const VXLAN_PORT = 4789;

/**
 * What the managers of a swarm agree on: nodes, networks with their addresses, services and tasks. Everything is decided at once; what
 * a node does only after a moment, such as setting up the ingress network after it has joined, happens in `settle`, and what takes
 * longer when the clock says so.
 */
export class Cluster {
  readonly ids: SwarmIds;
  readonly id: string;
  readonly dataPathPort: number;
  readonly clock: SwarmClock;
  readonly chance: Chance;
  readonly networks: ClusterNetwork[] = [];
  readonly orchestrator: Orchestrator;
  readonly roster: Roster;
  readonly security: SwarmSecurity;
  readonly secrets: FileStore;
  readonly configs: FileStore;
  readonly keys: Keyring;
  settings = DEFAULT_SETTINGS;
  readonly #generation: DockerGeneration;
  readonly #pools: SwarmPools;
  readonly #allotment: Allotment;
  readonly #tasks = new Set<ClusterTask>();
  #networkCount = 0;

  constructor({ seed, pools, maskLength, dataPathPort = VXLAN_PORT, ipsec, clock = new SwarmClock(), chance = NO_CHANCE, generation = "20.10" }: ClusterOptions) {
    this.ids = new SwarmIds(seed);
    this.id = this.ids.id("cluster");
    this.dataPathPort = dataPathPort;
    this.clock = clock;
    this.chance = chance;
    const given: SwarmPools = { pools: pools ?? DEFAULT_SWARM_POOLS.pools, maskLength: maskLength ?? DEFAULT_SWARM_POOLS.maskLength };
    this.#generation = generation;
    this.#pools = given;
    this.#allotment = new Allotment(given);
    this.security = new SwarmSecurity(this.ids);
    this.secrets = new FileStore("secret", this);
    this.configs = new FileStore("config", this);
    this.roster = new Roster(this);
    this.orchestrator = new Orchestrator(this);
    this.keys = new Keyring(this.ids, clock, () => this.nodes, ipsec);
    this.createNetwork({ name: "ingress", driver: "overlay", ipam: [], internal: false, options: {}, ingress: true });
  }

  facts(): ClusterFacts {
    const { pools, maskLength } = this.#pools;
    return { id: this.id, nodes: this.nodes.length, pools, maskLength, dataPathPort: this.dataPathPort, ...this.settings, isAutolocked: this.security.unlockKey !== undefined, root: this.security.root };
  }

  get nodes(): readonly ClusterNode[] {
    return this.roster.nodes;
  }

  /** Whether enough managers are there to decide anything. */
  get hasQuorum(): boolean {
    return this.roster.hasQuorum;
  }

  /** By ID, then by name, then by the start of an ID. */
  findNetwork(reference: string): ClusterNetwork | undefined {
    const exact = this.networks.find(({ id }) => id === reference) ?? this.networks.find(({ spec }) => spec.name === reference);
    if (exact || reference === "") return exact;
    const byPrefix = this.networks.filter(({ id }) => id.startsWith(reference));
    return byPrefix.length === 1 ? byPrefix[0] : undefined;
  }

  get ingress(): ClusterNetwork | undefined {
    return this.networks.find(({ spec }) => spec.ingress === true);
  }

  /** swarmkit manager/controlapi/network.go: CreateNetwork. */
  createNetwork(asked: NetworkSpec): ClusterNetwork {
    const spec = asked.ipam.length > 1 ? { ...asked, ipam: shuffled(asked.ipam, this.chance) } : asked;
    const subject = `network ${spec.name}`;
    if (this.#generation === "29" && spec.ipv4 === false) refuse(400, subject, "IPv4 cannot be disabled in a Swarm scoped network");
    if (this.#generation === "29" && spec.ipv6 === true && !hasSubnet6(spec)) unsupported(subject, "IPv6 without a subnet on an overlay network");
    if (spec.ingress === true && spec.attachable === true) refuseRpc("InvalidArgument", subject, "ingress network cannot be attachable");
    const other = spec.ingress === true ? this.ingress : undefined;
    if (other) refuseRpc("AlreadyExists", subject, `ingress network (${other.id}) is already present`);
    const isOverlay = spec.driver === "overlay";
    // The managers of Docker 29 cannot allot IPv6 subnets; those of 20.10 do, and then no node can make the network.
    const isAllottable = this.#generation === "20.10" || !hasSubnet6(spec);
    const subnets = !isOverlay ? [] : isAllottable ? this.#allotment.allot(spec) : undefined;
    const network: ClusterNetwork = { id: this.ids.id("network", spec.name), spec, isOverlay, subnets, balancers: new Map(), joined: new Set(), serial: this.#networkCount++ };
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
    const task = [...this.#tasks].find(({ addresses, service: owner }) => owner === undefined && addresses.has(network));
    if (task) refuseRpc("FailedPrecondition", subject, `network ${network.id} is in use by task ${task.id}`);
    this.networks.splice(this.networks.indexOf(network), 1);
    if (network.subnets) this.#allotment.release(network.subnets);
    this.#allotWaiting();
    // The nodes hear of it a moment later.
    for (const node of network.joined) this.#leaving.push({ node, network });
    network.balancers.clear();
    network.joined.clear();
  }

  /** What something was given back for: networks that could not be allotted, then what is on them (allocator.go: somethingWasDeallocated). */
  #allotWaiting(): void {
    const waiting = this.networks.filter(({ isOverlay, subnets }) => isOverlay && subnets === undefined);
    for (const network of shuffled(waiting.filter(({ spec }) => this.#generation === "20.10" || !hasSubnet6(spec)), this.chance)) network.subnets = this.#allotment.allot(network.spec);
    if (waiting.some(({ subnets }) => subnets !== undefined)) this.orchestrator.allotWaiting();
  }

  /** Networks that are gone, where they are still set up: as long as tasks are that have not ended. */
  #leaving: { readonly node: ClusterNode; readonly network: ClusterNetwork }[] = [];

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
    const task = new ClusterTask({ id: this.ids.id("task", `attach ${reference}`), service: undefined, slot: 0, place: undefined, wanted: "running", now: this.clock.now });
    task.addresses.set(network, address);
    task.enter("running", this.clock.now);
    this.addTask(task);
    this.assign(task, node);
    this.follow(node);
    if (network.isOverlay && !network.joined.has(node)) {
      this.detach(task);
      refuse(500, subject, SWARM_WORDS.attachTimeout);
    }
    return { task, network, address };
  }

  /** The container has left the network. */
  detach(task: ClusterTask): void {
    task.wanted = "shutdown";
    this.end(task, "shutdown", "");
    this.forget(task);
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
    this.#tasks.add(task);
    task.service?.tasks.add(task);
  }

  assign(task: ClusterTask, node: ClusterNode): void {
    task.node = node;
    node.tasks.add(task);
  }

  /** It runs no more, and gives up its addresses. */
  end(task: ClusterTask, state: TaskState, error: string): void {
    for (const [network, value] of task.addresses) this.releaseAddress(network, value);
    task.addresses.clear();
    if (!task.hasEnded) task.enter(state, this.clock.now, error);
    for (const act of task.onEnd.splice(0)) act();
  }

  forget(task: ClusterTask): void {
    this.#tasks.delete(task);
    task.service?.tasks.delete(task);
    task.node?.tasks.delete(task);
  }

  get tasks(): ReadonlySet<ClusterTask> {
    return this.#tasks;
  }

  /** The networks that a node needs, in the order in which they were made. */
  #usedOn(node: ClusterNode): ClusterNetwork[] {
    const used = new Set<ClusterNetwork>();
    for (const { addresses } of node.tasks) for (const network of addresses.keys()) used.add(network);
    return [...used].sort((a, b) => a.serial - b.serial);
  }

  /** A node gets the networks of its tasks, each with an address for its load balancer. */
  follow(node: ClusterNode): void {
    if (!isInTouch(node)) return;
    const used = this.#usedOn(node);
    const { ingress } = this;
    const wanted = ingress && !used.includes(ingress) ? [...used, ingress].sort((a, b) => a.serial - b.serial) : used;
    for (const network of wanted) {
      if (!network.isOverlay) continue;
      const address = network.balancers.get(node) ?? this.takeAddress(network);
      // Addresses are used up: the node stays without the network.
      if (address === undefined) continue;
      network.balancers.set(node, address);
      // A node that has just joined takes a moment for what no task waits for.
      if (wantsIpv6(network.spec) || network.joined.has(node) || !(used.includes(network) || this.#hasSettled.has(node))) continue;
      network.joined.add(node);
      node.agent.joinNetwork(network, address);
      if (network.spec.options.encrypted !== undefined && network.joined.size > 1) for (const other of network.joined) other.agent.secureNetwork(network);
    }
  }

  readonly #order: string[] = [];

  /** Clients sort the networks of a service by their IDs, which is any order, but always the same. */
  inOrder<T extends { readonly network: string }>(used: readonly T[]): readonly T[] {
    if (used.length < 2) return used;
    for (const { network } of used) if (!this.#order.includes(network)) this.#order.splice(this.#order.length - this.chance.choose(this.#order.length + 1), 0, network);
    return [...used].sort((a, b) => this.#order.indexOf(a.network) - this.#order.indexOf(b.network));
  }

  /** Time passes: nodes set up what they were told of, and give up networks that nothing on them uses any more. */
  settle(): void {
    const isOver = ({ node, network }: { readonly node: ClusterNode; readonly network: ClusterNetwork }) => ![...node.tasks].some(({ addresses }) => addresses.has(network));
    for (const { node, network } of this.#leaving.filter(isOver)) if (isInTouch(node)) node.agent.leaveNetwork(network);
    this.#leaving = this.#leaving.filter((left) => !isOver(left));
    const used = new Map(this.nodes.map((node) => [node, new Set(this.#usedOn(node))]));
    for (const network of this.networks) {
      if (network.spec.ingress === true) continue;
      for (const node of [...network.balancers.keys()]) if (isInTouch(node) && used.get(node)?.has(network) !== true) this.#withdraw(network, node);
    }
    for (const node of this.nodes) if (isInTouch(node)) this.#ready(node);
  }

  readonly #hasSettled = new Set<ClusterNode>();
  readonly #isBusy = new Set<ClusterNode>();

  /** The managers get a request: a node that has just joined is busy with that for as long as the first one takes. */
  request(): void {
    for (const node of this.nodes.filter((candidate) => isInTouch(candidate) && !this.#hasSettled.has(candidate))) {
      if (this.#isBusy.has(node)) this.#ready(node);
      this.#isBusy.add(node);
    }
  }

  #ready(node: ClusterNode): void {
    if (this.#hasSettled.has(node)) return;
    this.#hasSettled.add(node);
    this.follow(node);
  }

  /** What every node knows of the services. */
  serviceStates(): SwarmServiceState[] {
    // Those that are removed, until the last of their tasks is gone.
    const going = [...this.#tasks].flatMap(({ service }) => (service && !this.orchestrator.services.includes(service) ? [service] : []));
    return [...this.orchestrator.services, ...new Set(going)].map(({ id, spec, ports, virtualIps, tasks }) => ({
      id, name: spec.name, endpointMode: spec.endpointMode, ports, tasks: tasks.size,
      aliases: spec.networks.map(({ network, aliases }) => ({ networkId: network, names: aliases })),
      virtualIps: [...virtualIps].filter(([network]) => !wantsIpv6(network.spec)).map(([network, value]) => ({ networkId: network.id, ip: Number(value) })),
    }));
  }

  /** Its daemon has started anew: it has set up no network, and takes a moment for what no task waits for. */
  forgetSetup(node: ClusterNode): void {
    for (const network of this.networks) network.joined.delete(node);
    this.#hasSettled.delete(node);
  }

  /** A node is in the swarm no more: it gives up what it had. */
  withdrawAll(node: ClusterNode): void {
    for (const task of [...node.tasks]) if (task.service === undefined) this.detach(task);
    for (const network of this.networks) this.#withdraw(network, node);
  }

  #withdraw(network: ClusterNetwork, node: ClusterNode): void {
    const address = network.balancers.get(node);
    if (address === undefined) return;
    network.balancers.delete(node);
    this.releaseAddress(network, address);
    if (network.joined.delete(node) && isInTouch(node)) node.agent.leaveNetwork(network);
  }
}

function hasSubnet6({ ipam }: NetworkSpec): boolean {
  return ipam.some(({ subnet }) => subnet?.includes(":"));
}

function wantsIpv6(spec: NetworkSpec): boolean {
  return spec.ipv6 === true || hasSubnet6(spec);
}
