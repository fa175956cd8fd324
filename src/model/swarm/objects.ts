import type { Cidr } from "../../net/cidr";
import type { NetworkSpec } from "../spec";
import type { SerialPool } from "./serial-pool";
import type { ResourceSpec, ServicePort, ServiceSpec } from "./service-spec";
import type { ClusterTask } from "./task";

export type { ClusterTask } from "./task";

export type NodeRole = "manager" | "worker";
export type NodeAvailability = "active" | "pause" | "drain";
/** What managers think of a node; unknown: they have started and not heard of it yet. */
export type NodeStatus = "ready" | "down" | "unknown";

/** What a daemon does for its swarm. */
export interface NodeAgent {
  /** A network is used on the node from now on; `address` is that of its load balancer. */
  joinNetwork(network: ClusterNetwork, address: bigint): void;
  leaveNetwork(network: ClusterNetwork): void;
  /** Another node has an encrypted network that this one has. */
  secureNetwork(network: ClusterNetwork): void;
  /** Makes the container of a task and starts it; returns why it could not. */
  runTask(task: ClusterTask): TaskFailure | undefined;
  /** It leaves names and load balancers; returns how long its process will take to end, once it is told to, in nanoseconds. */
  disableTask(task: ClusterTask): number;
  /** The container stops and stays. */
  stopTask(task: ClusterTask): void;
  /** The container goes. */
  removeTask(task: ClusterTask): void;
  /** The managers have put the node out of their swarm, or made it something else. */
  roleChanged?(): void;
}

/** Why a container of a task did not start: before it was there, or after. */
export interface TaskFailure {
  readonly state: "rejected" | "failed";
  readonly error: string;
}

/** A machine in a swarm. */
export interface ClusterNode {
  readonly id: string;
  readonly hostname: string;
  /** Where the others find it; also the end of its tunnels unless that is said otherwise. */
  readonly address: string;
  /** Of a manager: where it says that others reach it. */
  readonly port: number;
  readonly dataPathAddress: string;
  role: NodeRole;
  availability: NodeAvailability;
  status: NodeStatus;
  /** What managers show beside the status. */
  statusText: string;
  labels: Readonly<Record<string, string>>;
  /** `dockerd --label`. */
  readonly engineLabels: Readonly<Record<string, string>>;
  readonly resources: ResourceSpec;
  readonly joinedAt: number;
  updatedAt: number;
  /** Its daemon is in the swarm no more: it left, or was made to. */
  hasLeft: boolean;
  /** The managers do not hear of it: it has failed, or the way to it is cut. */
  isCutOff: boolean;
  /** Counts changes. */
  version: number;
  /** What the managers have put on it. */
  readonly tasks: Set<ClusterTask>;
  readonly agent: NodeAgent;
}

/** Whether its daemon does what the managers want. */
export function isInTouch(node: ClusterNode): boolean {
  return !node.hasLeft && !node.isCutOff;
}

/** One subnet of a network, with its number on the wire. */
export interface ClusterSubnet {
  readonly subnet: Cidr;
  readonly range: Cidr | undefined;
  readonly gateway: bigint;
  readonly vni: number;
  readonly pool: SerialPool;
}

/** A network of the whole swarm. */
export interface ClusterNetwork {
  readonly id: string;
  readonly spec: NetworkSpec;
  /** Its driver is the overlay driver: others have no addresses and no numbers here. */
  readonly isOverlay: boolean;
  /** None: the managers could not allot it, which they only write into their log. */
  subnets: readonly ClusterSubnet[] | undefined;
  /** By node: the address of its load balancer there, while the network is used on it. */
  readonly balancers: Map<ClusterNode, bigint>;
  /** The nodes that have set it up by now. */
  readonly joined: Set<ClusterNode>;
  /** Its place in the order of creation. */
  readonly serial: number;
}

export interface UpdateStatus {
  readonly state: "updating" | "paused" | "completed" | "rollback_started" | "rollback_paused" | "rollback_completed";
  readonly startedAt: number;
  readonly completedAt?: number;
  readonly message: string;
}

export interface ClusterService {
  readonly id: string;
  spec: ServiceSpec;
  /** What it was before the last change. */
  previousSpec: ServiceSpec | undefined;
  updateStatus: UpdateStatus | undefined;
  /** With the numbers that the managers chose. */
  ports: readonly ServicePort[];
  readonly virtualIps: Map<ClusterNetwork, bigint>;
  /** It has, or has had, ports or a virtual address. */
  hasEndpoint: boolean;
  /** All that are known, the oldest first. */
  readonly tasks: Set<ClusterTask>;
  readonly createdAt: number;
  updatedAt: number;
  /** Counts changes. */
  version: number;
  /** Counts how often a job was started anew. */
  iteration: number;
}
