import type { Attachment, Container } from "../container";
import type { Endpoint } from "../endpoint";
import type { FirewallState } from "../firewall/rule";
import type { Network } from "../network";
import { refuse, unsupported } from "../refusal";
import type { NetworkSpec } from "../spec";
import type { NetworkState, SwarmState } from "../state";
import { addressesOf, addressOfName, advertisedAddress, checkDataPathPort, checkListening, checkPools, joinAddress, portOf, refusalText, tunnelAddress } from "./addresses";
import { Balancers } from "./balancers";
import type { Cluster } from "./cluster";
import { clusterNetworkState } from "./network-state";
import { findManager } from "./find-manager";
import { readToken } from "./ids";
import { LocalOverlays } from "./local-overlays";
import { ManagerDesk } from "./manager-desk";
import type { ClusterNetwork, ClusterNode, ClusterTask, NodeAgent, TaskFailure } from "./objects";
import type { LastWord, RaftStanding, SwarmInfo, SwarmInit, SwarmJoin, SwarmLoan, SwarmPart } from "./operations";
import { peerOf } from "./overlay";
import type { SwarmRegistry } from "./registry";
import { checkSubnets, HOST_MEMORY, readAvailability, refuseLeave, RETRY_NS } from "./requests";
import type { ServiceSandboxes } from "./service-sandboxes";
import type { BalancedServiceState, NetworkServiceState } from "./state";
import { isUnlockKey } from "./security";
import { TaskRunner } from "./task-runner";
import { SWARM_WORDS } from "./words";
import { refuseSecondWayOut } from "./way-out";

/** What a member is made with. */
export interface MemberContext extends SwarmLoan {
  readonly registry: SwarmRegistry;
  readonly serviceSandboxes: ServiceSandboxes;
}

/** A daemon's part in a swarm, if it is in one. */
export class SwarmMember extends ManagerDesk implements SwarmPart, NodeAgent {
  readonly #context: MemberContext;
  #cluster: Cluster | undefined;
  #node: ClusterNode | undefined;
  /** What it has asked for and not got yet. */
  #pending: SwarmJoin | undefined;
  /** What it is a manager of, once it has been told the key. */
  #locked: { readonly cluster: Cluster; readonly node: ClusterNode } | undefined;
  /** Attachments of containers, by container and network. */
  readonly #attached = new Map<string, ClusterTask>();
  readonly #overlays: LocalOverlays;
  readonly #runner: TaskRunner;
  readonly #balancers: Balancers;

  constructor(context: MemberContext) {
    super();
    this.#context = context;
    const { generation, firewall, serviceSandboxes, host } = context;
    this.#overlays = new LocalOverlays(context);
    this.#runner = new TaskRunner(context, { join: (network, address) => this.joinNetwork(network, address), forget: (network) => this.#overlays.forget(network), chance: () => this.#cluster!.chance });
    this.#balancers = new Balancers({ generation, firewall, serviceSandboxes, host, taken: () => context.containers().list().flatMap(({ bindings }) => bindings) });
  }

  get isActive(): boolean {
    return this.#node !== undefined;
  }

  get isManager(): boolean {
    return this.#node?.role === "manager" && !this.#node.hasLeft;
  }

  get hostName(): string {
    return this.#context.hostName;
  }

