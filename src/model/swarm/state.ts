import type { MeshPort } from "../firewall/mesh";
import type { EndpointState, NetworkBaseState, SubnetState } from "../state";
import type { ServicePort } from "./service-spec";

/** A host's part in a swarm. */
export interface SwarmState {
  /** Empty after it has left. */
  readonly nodeId: string;
  readonly role: "manager" | "worker" | undefined;
  readonly address: string;
  /** Where the tunnels of its overlay networks end. */
  readonly dataPathAddress: string;
  /** UDP port of VXLAN. */
  readonly dataPathPort: number;
  /** Also those that are gone, as their namespaces stay. */
  readonly sandboxes: readonly ServiceSandboxState[];
  readonly services: readonly SwarmServiceState[];
  /** Of encrypted networks; absent after it has left. */
  readonly ipsec?: IpsecState;
  /** Of the talk among nodes; absent after it has left. */
  readonly gossip?: GossipState;
}

/** Keys that managers hand out. */
export interface KeyringState {
  /** Those in use; the first one is for what goes out. */
  readonly keys: readonly IpsecKeyState[];
  /** All that the swarm has ever had. */
  readonly made: readonly IpsecKeyState[];
}

/** What a node tells the others, and how. */
export interface GossipState extends KeyringState {
  /** By which the others know it (libnetwork networkdb: NodeID). */
  readonly name: string;
  /** How often it tells the managers that it is alive, in nanoseconds. */
  readonly heartbeat: number;
  readonly isLeader: boolean;
}

/** What a node encrypts with. */
export interface IpsecState extends KeyringState {
  /** 0: packets that come again are let in. */
  readonly replayWindow: number;
  /** `sized`: bytes stay plain. */
  readonly cipher: "real" | "sized";
}

export interface IpsecKeyState {
  readonly bytes: readonly number[];
  /** The lower half of its Lamport time (libnetwork agent.go). */
  readonly tag: number;
}

/** A service as a node has heard of it on one of its networks. */
export interface NetworkServiceState {
  readonly name: string;
  readonly mark: number;
  /** Undefined: names lead to the tasks. */
  readonly virtualIp: number | undefined;
  readonly ports: readonly MeshPort[];
  readonly tasks: readonly { readonly name: string; readonly endpointId: string; readonly ip: number; readonly host: string }[];
}

/** A service, as every node knows it. */
export interface SwarmServiceState {
  readonly id: string;
  readonly name: string;
  readonly endpointMode: "vip" | "dnsrr";
  readonly ports: readonly ServicePort[];
  /** Beside its name, on each network. */
  readonly aliases: readonly { readonly networkId: string; readonly names: readonly string[] }[];
  readonly virtualIps: readonly { readonly networkId: string; readonly ip: number }[];
  readonly tasks: number;
}

/** A network namespace of the daemon's own: a load balancer. */
export interface ServiceSandboxState {
  /** What stands for a container in `docker network inspect`: `lb-NAME`, `ingress-sbox`. */
  readonly key: string;
  /** `lb_` and 9 digits of the network's ID, `ingress_sbox`. */
  readonly namespace: string;
  readonly networkId: string;
  /** False: the network is not used here any more, the namespace is empty. */
  readonly isOpen: boolean;
  readonly endpoints: readonly EndpointState[];
  readonly gateway: number | undefined;
  /** Of its network, in the order of their marks; none where the kernel has no ip_vs. */
  readonly services: readonly BalancedServiceState[];
}

/** A service that a load balancer has. */
export interface BalancedServiceState {
  readonly id: string;
  readonly service: string;
  readonly network: string;
  readonly mark: number;
  readonly virtualIp: number;
  /** Of the routing mesh. */
  readonly ports: readonly MeshPort[];
  /** The newest first. */
  readonly servers: readonly { readonly taskId: string; readonly ip: number; readonly weight: number }[];
}

/** A node that has an overlay network. */
export interface PeerState {
  readonly name: string;
  readonly address: string;
}

/**
 * A network of a swarm, as one host knows it. Where it is in use, it is a namespace `1-ID` with a bridge `br0` that has the gateway's
 * address, and a VXLAN device of its number for each subnet.
 */
export interface SwarmNetworkState extends NetworkBaseState {
  readonly driver: "overlay";
  /** What `docker network ls` says: empty before it is allotted. */
  readonly shownDriver: string;
  /** False: the managers could not give it what it asks for. */
  readonly isAllotted: boolean;
  /** Whether it is in use on the host; if not, only its managers know of it. */
  readonly isLocal: boolean;
  readonly subnets: readonly OverlaySubnetState[];
  /** Inside. */
  readonly mtu: number;
  /** UDP port of VXLAN. */
  readonly port: number;
  readonly encrypted: boolean;
  /** The nodes on which it is in use. */
  readonly peers: readonly PeerState[];
}

export interface OverlaySubnetState extends SubnetState {
  readonly gateway: number;
  readonly vni: number;
}
