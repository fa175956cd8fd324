import type { Cidr } from "../net/cidr";
import type { IpAddress } from "../net/ip";
import type { FirewallState } from "./firewall/rule";
import type { DaemonFlags } from "./flags";
import type { LinkedContainer } from "./inspect/environment";
import type { ContainerSpec, DockerGeneration, EndpointSpec, HostSpec, LinkSpec, PortProtocol } from "./spec";
import type { SwarmNetworkState, SwarmServiceState, SwarmState } from "./swarm/state";
import type { HostWorld } from "./world";

export type * from "./swarm/state";

/**
 * What the Docker daemons decided: everything that `docker inspect`, `ip addr` and `ip route` would show. A snapshot;
 * IPv4 addresses are unsigned 32-bit numbers, IPv6 addresses bigints, MACs 48-bit numbers.
 */
export interface DockerState {
  readonly generation: DockerGeneration;
  readonly hosts: readonly HostState[];
  /** By host, in the order of creation: `none`, `host`, `bridge`, then those of users (20.10 makes `bridge` anew when it restarts). */
  readonly networks: readonly NetworkState[];
  /** Those that are not running as well; in the order of creation. */
  readonly containers: readonly ContainerState[];
}

export interface HostState extends HostSpec {
  readonly flags: DaemonFlags;
  readonly world: HostWorld;
  /** Who listens at published ports. */
  readonly proxies: readonly ProxyState[];
  readonly firewall: FirewallState;
  /** `net.ipv4.ip_forward` now. */
  readonly ipForward: boolean;
  /** What its daemon has deleted of the tracked connections so far, in order. */
  readonly flushed: readonly ConntrackFlush[];
  /** Its part in a swarm; absent while it has never been in one. */
  readonly swarm?: SwarmState;
}

/** Tracked connections that were deleted: those one of whose ends answers from, or hears at, an address; or of UDP to a port of the host, at all its addresses unless one is named. */
export type ConntrackFlush = { readonly address: IpAddress } | { readonly port: number; readonly at: IpAddress | undefined };

/**
 * One `docker-proxy`: it listens on the host and speaks to the container from the host's namespace. A mute one is a socket of the daemon's, which
 * keeps the port where there is no userland proxy: it takes what comes, and says nothing (libnetwork portmapper: dummyProxy).
 */
export interface ProxyState {
  readonly container: string;
  readonly protocol: PortProtocol;
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
  readonly isMute: boolean;
}

export type NetworkState = BridgeNetworkState | ParentNetworkState | PlainNetworkState | SwarmNetworkState;

