import { SimulationError } from "../../errors";
import { isIpv4 } from "../../net/ip";
import type { Cidr } from "../../net/cidr";
import type { Container } from "../container";
import type { Network } from "../network";
import { refuse, unsupported } from "../refusal";
import type { NetworkSpec } from "../spec";
import type { NetworkState, SwarmState } from "../state";
import type { Cluster } from "./cluster";
import { clusterNetworkState } from "./network-state";
import type { ClusterNetwork, ClusterNode, ClusterService, ClusterTask, NodeAgent, NodeRole } from "./objects";
import type { SwarmInit, SwarmJoin, SwarmLoan, SwarmPart } from "./operations";
import { overlayNetwork } from "./overlay";
import type { SwarmRegistry } from "./registry";
import { ServiceSandboxes } from "./service-sandboxes";
import type { ServiceSpec } from "./service-spec";
import { taskAttachments, taskContainer } from "./task-container";
import { SWARM_WORDS } from "./words";

/** What a member is made with. */
export interface MemberContext extends SwarmLoan {
  readonly registry: SwarmRegistry;
  readonly serviceSandboxes: ServiceSandboxes;
}

/** The managers' port (swarmkit). */
const MANAGER_PORT = 2377;

/** The daemon's sentence of a refusal; other errors go on. */
function refusalText(error: unknown): string {
  if (error instanceof SimulationError && typeof error.details.daemon === "string") return error.details.daemon;
  throw error;
}

/** A daemon's part in a swarm, if it is in one. */
export class SwarmMember implements SwarmPart, NodeAgent {
  readonly #context: MemberContext;
  #cluster: Cluster | undefined;
  #node: ClusterNode | undefined;
  /** Attachments of containers, by container and network. */
  readonly #attached = new Map<string, ClusterTask>();
  readonly #tasks = new Map<ClusterTask, Container>();

  constructor(context: MemberContext) {
    this.#context = context;
  }

  get isActive(): boolean {
    return this.#node !== undefined;
  }

  get isManager(): boolean {
    return this.#node?.role === "manager";
  }

