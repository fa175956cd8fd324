import type { Cidr } from "../../net/cidr";
import type { Container } from "../container";
import type { Containers } from "../containers";
import type { Daemons } from "../decide";
import type { Firewall } from "../firewall/firewall";
import type { Host } from "../host";
import type { Ids } from "../ids";
import type { Network } from "../network";
import type { Networks } from "../networks";
import type { Sandboxes, SwarmAttachments } from "../sandboxes";
import type { DockerGeneration, NetworkSpec } from "../spec";
import type { NetworkState, SwarmState } from "../state";
import type { FileStore } from "./file-store";
import type { ClusterNetwork, ClusterNode, ClusterService, ClusterTask, NodeRole } from "./objects";
import type { IpsecOptions } from "./keyring";
import type { NodeChange } from "./roster";
import type { NetworkServiceState } from "./state";
import type { ServiceSpec } from "./service-spec";
import type { SwarmSpec } from "./swarm-spec";

/** When managers last heard of a node, and how soon the next word was due; in nanoseconds. */
export interface LastWord {
  readonly lastHeard: number;
  readonly period: number;
}

/** What a node knows of its swarm without asking. */
export interface SwarmInfo {
  readonly managers: readonly ClusterNode[];
  /** Of a manager alone. */
  readonly cluster: ClusterFacts | undefined;
}

/** What the managers have agreed on of the swarm itself; times in nanoseconds. */
export interface ClusterFacts {
  readonly id: string;
  readonly nodes: number;
  readonly pools: readonly Cidr[];
  readonly maskLength: number;
  readonly dataPathPort: number;
  readonly taskHistoryLimit: number;
  readonly heartbeat: number;
  readonly isAutolocked: boolean;
  /** What the certificate of its root follows from: another one for each root. */
  readonly root: string;
}

/** What elections of managers have come to, by hosts. */
export interface RaftStanding {
  readonly leader: string | undefined;
  /** Those that think they lead, although another one does. */
  readonly unaware: readonly string[];
  /** Those that know of no leader. */
  readonly leaderless: readonly string[];
  /** The leader does not hear of enough managers to decide anything. */
  readonly isBlocked: boolean;
}

export interface SwarmInit {
  /** An address or the name of an interface; chosen unless given. */
  readonly advertiseAddress?: string;
  readonly dataPathAddress?: string;
  readonly dataPathPort?: number;
  readonly listenAddress?: string;
  readonly pools?: readonly Cidr[];
  readonly maskLength?: number;
  readonly availability?: string;
  readonly autolock?: boolean;
  readonly taskHistoryLimit?: number;
  readonly forceNewCluster?: boolean;
  readonly ipsec?: IpsecOptions;
}

export interface SwarmJoin {
  readonly token: string;
  /** `192.0.2.11:2377`. */
  readonly remote: string;
  readonly advertiseAddress?: string;
  readonly dataPathAddress?: string;
  readonly availability?: string;
}

/** `docker swarm update`; times in nanoseconds. */
export interface SwarmChange {
  readonly autolock?: boolean;
  readonly taskHistoryLimit?: number;
  readonly heartbeat?: number;
  readonly certificateExpiry?: number;
}

