import { addHostMesh, type HostMesh, type MeshPort, removeHostMesh } from "../firewall/mesh";
import type { Firewall } from "../firewall/firewall";
import type { Host } from "../host";
import type { DockerGeneration } from "../spec";
import { isInTouch, type ClusterNetwork, type ClusterNode, type ClusterService, type ClusterTask } from "./objects";
import type { ServiceSandboxes } from "./service-sandboxes";
import type { BalancedServiceState, NetworkServiceState } from "./state";

/** libnetwork service_common.go: fwMarkCtr, of the whole daemon. */
const FIRST_MARK = 256;
/** Who holds a port that the mesh has. */
const DAEMON = "dockerd";

/** What the daemon lends. */
export interface BalancersContext {
  readonly generation: DockerGeneration;
  readonly firewall: Firewall;
  readonly serviceSandboxes: ServiceSandboxes;
  readonly host: Host;
  /** Ports that containers have on the host. */
  readonly taken: () => readonly { readonly protocol: string; readonly hostPort: number }[];
}

/** A service on a network of this node (libnetwork service.go: loadBalancer). */
interface Balancer {
  readonly service: ClusterService;
  readonly network: ClusterNetwork;
  readonly mark: number;
  /** Undefined: names lead to the tasks (`dnsrr`). */
  readonly virtualIp: number | undefined;
  readonly ports: readonly MeshPort[];
  /** In the order in which they were heard of. */
  readonly tasks: Set<ClusterTask>;
  /** What was programmed on the host. */
  readonly mesh: HostMesh | undefined;
}

/** The tasks of a service that a node has heard of on a network. */
interface Wanted {
  readonly service: ClusterService;
  readonly network: ClusterNetwork;
  readonly tasks: Set<ClusterTask>;
}

/** A task is made known on its networks in the order of a sandbox's endpoints (Endpoint.Less): internal ones last, then by name. */
const byEndpointOrder = (a: ClusterNetwork, b: ClusterNetwork): number =>
  Number(a.spec.internal) - Number(b.spec.internal) || (a.spec.name < b.spec.name ? -1 : 1);

/** The load balancers of a node, one for each service on each network that it has: marks, virtual addresses, and where they lead. */
export class Balancers {
  readonly #context: BalancersContext;
  readonly #balancers = new Map<string, Balancer>();
  #nextMark = FIRST_MARK;

  constructor(context: BalancersContext) {
    this.#context = context;
  }

  /** Makes them what the tasks of the swarm ask for, as if the news of each had come (addServiceBinding, rmServiceBinding). */
  follow(known: Iterable<ClusterTask>, node: ClusterNode): void {
    const wanted = wantedOf(known, node);
    // A service whose ports have changed gives the old ones up first: it may have kept some of them.
    for (const [key, balancer] of this.#balancers) if (!wanted.has(key)) this.#remove(key, balancer);
    for (const [key, { service, network, tasks }] of wanted) {
      const balancer = this.#balancers.get(key) ?? this.#make(service, network);
      this.#balancers.set(key, balancer);
      for (const task of balancer.tasks) if (!tasks.has(task)) balancer.tasks.delete(task);
      for (const task of tasks) balancer.tasks.add(task);
    }
  }

  /** The node leaves the swarm. */
  clear(): void {
    for (const [key, balancer] of this.#balancers) this.#remove(key, balancer);
  }

  /** Those of a network, with their real servers as IPVS keeps them: the newest first. */
  ofNetwork(networkId: string): BalancedServiceState[] {
    const own = [...this.#balancers.values()].filter(({ network, virtualIp }) => network.id === networkId && virtualIp !== undefined);
    return own.map(({ service, network, mark, virtualIp = 0, ports, tasks }) => ({
      id: service.id, service: service.spec.name, network: network.spec.name, mark, virtualIp, ports,
      servers: [...tasks].reverse().map((task) => ({ taskId: task.id, ip: Number(task.addresses.get(network) ?? 0n), weight: task.isLive ? 1 : 0 })),
    }));
  }

  /** All that is known on a network, as `docker network inspect --verbose` shows it (libnetwork agent.go: Services). */
  knownOn(networkId: string): NetworkServiceState[] {
    return [...this.#balancers.values()].filter(({ network }) => network.id === networkId).map(({ service, network, mark, virtualIp, ports, tasks }) => ({
      name: service.spec.name, mark, virtualIp, ports,
      tasks: [...tasks].flatMap((task) => {
        if (!task.node) return [];
        return [{ name: task.nameOn(task.node), endpointId: task.endpointIds.get(network) ?? "", ip: Number(task.addresses.get(network) ?? 0n), host: task.node.dataPathAddress }];
      }),
    }));
  }

  #make(service: ClusterService, network: ClusterNetwork): Balancer {
    const virtualIp = service.virtualIps.get(network);
    const isIngress = network.spec.ingress === true;
    const ports = isIngress ? service.ports.filter(({ mode }) => mode === "ingress").map(({ protocol, published, target }) => ({ protocol, published, target })) : [];
    const mesh = isIngress && virtualIp !== undefined ? this.#addMesh(service, network, ports) : undefined;
    return { service, network, mark: this.#nextMark++, virtualIp: virtualIp === undefined ? undefined : Number(virtualIp), ports, tasks: new Set(), mesh };
  }

  /** Without ip_vs the daemon gives up before it programs anything. */
  #addMesh({ spec }: ClusterService, network: ClusterNetwork, ports: readonly MeshPort[]): HostMesh | undefined {
    const { host, firewall, generation, serviceSandboxes } = this.#context;
    const exit = serviceSandboxes.exitOf(network.id);
    if (host.world.ipvs === false || exit === undefined) return undefined;
    const mesh = { service: spec.name, ports, ...exit };
    addHostMesh(firewall, generation, mesh);
    for (const port of ports) this.#listen(port);
    return mesh;
  }