  init({ advertiseAddress, dataPathAddress, dataPathPort, pools, maskLength }: SwarmInit): ClusterNode {
    if (this.#node) refuse(503, "swarm", SWARM_WORDS.isMember);
    const address = this.#addressOf(advertiseAddress);
    const given: { pools?: readonly Cidr[]; maskLength?: number; dataPathPort?: number } = {
      ...(pools && { pools }), ...(maskLength !== undefined && { maskLength }), ...(dataPathPort !== undefined && { dataPathPort }),
    };
    const cluster = this.#context.registry.found({ ...given, seed: this.#context.seed });
    return this.#enter(cluster, "manager", address, dataPathAddress);
  }

  join({ token, remote, advertiseAddress, dataPathAddress }: SwarmJoin): ClusterNode {
    if (this.#node) refuse(503, "swarm", SWARM_WORDS.isMember);
    const address = this.#addressOf(advertiseAddress);
    const cluster = this.#context.registry.at(remote);
    return this.#enter(cluster, cluster.roleOf(token), address, dataPathAddress);
  }

  #enter(cluster: Cluster, role: NodeRole, address: string, dataPathAddress: string | undefined): ClusterNode {
    const { hostname } = this.#context.host.world;
    const node = cluster.addNode({ hostname, role, address, dataPathAddress: dataPathAddress === undefined ? address : this.#addressOf(dataPathAddress), agent: this });
    this.#cluster = cluster;
    this.#node = node;
    // A manager waits until it has the ingress network, a worker does not.
    if (role === "manager") cluster.settle();
    return node;
  }

  leave(force: boolean): void {
    const [cluster, node] = [this.#cluster, this.#node];
    if (!cluster || !node) refuse(503, "swarm", SWARM_WORDS.noSwarm);
    if (node.role === "manager" && !force) {
      if (cluster.managers.length > 1) unsupported("swarm", "the refusal to let one of several managers leave");
      refuse(503, "swarm", SWARM_WORDS.lastManager);
    }
    for (const container of this.#tasks.values()) this.#context.containers().remove(container.id, true);
    this.#tasks.clear();
    for (const container of this.#context.containers().list()) this.#context.sandboxes().leaveOverlays(container);
    for (const network of this.#context.networks().list()) if (network.driver === "overlay") this.#forget(network);
    cluster.removeNode(node);
    this.#attached.clear();
    this.#cluster = undefined;
    this.#node = undefined;
  }

  token(role: NodeRole): { readonly token: string; readonly remote: string } {
    const { cluster, node } = this.#manager();
    return { token: cluster.token(role), remote: `${node.address}:${MANAGER_PORT}` };
  }

  nodes() {
    const { cluster, node } = this.#manager();
    return { nodes: cluster.nodes, own: node, leader: cluster.managers[0] };
  }

  createService(spec: ServiceSpec): ClusterService {
    const { cluster } = this.#manager();
    cluster.request();
    return cluster.orchestrator.create(spec);
  }

  updateService(reference: string, change: (spec: ServiceSpec) => ServiceSpec): ClusterService {
    const { orchestrator } = this.#manager().cluster;
    const service = orchestrator.get(reference);
    orchestrator.update(service, change(service.spec));
    return service;
  }

  removeService(reference: string): void {
    const { orchestrator } = this.#manager().cluster;
    orchestrator.remove(orchestrator.get(reference));
  }

  services(): readonly ClusterService[] {
    return this.#manager().cluster.orchestrator.services;
  }

  findService(reference: string): ClusterService {
    return this.#manager().cluster.orchestrator.get(reference);
  }

  tasksOf(service: ClusterService): readonly ClusterTask[] {
    return this.#manager().cluster.orchestrator.tasksOf(service);
  }

  settle(): void {
    this.#cluster?.settle();
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
    const { cluster } = this.#manager();
    cluster.request();
    return cluster.createNetwork(spec).id;
  }

  /** `reference`: its ID. */
  removeNetwork(id: string): void {
    const { cluster } = this.#manager();
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

  gatewayBridge(): Network {
    return this.#context.serviceSandboxes.gatewayBridge();
  }

  joinNetwork(network: ClusterNetwork, address: bigint): void {
    const { networks, hostName, serviceSandboxes } = this.#context;
    const local = overlayNetwork(network, this.#cluster!, hostName);
    networks().adopt(local);
    serviceSandboxes.open(local, address);
  }

  secureNetwork({ subnets }: ClusterNetwork): void {
    for (const { vni } of subnets ?? []) this.#context.firewall.secure({ vni, port: this.#cluster!.dataPathPort });
  }

  leaveNetwork({ id }: ClusterNetwork): void {
    const local = this.#context.networks().find(id);
    if (local) this.#forget(local);
  }

  #forget(network: Network): void {
    this.#context.serviceSandboxes.close(network);
    const { overlay } = network.parts;
    if (overlay?.encrypted) for (const { vni } of overlay.subnets) this.#context.firewall.unsecure({ vni, port: overlay.port });
    this.#context.networks().release(network);
  }

  runTask(task: ClusterTask): void {
    const { containers, hostName } = this.#context;
    const container = containers().create(taskContainer(task, hostName, this.#node!));
    container.isManaged = true;
    this.#tasks.set(task, container);
    const attachments = taskAttachments(task);
    // Without any it is on the default bridge, as other containers are.
    if (attachments.length > 0) container.attachments.clear();
    for (const [key, attachment] of attachments) container.attachments.set(key, attachment);
    try {
      containers().start(container);
    } catch (error) {
      // The managers show why.
      task.isRunning = false;
      task.error = refusalText(error);
    }
  }

  stopTask(task: ClusterTask): void {
    const container = this.#tasks.get(task);
    if (container?.isRunning) this.#context.containers().stop(container);
  }

  removeTask(task: ClusterTask): void {
    const container = this.#tasks.get(task);
    this.#tasks.delete(task);
    if (container && this.#context.containers().find(container.id)) this.#context.containers().remove(container.id, true);
  }

  state(): SwarmState | undefined {
    const [cluster, node] = [this.#cluster, this.#node];
    const sandboxes = this.#context.serviceSandboxes.state();
    if (!cluster || !node) return sandboxes.length === 0 ? undefined : { nodeId: "", role: undefined, address: "", dataPathAddress: "", dataPathPort: 0, sandboxes, services: [] };
    const services = cluster.orchestrator.services.map(({ id, spec, ports, virtualIps }) => ({
      id, name: spec.name, endpointMode: spec.endpointMode, ports,
      virtualIps: [...virtualIps].map(([network, value]) => ({ networkId: network.id, ip: Number(value) })),
      tasks: cluster.orchestrator.tasksOf({ id, spec, ports, virtualIps } as ClusterService).length,
    }));
    return { nodeId: node.id, role: node.role, address: node.address, dataPathAddress: node.dataPathAddress, dataPathPort: cluster.dataPathPort, sandboxes, services };
  }

  #manager(): { readonly cluster: Cluster; readonly node: ClusterNode } {
    const [cluster, node] = [this.#cluster, this.#node];
    if (!cluster || !node) return refuse(503, "swarm", SWARM_WORDS.noManager);
    return node.role === "manager" ? { cluster, node } : refuse(503, "swarm", SWARM_WORDS.worker);
  }

  /** moby daemon/cluster/listen_addr.go: resolveAdvertiseAddr. */
  #addressOf(wanted: string | undefined): string {
    const { uplinks } = this.#context.host.world;
    const firstOf = (addresses: readonly string[]) => addresses.map((text) => text.split("/", 1)[0] ?? "").find((text) => isIpv4(text));
    if (wanted === undefined || wanted === "") {
      const found = uplinks.flatMap(({ addresses }) => firstOf(addresses) ?? []);
      if (found.length === 1) return found[0]!;
      return unsupported("swarm", "the choice of an address to advertise among none or several (--advertise-addr names one)");
    }
    const text = wanted.replace(/:\d+$/, "");
    const own = firstOf(uplinks.find(({ name }) => name === text)?.addresses ?? []);
    if (own !== undefined) return own;
    if (!isIpv4(text) || text === "0.0.0.0") refuse(400, "swarm", SWARM_WORDS.badAdvertiseAddress);
    return text;
  }
}