/** What one daemon can be asked for about its swarm. What is refused throws a `SimulationError` in its words. */
export interface SwarmOperations {
  /** The time of the swarms of its world, in nanoseconds. */
  readonly now: number;
  readonly localState: "inactive" | "pending" | "active" | "locked";
  /** That of its node; empty while it is in no swarm. */
  readonly ownId: string;
  /** `docker swarm init`. */
  init(options: SwarmInit): ClusterNode;
  /** `docker swarm join`. */
  join(options: SwarmJoin): ClusterNode;
  /** `docker swarm leave`. */
  leave(force: boolean): void;
  /** `docker swarm update`. */
  update(change: SwarmChange): void;
  /** `docker swarm join-token`. */
  token(role: NodeRole): { readonly token: string; readonly remote: string };
  rotateToken(role: NodeRole): void;
  /** `docker swarm ca --rotate`: a new root, which the tokens name, and new tokens. */
  rotateRoot(): void;
  /** `docker swarm unlock-key`; none where managers are not locked. */
  unlockKey(): string | undefined;
  rotateUnlockKey(): void;
  /** `docker swarm unlock`: a manager that has started anew goes on with the key of its swarm. */
  unlock(key: string): void;
  nodes(): { readonly nodes: readonly ClusterNode[]; readonly own: ClusterNode; readonly leader: ClusterNode | undefined };
  findNode(reference: string): ClusterNode;
  /** `docker node update`, `promote`, `demote`. */
  updateNode(reference: string, change: (node: ClusterNode) => NodeChange): ClusterNode;
  /** `docker node rm`. */
  removeNode(reference: string, force: boolean): void;
  /** What `docker info` says of the swarm that it is in. */
  info(): SwarmInfo | undefined;
  /** What a client keeps in a map of Go, in the order in which it comes upon it. */
  inAnyOrder<T>(items: readonly T[]): readonly T[];
  createService(spec: ServiceSpec): ClusterService;
  updateService(reference: string, change: (spec: ServiceSpec) => ServiceSpec): ClusterService;
  /** `docker service rollback`. */
  rollBackService(reference: string): ClusterService;
  removeService(reference: string): void;
  services(): readonly ClusterService[];
  findService(reference: string): ClusterService;
  tasksOf(service: ClusterService): readonly ClusterTask[];
  /** All that the managers know of on a node, those of services alone. */
  tasksOn(node: ClusterNode): readonly ClusterTask[];
  /** What its node has heard of the services on a network. */
  servicesOn(networkId: string): readonly NetworkServiceState[];
  /** The secrets, or the configs, of the swarm. */
  files(kind: "secret" | "config"): FileStore;
  /** Its managers make a new key for encrypted networks and drop the oldest, as they do every 12 hours. */
  rotateKeys(): void;
  /** Time passes: what the swarm does a moment after it was asked for has been done. */
  settle(): void;
  /** When something falls due in a swarm of its world next, in nanoseconds; undefined: never, as things stand. */
  readonly nextAt: number | undefined;
  /** Time passes in its world: swarms do what falls due until then. */
  advanceTo(time: number): void;
  /** Whether managers hear of its machine; if not, they give it up after some heartbeats, counted from `heard` if that is known. */
  setReachable(isReachable: boolean, heard?: LastWord): void;
  /** Who leads the swarms of its world, if that is played. */
  setRaft(standing: RaftStanding): void;
  /** The clock of the swarms moves on, as a client waits: until `isDone`, for `most` nanoseconds at most. */
  wait(most: number, isDone?: () => boolean): void;
}

/** All that a daemon asks of its part in a swarm. */
export interface SwarmPart extends SwarmOperations, SwarmAttachments {
  readonly isManager: boolean;
  /** Its daemon has started anew. */
  restart(): void;
  clusterNetworks(): NetworkState[];
  findClusterNetwork(reference: string): ClusterNetwork | undefined;
  createNetwork(spec: NetworkSpec): string;
  removeNetwork(id: string): void;
  pruneNetworks(passes: (network: NetworkState) => boolean): string[];
  /** The process of a container has ended, or the container is gone. */
  containerEnded(container: Container): void;
  state(): SwarmState | undefined;
}

/** What a daemon lends to its part in a swarm. */
export interface SwarmLoan {
  readonly hostName: string;
  readonly cpus: number;
  readonly host: Host;
  readonly generation: DockerGeneration;
  readonly seed: number;
  readonly ids: Ids;
  readonly firewall: Firewall;
  readonly veths: Set<string>;
  networks(): Networks;
  containers(): Containers;
  sandboxes(): Sandboxes;
  /** Tells the packet filter of a new network. */
  program(network: Network): void;
}

/** Where the swarms of a world are found: what `SwarmRegistry` is. A page that has none need not load it. */
export interface SwarmWorld {
  member(loan: SwarmLoan): SwarmPart;
}

/** Makes what a description of a swarm says (`enact.ts`). A page that has none need not load it. */
export interface SwarmSupport {
  /** Lets daemons find one another, unless they have before. */
  meet(daemons: Daemons): void;
  /** Founds a swarm of some daemons. */
  found(spec: SwarmSpec, daemons: Daemons): void;
}