  /** Nobody else gets the port; whoever had it before keeps it, and the daemon only writes so into its log (plumbProxy). */
  #listen({ protocol, published: port }: MeshPort): void {
    const { host, taken } = this.#context;
    if (protocol === "sctp") return;
    const isTaken = [...host.world.listeners, ...taken().map((held) => ({ ...held, port: held.hostPort }))].some((held) => held.protocol === protocol && held.port === port);
    if (!isTaken) host.listen({ protocol, address: "*", port, process: DAEMON });
  }

  #remove(key: string, { mesh }: Balancer): void {
    this.#balancers.delete(key);
    if (!mesh) return;
    const { firewall, generation, host } = this.#context;
    removeHostMesh(firewall, generation, mesh);
    for (const listener of host.world.listeners) {
      const isOwn = listener.process === DAEMON && mesh.ports.some(({ protocol, published }) => protocol === listener.protocol && published === listener.port);
      if (isOwn) host.unlisten(listener);
    }
  }
}

/** What a node has to balance, by `keyOf`; looked at for every task and every node. */
function wantedOf(known: Iterable<ClusterTask>, node: ClusterNode): ReadonlyMap<string, Wanted> {
  const places = new Map<ClusterService, Map<ClusterNetwork, Wanted>>();
  const all: Wanted[] = [];
  for (const task of known) {
    const { service, addresses } = task;
    if (service === undefined || !isHeardOf(task, node)) continue;
    const ofService = places.get(service) ?? new Map<ClusterNetwork, Wanted>();
    places.set(service, ofService);
    for (const network of addresses.size === 1 ? addresses.keys() : [...addresses.keys()].sort(byEndpointOrder)) {
      if (!network.joined.has(node)) continue;
      const found = ofService.get(network);
      const place = found ?? { service, network, tasks: new Set() };
      if (found === undefined) all.push(place);
      ofService.set(network, place);
      place.tasks.add(task);
    }
  }
  return new Map(all.map((place) => [keyOf(place.service, place.network), place]));
}

/** A node that is cut off from the others knows its own tasks alone, and nobody knows them but itself. */
function isHeardOf({ isRunning, node: own }: ClusterTask, node: ClusterNode): boolean {
  return isRunning && own !== undefined && (own === node || (isInTouch(own) && isInTouch(node)));
}

/** With other ports a service is another one to its load balancers (libnetwork service.go: serviceKey). */
function keyOf({ id, ports }: ClusterService, network: ClusterNetwork): string {
  return JSON.stringify([id, network.id, network.spec.ingress === true ? ports : []]);
}