  /** Of its host. */
  get addresses(): string[] {
    return addressesOf(this.#context.host.world);
  }

  /** Its machine has failed, or the way to it is cut. */
  get isCutOff(): boolean {
    return this.#context.registry.isCutOff(this.hostName);
  }

  /** @throws SimulationError for a name that the host does not know. */
  addressOfName(name: string): string {
    return addressOfName(this.#context.host.world, name);
  }

  get node(): ClusterNode | undefined {
    return this.#node;
  }

  get cluster(): Cluster | undefined {
    return this.#cluster;
  }

  /** The rules of its host. */
  get filter(): FirewallState {
    return this.#context.firewall.snapshot();
  }

  get localState(): "inactive" | "pending" | "active" | "locked" {
    if (this.#pending) return "pending";
    if (this.#locked) return "locked";
    return this.#node ? "active" : "inactive";
  }

  get ownId(): string {
    return this.#node?.id ?? "";
  }

  get now(): number {
    return this.#context.registry.clock.now;
  }

  get nextAt(): number | undefined {
    return this.#context.registry.nextAt;
  }

  advanceTo(time: number): void {
    this.#context.registry.advanceTo(time);
  }

  setReachable(isReachable: boolean, heard?: LastWord): void {
    this.#context.registry.setReachable(this.hostName, isReachable, heard);
  }

  setRaft(standing: RaftStanding): void {
    this.#context.registry.setRaft(standing);
  }

  init(options: SwarmInit): ClusterNode {
    const { advertiseAddress, dataPathAddress, dataPathPort, pools, maskLength, availability, autolock, taskHistoryLimit, forceNewCluster, ipsec } = options;
    if (this.#node && this.#cluster && forceNewCluster && this.#node.role === "manager") {
      this.#cluster.roster.forceNew(this.#node);
      return this.#node;
    }
    if (this.#node || this.#pending || this.#locked) refuse(503, "swarm", SWARM_WORDS.isMember);
    const given = readAvailability(availability);
    checkListening(this.#context.host.world, options.listenAddress);
    const address = advertisedAddress(this.#context.host.world, advertiseAddress);
    const tunnel = tunnelAddress(this.#context.host.world, dataPathAddress);
    checkPools(pools, maskLength);
    checkDataPathPort(dataPathPort);
    const cluster = this.#context.registry.found({
      ...(pools && { pools }), ...(maskLength !== undefined && { maskLength }), ...(dataPathPort !== undefined && { dataPathPort }), ...(ipsec && { ipsec }), seed: this.#context.seed, generation: this.#context.generation,
    });
    cluster.security.setAutolock(autolock === true);
    if (taskHistoryLimit !== undefined) cluster.settings = { ...cluster.settings, taskHistoryLimit };
    return this.#enter(cluster, { role: "manager", address, port: portOf(advertiseAddress), dataPathAddress: tunnel ?? address, availability: given });
  }

  join(request: SwarmJoin): ClusterNode {
    if (this.#node || this.#pending || this.#locked) refuse(503, "swarm", SWARM_WORDS.isMember);
    const given = readAvailability(request.availability);
    const tunnel = tunnelAddress(this.#context.host.world, request.dataPathAddress);
    if (request.token !== "" && !readToken(request.token)) refuse(400, "swarm", "invalid join token");
    const cluster = findManager(this, request.remote, request.token, this.#context.registry);
    if (!cluster) {
      this.#pending = request;
      this.#tryAgain(request);
      return refuse(503, "swarm", SWARM_WORDS.joinTimeout);
    }
    const role = cluster.security.roleOf(request.token);
    cluster.roster.checkQuorum();
    const address = joinAddress(this.#context.host.world, request.advertiseAddress);
    return this.#enter(cluster, { role, address, port: portOf(request.advertiseAddress), dataPathAddress: tunnel ?? address, availability: given });
  }

  /** The client has given up waiting, the daemon goes on. */
  #tryAgain(request: SwarmJoin): void {
    this.#context.registry.clock.after(RETRY_NS, () => {
      if (this.#pending !== request) return;
      this.#pending = undefined;
      try {
        this.join(request);
      } catch (error) {
        // The daemon writes it into its log.
        refusalText(error);
      }
    });
  }

  #enter(cluster: Cluster, made: Pick<ClusterNode, "role" | "address" | "port" | "dataPathAddress" | "availability">): ClusterNode {
    const { hostname } = this.#context.host.world;
    this.#cluster = cluster;
    this.#node = undefined;
    const resources = { nanoCpus: this.#context.cpus * 1e9, memoryBytes: HOST_MEMORY };
    const node = cluster.roster.add({ ...made, hostname, resources, agent: this, onAdded: (added) => (this.#node = added) });
    // A manager waits until it has the ingress network, a worker of 20.10 does not; a node of Docker 29 has it by the time that the command is over.
    if (made.role === "manager" || this.#context.generation === "29") cluster.settle();
    return node;
  }

  leave(force: boolean): void {
    const wasPending = this.#pending !== undefined;
    this.#pending = undefined;
    if (wasPending) return;
    if (this.#locked && !force) refuse(503, "swarm", SWARM_WORDS.leaveLocked);
    const { cluster, node } = this.#locked ?? { cluster: this.#cluster, node: this.#node };
    if (!cluster || !node) refuse(503, "swarm", SWARM_WORDS.noSwarm);
    if (node.role === "manager" && !force && !node.hasLeft) refuseLeave(cluster);
    this.#runner.clear();
    for (const container of this.#context.containers().list()) this.#context.sandboxes().leaveOverlays(container);
    this.#forgetAll();
    if (!node.hasLeft) cluster.roster.leave(node);
    this.#attached.clear();
    [this.#cluster, this.#node, this.#locked] = [undefined, undefined, undefined];
  }

  /** A manager of a swarm that locks its managers cannot read what it has kept of it. */
  restart(): void {
    const [cluster, node] = [this.#cluster, this.#node];
    if (!cluster || !node) return;
    cluster.forgetSetup(node);
    this.#forgetAll();
    if (!this.isManager || cluster.security.unlockKey === undefined) return;
    this.#locked = { cluster, node };
    [this.#cluster, this.#node] = [undefined, undefined];
    cluster.roster.cutOff(node);
  }

  unlock(key: string): void {
    if (!this.#locked) refuse(400, "swarm", this.#node ? "swarm is not locked" : SWARM_WORDS.noSwarm);
    const { cluster, node } = this.#locked;
    if (!isUnlockKey(key)) refuse(400, "swarm", "invalid key string");
    if (key !== cluster.security.unlockKey) refuse(400, "swarm", "swarm could not be unlocked: invalid key provided");
    this.#locked = undefined;
    [this.#cluster, this.#node] = [cluster, node];
    cluster.roster.restore(node);
  }

  /** No network of the swarm is left here. */
  #forgetAll(): void {
    this.#balancers.clear();
    this.#overlays.forgetAll();
  }

  wait(most: number, isDone: () => boolean = () => false): void {
    const { clock } = this.#context.registry;
    const end = clock.now + most;
    while (!isDone()) {
      const next = clock.nextAt;
      if (next === undefined || next > end) break;
      clock.advanceTo(next);
    }
    if (!isDone()) clock.advanceTo(end);
    this.settle();
  }

  settle(): void {
    this.#cluster?.settle();
    this.#balance();
  }

  /** By now the node has heard which tasks there are. */
  #balance(): void {
    if (this.#cluster && this.#node) this.#balancers.follow(this.#cluster.tasks, this.#node);
  }

  /** What a manager says of the networks of its swarm that are not on its own host. */
  clusterNetworks(): NetworkState[] {
    if (!this.#cluster || !this.isManager) return [];
    const local = new Set(this.#context.networks().list().map(({ id }) => id));
    return this.#cluster.networks.filter(({ id }) => !local.has(id)).map((network) => clusterNetworkState(network, this.#context.hostName));
  }

  findClusterNetwork(reference: string): ClusterNetwork | undefined {
    return this.isManager ? this.#cluster?.findNetwork(reference) : undefined;
  }

  createNetwork(spec: NetworkSpec): string {
    const { cluster } = this.deciding(true);
    checkSubnets(spec);
    cluster.request();
    return cluster.createNetwork(spec).id;
  }

  /** `reference`: its ID. */
  removeNetwork(id: string): void {
    const { cluster } = this.deciding(true);
    const network = cluster.networks.find((candidate) => candidate.id === id) ?? refuse(404, `network ${id}`, `network ${id} not found`);
    cluster.removeNetwork(network);
  }

  /** The networks of the swarm that nothing uses any more; returns their names. */
  pruneNetworks(passes: (network: NetworkState) => boolean): string[] {
    const gone = this.clusterNetworks().filter(passes).filter(({ id }) => {
      try {
        this.removeNetwork(id);
        return true;
      } catch (error) {
        refusalText(error);
        return false;
      }
    });
    return gone.map(({ name }) => name);
  }

  attach(container: Container, reference: string, wanted: string | undefined): { readonly network: Network; readonly address: bigint } {
    const { task, network, address } = this.#cluster!.attach(this.#node!, reference, wanted);
    this.#attached.set(`${container.id} ${network.id}`, task);
    this.#runner.joinAnew(task, this.#node!);
    const local = this.#context.networks().find(network.id);
    if (!local) {
      this.detach(container, network.id);
      return unsupported(`network ${reference}`, "a swarm-wide network of another driver than overlay in a container");
    }
    return { network: local, address };
  }

  detach(container: Container, networkId: string): void {
    const key = `${container.id} ${networkId}`;
    const task = this.#attached.get(key);
    this.#attached.delete(key);
    if (task) this.#cluster?.detach(task);
  }

  refuseSecondWayOut(container: Container, wayOut: Endpoint, attachment: Attachment): never {
    const { ids, veths, generation } = this.#context;
    return refuseSecondWayOut(container, wayOut, attachment, { ids, veths, isOld: generation === "20.10" });
  }

  gatewayBridge(): Network {
    return this.#context.serviceSandboxes.gatewayBridge();
  }

  joinNetwork(network: ClusterNetwork, address: bigint): void {
    this.#overlays.join(network, address, this.#cluster!);
  }

  secureNetwork(network: ClusterNetwork): void {
    this.#overlays.secure(network, this.#cluster!);
  }

  leaveNetwork({ id }: ClusterNetwork): void {
    this.#overlays.leave(id);
  }

  runTask(task: ClusterTask): TaskFailure | undefined {
    return this.#runner.run(task, this.#node!);
  }

  disableTask(task: ClusterTask): number {
    return this.#runner.disable(task);
  }

  stopTask(task: ClusterTask): void {
    this.#runner.stop(task);
  }

  removeTask(task: ClusterTask): void {
    this.#runner.remove(task);
  }

  containerEnded(container: Container): void {
    const ended = this.#runner.ended(container);
    if (ended) this.#cluster?.orchestrator.taskEnded(ended.task, ended.state, ended.error);
  }

  servicesOn(networkId: string): readonly NetworkServiceState[] {
    this.#balance();
    return this.#balancers.knownOn(networkId);
  }

  info(): SwarmInfo | undefined {
    return this.#cluster && this.#node && { managers: this.#cluster.roster.managers, cluster: this.isManager && this.#cluster.hasQuorum ? this.#cluster.facts() : undefined };
  }

  state(): SwarmState | undefined {
    const [cluster, node] = [this.#cluster, this.#node];
    this.#balance();
    const sandboxes = this.#context.serviceSandboxes.state((networkId) => this.#servicesOf(networkId));
    if (!cluster || !node) return sandboxes.length === 0 ? undefined : { nodeId: "", role: undefined, address: "", dataPathAddress: "", dataPathPort: 0, sandboxes, services: [] };
    const services = cluster.serviceStates();
    return { nodeId: node.id, role: node.role, address: node.address, dataPathAddress: node.dataPathAddress, dataPathPort: cluster.dataPathPort, sandboxes, services, ipsec: cluster.keys.stateOf(node), gossip: { name: peerOf(node).name, heartbeat: cluster.settings.heartbeat, isLeader: cluster.roster.leader === node, ...cluster.keys.gossipOf(node) } };
  }

  #servicesOf(networkId: string): readonly BalancedServiceState[] {
    return this.#context.host.world.ipvs === false ? [] : this.#balancers.ofNetwork(networkId);
  }

  #manager(): { readonly cluster: Cluster; readonly node: ClusterNode } {
    const [cluster, node] = [this.#cluster, this.#node];
    if (this.#locked) return refuse(503, "swarm", SWARM_WORDS.locked);
    if (!cluster || !node) return refuse(503, "swarm", SWARM_WORDS.noManager);
    return this.isManager ? { cluster, node } : refuse(503, "swarm", SWARM_WORDS.worker);
  }

  /** Managers decide nothing while more than half of them cannot be reached. `writes`: it would change something. */
  protected override deciding(writes = false): { readonly cluster: Cluster; readonly node: ClusterNode } {
    const { cluster, node } = this.#manager();
    cluster.roster.checkLeader(node, writes);
    return { cluster, node };
  }
}
