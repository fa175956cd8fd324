import type { Cidr } from "../../net/cidr";
import type { NetworkSpec } from "../spec";
import type { SerialPool } from "./serial-pool";
import type { ServiceSpec, ServicePort } from "./service-spec";

export type NodeRole = "manager" | "worker";
export type NodeAvailability = "active" | "pause" | "drain";

/** What a daemon does for its swarm. */
export interface NodeAgent {
  /** A network is used on the node from now on; `address` is that of its load balancer. */
  joinNetwork(network: ClusterNetwork, address: bigint): void;
  leaveNetwork(network: ClusterNetwork): void;
  /** Another node has an encrypted network that this one has. */
  secureNetwork(network: ClusterNetwork): void;
  /** Makes the container of a task and starts it. */
  runTask(task: ClusterTask): void;
  /** The container stops and stays. */
  stopTask(task: ClusterTask): void;
  /** The container goes. */
  removeTask(task: ClusterTask): void;
}

/** A machine in a swarm. */
export interface ClusterNode {
  readonly id: string;
  readonly hostname: string;
  /** Where the others find it; also the end of its tunnels unless that is said otherwise. */
  readonly address: string;
  readonly dataPathAddress: string;
  role: NodeRole;
  availability: NodeAvailability;
  /** False once it has left. */
  isReady: boolean;
  readonly agent: NodeAgent;
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
  readonly subnets: readonly ClusterSubnet[] | undefined;
  /** By node: the address of its load balancer there, while the network is used on it. */
  readonly balancers: Map<ClusterNode, bigint>;
  /** The nodes that have set it up by now. */
  readonly joined: Set<ClusterNode>;
}

/** A container that the managers know of: a replica of a service, or one that somebody attached to a network. */
export interface ClusterTask {
  readonly id: string;
  readonly service: ClusterService | undefined;
  /** Counts from 1; 0 for a global service and for attached containers. */
  readonly slot: number;
  /** Pending while there is none. */
  node: ClusterNode | undefined;
  /** The spec that it was made of. */
  readonly spec: ServiceSpec | undefined;
  readonly addresses: Map<ClusterNetwork, bigint>;
  isRunning: boolean;
  wanted: "running" | "shutdown";
  /** Why it does not run. */
  error: string;
  /** Global services: the node that it is for. */
  readonly place: ClusterNode | undefined;
}

export interface ClusterService {
  readonly id: string;
  spec: ServiceSpec;
  /** With the numbers that the managers chose. */
  ports: readonly ServicePort[];
  readonly virtualIps: Map<ClusterNetwork, bigint>;
}