/** What every network has. */
export interface NetworkBaseState {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly scope: "local" | "swarm";
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ingress: boolean;
  readonly configOnly: boolean;
  /** The template that it was made from, or empty. */
  readonly configFrom: string;
  readonly enableIpv4: boolean;
  readonly enableIpv6: boolean;
  readonly ipam: IpamState;
  /** As `docker network inspect` shows them. */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** As `docker network inspect` shows it. */
export interface IpamState {
  readonly driver: string;
  /** Shown as `null` for the predefined networks, as `{}` for others without options. */
  readonly options: Readonly<Record<string, string>> | null;
  readonly config: readonly IpamConfigState[];
}

export interface IpamConfigState {
  readonly subnet: string;
  readonly ipRange?: string;
  /** Only where the generation shows it. */
  readonly gateway?: string;
  readonly auxAddresses?: Readonly<Record<string, string>>;
}

export interface BridgeNetworkState extends NetworkBaseState {
  readonly driver: "bridge";
  /** The default bridge: no DNS, no aliases, no static addresses. */
  readonly isDefault: boolean;
  readonly subnet: SubnetState;
  /** Address of the bridge device. */
  readonly gateway: number;
  /** Where its containers send what is not for the subnet: the bridge, or the auxiliary address `DefaultGatewayIPv4`; nowhere on some internal networks. */
  readonly defaultGateway: number | undefined;
  readonly subnet6: Subnet6State | undefined;
  readonly gateway6: bigint | undefined;
  readonly defaultGateway6: bigint | undefined;
  readonly bridge: BridgeState;
  /** `com.docker.network.driver.mtu`, 0 if it was not given. */
  readonly mtu: number;
}

/** macvlan and ipvlan. */
export interface ParentNetworkState extends NetworkBaseState {
  readonly driver: "macvlan" | "ipvlan";
  readonly subnets: readonly SubnetState[];
  readonly subnets6: readonly Subnet6State[];
  readonly parent: ParentState;
  /** `bridge`, `private`, `vepa`, `passthru`; `l2`, `l3`, `l3s`. */
  readonly mode: string;
  /** ipvlan's `ipvlan_flag`: `bridge`, `private`, `vepa`. */
  readonly flag: string;
  readonly mtu: number;
}

/** `host`, `none`, and networks that are only a configuration (whose driver shows as `null`). */
export interface PlainNetworkState extends NetworkBaseState {
  readonly driver: "host" | "null";
}

export interface SubnetState {
  readonly network: number;
  readonly prefixLength: number;
}

export interface Subnet6State {
  readonly network: bigint;
  readonly prefixLength: number;
}

export interface BridgeState {
  /** The kernel's name: `docker0`, `br-` + 12 digits of the network ID, or what an option says. */
  readonly device: string;
  /** The name for people: `docker0`, `br-` + the network's name. */
  readonly displayName: string;
  readonly mac: number;
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** `host_ipv4`, `host_ipv6`: what to translate sources to instead of masquerading. */
  readonly hostIpv4: string | undefined;
  readonly hostIpv6: string | undefined;
  readonly hostBinding: string;
  readonly gatewayMode4: GatewayMode;
  readonly gatewayMode6: GatewayMode;
  readonly trustedInterfaces: readonly string[];
  /** Without an IPv4 address on the bridge device. */
  readonly inhibitIpv4: boolean;
  /** There if another network has taken the device: the address that it has since. */
  readonly taken?: Cidr | undefined;
}

export type GatewayMode = "nat" | "nat-unprotected" | "routed" | "isolated";

/** The interface under a macvlan or ipvlan network. */
export interface ParentState {
  /** `eth0`, `eth0.10`, or `dm-` and `di-` with 12 digits of the network ID. */
  readonly device: string;
  readonly kind: "device" | "vlan" | "dummy";
  /** Of a sub-interface. */
  readonly vlan?: { readonly id: number; readonly link: string };
  /** Whether Docker made it, and removes it with the network. */
  readonly created: boolean;
}

/** Restarting: it has ended, and its policy starts it again and again. */
export type ContainerStatus = "created" | "running" | "paused" | "restarting" | "exited";

export interface ContainerState {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly hostname: string;
  readonly domainname: string;
  readonly service: string | undefined;
  readonly spec: ContainerSpec;
  readonly status: ContainerStatus;
  /** Whether it has a sandbox: running or paused. */
  readonly running: boolean;
  /** A task of a service that is to go: names and load balancers do not lead to it any more. */
  readonly isDisabled?: boolean;
  readonly exitCode: number;
  /** Why the last start failed. */
  readonly error: string;
  /** Counts up with every container that starts, on one host. */
  readonly startOrder: number;
  /** How often its policy has started it again. */
  readonly restartCount: number;
  /** What it is called by others' legacy links, each as `parent/alias`. */
  readonly linkNames: readonly string[];
  /** `HostConfig.NetworkMode`. */
  readonly networkMode: string;
  /** `Config.NetworkDisabled`: it was to join the default bridge of a daemon that has none. */
  readonly networkDisabled: boolean;
  readonly network:
    | { readonly mode: "sandbox" | "none" }
    | { readonly mode: "host" }
    /** Shares the sandbox of another container. Orphaned: the other one has stopped since, what is left is `lo`. */
    | { readonly mode: "container"; readonly container: string; readonly orphaned: boolean };
  /** Who has the same one shares a network namespace; empty if it does not run. */
  readonly sandboxId: string;
  /** Whether its resolver is Docker's own: it is, or was, on a network with DNS. */
  readonly embeddedDns: boolean;
  /** The networks that it belongs to, running or not, as `NetworkSettings.Networks` lists them. */
  readonly attachments: readonly AttachmentState[];
  /** The networks that it is on while it runs, in the order of gateways and of the DNS. */
  readonly networkOrder: readonly string[];
  /** Its own endpoints, in the order of its interfaces; none for `host`, `none` and `container:`, and while it does not run. */
  readonly endpoints: readonly EndpointState[];
  /** Those that got no interface, as its sandbox is none of Docker's (`--bridge=none`); they have names and addresses all the same. */
  readonly unplugged?: readonly EndpointState[];
  /** The endpoint that gives the default route. */
  readonly gateway: { readonly network: string; readonly ip: number } | undefined;
  readonly gateway6: { readonly network: string; readonly ip: bigint } | undefined;
  /** As `NetworkSettings.Ports` shows them, in the order of allocation. */
  readonly ports: readonly PublishedPortState[];
  /** Whether `NetworkSettings.Ports` lists exposed ports that are not published, as `null`. */
  readonly showsExposed: boolean;
  /** Every port that it exposes: of its image, of `--expose`, and what it publishes. */
  readonly exposed: readonly ExposedPortState[];
  /** `docker ps` still shows what a start that failed had come to. */
  readonly listed?: Pick<ContainerState, "ports" | "showsExposed">;
  /** The lines of its /etc/hosts and /etc/resolv.conf, also after it has stopped; none while it never had a sandbox. */
  readonly hostsFile: readonly string[] | undefined;
  readonly resolvConf: readonly string[] | undefined;
  /** The environment of its first process, while it runs. */
  readonly environment: readonly string[] | undefined;
  /** The containers that it is linked to on the default bridge. */
  readonly linked: readonly LinkedContainer[];
}

export interface ExposedPortState {
  readonly port: number;
  readonly protocol: PortProtocol;
}

export interface AttachmentState {
  /** The key in `NetworkSettings.Networks`. */
  readonly network: string;
  /** Empty until it was first joined. */
  readonly networkId: string;
  readonly spec: EndpointSpec;
  /** `Aliases` as the generation shows them. */
  readonly aliases: readonly string[];
  /** Names that DNS has for it; those of the last time while it is not joined. */
  readonly dnsNames: readonly string[];
  /** By `docker network connect`, whose empty fields show as `{}` and `[]` instead of `null`. */
  readonly viaConnect: boolean;
  /** Of a task of a service, for which managers send fields that are empty as well. */
  readonly isManaged?: boolean;
  /** Empty while it is not joined. */
  readonly endpointId: string;
  /** Undefined on `host` and `none` (but for a MAC that was asked for there), and while it is not joined. */
  readonly endpoint: EndpointState | undefined;
}

export interface EndpointState {
  /** `--link-local-ip`: IPv4 addresses beside the own one, each in a /16. */
  readonly linkLocal?: readonly number[];
  readonly id: string;
  readonly network: string;
  readonly networkId: string;
  /** 0 on a network without IPv4. */
  readonly ip: number;
  readonly prefixLength: number;
  readonly ipv6: bigint | undefined;
  readonly prefixLength6: number;
  /** What `docker inspect` shows as `Gateway` and `IPv6Gateway`. */
  readonly gateway: number | undefined;
  readonly gateway6: bigint | undefined;
  readonly mac: number;
  /** Inside the container: `eth0`. */
  /** Counts up with the interfaces of its sandbox, also of those that are gone or were refused; 0 where there is none. */
  readonly index: number;
  readonly interfaceName: string;
  /** The end on the host: `veth` + 7 hexadecimal digits; empty for macvlan and ipvlan. */
  readonly vethName: string;
  /** Names by which this endpoint is known on its network; the first is the answer to reverse lookups. */
  readonly dnsNames: readonly string[];
  readonly mtu: number;
  readonly link: LinkSpec | undefined;
  /** Of the way out through docker_gwbridge, and of endpoints of the daemon's own: what `docker network inspect` calls it. */
  readonly shownName?: string;
  /** On an overlay network: the number of its cable in the network's namespace, `vethN`. */
  readonly cable?: number;
}

export interface PublishedPortState {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  /** False where only `docker inspect` still shows it: nothing listens and nothing is translated any more. */
  readonly active: boolean;
}

/** Whether containers of the network have cables into a bridge. */
export function isBridge(network: NetworkState): network is BridgeNetworkState {
  return network.driver === "bridge";
}

/** Whether the network is one of a swarm. */
export function isOfSwarm(network: NetworkState): network is SwarmNetworkState {
  return network.driver === "overlay";
}

/** Whether containers of the network sit on an interface of their host. */
export function hasParent(network: NetworkState): network is ParentNetworkState {
  return network.driver === "macvlan" || network.driver === "ipvlan";
}

/** The services of the swarms that there are, each once. */
export function servicesOf({ hosts }: Pick<DockerState, "hosts">): SwarmServiceState[] {
  const known = hosts.flatMap(({ swarm }) => swarm?.services ?? []);
  return [...new Map(known.map((service) => [service.id, service])).values()];
}

/** The containers of a host that publish a port, or would if they ran and it were mapped. */
export function publishersOf({ containers }: Pick<DockerState, "containers">, host: string, port: number, protocol: PortProtocol): ContainerState[] {
  return containers.filter((container) => {
    if (container.host !== host) return false;
    const isShown = container.ports.some((shown) => shown.hostPort === port && shown.protocol === protocol);
    return isShown || container.spec.publish.some(({ hostPort, protocol: own }) => own === protocol && hostPort !== undefined && hostPort.from <= port && port <= hostPort.to);
  });
}
