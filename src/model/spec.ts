import type { SourcePosition } from "../errors";
import type { DaemonFile } from "./daemon-file";
import type { DaemonFlags } from "./flags";
import type { SwarmSpec } from "./swarm/swarm-spec";
import type { UnderlaySpec } from "./underlay";
import type { HostWorld } from "./world";

/** Which generation of Docker Engine decides: the last 20.10, or the current one. */
export type DockerGeneration = "29" | "20.10";

/**
 * What a person asked for, before Docker decided anything: frozen plain data, the same whether it came from the fluent
 * calls or from a Compose file. Quantities are integers in the unit that their name says; addresses are kept as written,
 * because it is the daemon that refuses them.
 */
export interface TopologySpec {
  /** The project: prefix of nothing, heading of reports. */
  readonly name: string;
  readonly generation: DockerGeneration;
  /** Decides what a daemon draws at random: object IDs, bridge MACs, container MACs of Docker 29. Unsigned 32 bits; 0 unless given. */
  readonly seed: number;
  /** At least one. Containers name theirs. */
  readonly hosts: readonly HostSpec[];
  /** In the order of creation. */
  readonly networks: readonly NetworkSpec[];
  /** In the order of start. */
  readonly containers: readonly ContainerSpec[];
  readonly traffic: readonly TrafficSpec[];
  /** What the hosts' uplinks are cabled to; nothing unless given. */
  readonly underlay?: UnderlaySpec;
  /** The swarm that hosts are in; none unless given. Its networks and services are there before the containers. */
  readonly swarm?: SwarmSpec;
}

/** What everything that can be wrong carries: where it was written, for messages. */
export interface Positioned {
  readonly position?: SourcePosition;
}

/** A machine that runs a Docker daemon. */
export interface HostSpec extends Positioned {
  readonly name: string;
  readonly cpus: number;
  /** Packets that may wait for one CPU: net.core.netdev_max_backlog. */
  readonly backlog: number;
  /** Flags of its daemon; those of a daemon started without any unless given. */
  readonly flags?: DaemonFlags;
  /** Its daemon.json, where `flags` are absent. */
  readonly daemon?: DaemonFileSpec;
  /** Cables, routes and processes; a host by itself unless given. */
  readonly world?: HostWorld;
  /** What its user does to the packet filter once the daemon runs: rules for DOCKER-USER, a firewall of the host's own. */
  readonly rules?: readonly RulesSpec[];
}

export interface DaemonFileSpec extends Positioned {
  readonly file: DaemonFile;
  /** For messages: `"host h1: daemon"`. */
  readonly subject: string;
}

/** Rules in iptables syntax: lines of commands, or what `iptables-save` prints. */
export interface RulesSpec {
  readonly text: string;
  /** For messages: `file:line:column`. */
  readonly file: string;
  /** Of lines that name neither `iptables` nor `ip6tables`; 4 unless given. */
  readonly family?: 4 | 6;
}

export interface NetworkSpec extends Positioned {
  readonly name: string;
  /** The host whose daemon makes it; every host's unless given. */
  readonly host?: string;
  /** `"bridge"` unless given. */
  readonly driver: string;
  /** IPAM blocks as `docker network create` takes them; none: a subnet from the default pools. */
  readonly ipam: readonly IpamSpec[];
  readonly internal: boolean;
  /** Driver options by their full names, such as `com.docker.network.driver.mtu`. */
  readonly options: Readonly<Record<string, string>>;
  /** `--ipv6`. */
  readonly ipv6?: boolean;
  /** `--ipv4=false` of Docker 28 and later; true unless given. */
  readonly ipv4?: boolean;
  readonly attachable?: boolean;
  readonly ingress?: boolean;
  /** Only a template for others. */
  readonly configOnly?: boolean;
  /** The template to take everything from. */
  readonly configFrom?: string;
  /** `"local"` or `"swarm"`; what the driver says unless given. */
  readonly scope?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `"default"` unless given. */
  readonly ipamDriver?: string;
  readonly ipamOptions?: Readonly<Record<string, string>>;
  /** What every cable of this network does; an endpoint may say otherwise, field by field. */
  readonly link?: LinkSpec;
}

export interface IpamSpec extends Positioned {
  /** `"172.20.0.0/24"`. */
  readonly subnet?: string;
  readonly gateway?: string;
  readonly ipRange?: string;
  readonly auxAddresses: Readonly<Record<string, string>>;
}

/** `HostConfig.NetworkMode`; `"default"` is what the client sends when nothing is said. */
export type NetworkModeSpec = "default" | "bridge" | "host" | "none" | `container:${string}`;

/** What an image says about its containers. */
export interface ImageSpec {
  readonly name: string;
  /** `EXPOSE`. */
  readonly expose: readonly ExposeSpec[];
  /** `ENV`, as `NAME=value`. */
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** Ports of its network namespace that its command listens on, with every address of both families. */
  readonly listens?: readonly ExposedPort[];
  /** No host has it, and no registry can be reached: a service may name it all the same. */
  readonly isMissing?: boolean;
  /** What is in it; unless given, nothing that is asked for is missing. */
  readonly contents?: ImageContents;
  /** Exit code on SIGTERM; without one the command has to be killed, which makes 137. */
  readonly exitOnTerm?: number;
}

/** What of an image's files decides whether a process starts; paths are absolute. */
export interface ImageContents {
  readonly programs: readonly string[];
  readonly folders: readonly string[];
  /** Names in /etc/passwd and /etc/group; everyone is there unless given. */
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
}

export interface ExposedPort {
  readonly port: number;
  readonly protocol: PortProtocol;
}

export type RestartPolicySpec = "no" | "always" | "unless-stopped" | "on-failure";

export interface ContainerSpec extends Positioned {
  readonly name: string;
  /** The daemon made the name up: 20.10 does not tell it to the DNS. */
  readonly anonymous?: boolean;
  /** The name of its host. */
  readonly host: string;
  /** What its kernel calls itself; the first 12 digits of its ID unless given. */
  readonly hostname?: string;
  readonly domainname?: string;
  readonly image?: ImageSpec;
  /** Instead of the image's. */
  readonly command?: readonly string[];
  /** `NAME=value`. */
  readonly env?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly restart?: RestartPolicySpec;
  /** `on-failure:3`: how often at most; 0 or absent: again and again. */
  readonly restartRetries?: number;
  readonly autoRemove?: boolean;
  readonly sysctls?: Readonly<Record<string, string>>;
  /** `Config.User`, `Config.WorkingDir`, and how many words of its command are `Config.Entrypoint`. */
  readonly user?: string;
  readonly workdir?: string;
  readonly entrypointWords?: number;
  /** Why its first process cannot be started; `inside`: refused only within the sandbox, by runc. */
  readonly startFailure?: { readonly words: string; readonly inside: boolean };
  /** Something looks after its health (`--health-cmd`); what it finds is not simulated. */
  readonly healthcheck?: boolean;
  readonly capAdd?: readonly string[];
  /** `--mac-address` for the container: 20.10 has it so, and gives it to the network of the network mode. */
  readonly mac?: string;
  /** `-P`: every exposed port gets a random host port. */
  readonly publishAll?: boolean;
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly dnsOptions?: readonly string[];
  /** The Compose service it belongs to. Traffic may name a service: all its containers. */
  readonly service?: string;
  /** Excludes `networks`. With neither, the container joins the default bridge. */
  readonly networkMode?: NetworkModeSpec;
  /** The first is the primary network. */
  readonly networks: readonly EndpointSpec[];
  readonly publish: readonly PublishSpec[];
  /** `--expose`, without what the image exposes. */
  readonly expose: readonly ExposeSpec[];
  /** The same with protocols that Docker does not know, as `80/foo`: they are shown and lead nowhere. */
  readonly exposeUnknown?: readonly string[];
  readonly links: readonly ContainerLinkSpec[];
  /** Lines for /etc/hosts (`--add-host`). */
  readonly extraHosts: readonly ExtraHostSpec[];
}

/** One container on one network. */
export interface EndpointSpec extends Positioned {
  readonly network: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly linkLocalIps?: readonly string[];
  readonly mac?: string;
  /** `docker network connect --link`: names for this container alone. */
  readonly links?: readonly ContainerLinkSpec[];
  readonly driverOptions?: Readonly<Record<string, string>>;
  /** Beside the container's own name. */
  readonly aliases: readonly string[];
  /** Docker 28 and later: the highest gives the default route. 0 unless given. */
  readonly gwPriority: number;
  /** Name of the interface instead of the next `ethN` (Docker 28.1 and later). */
  readonly interfaceName?: string;
  readonly link?: LinkSpec;
}

export type PortProtocol = "tcp" | "udp" | "sctp";

export interface PortRangeSpec {
  readonly from: number;
  readonly to: number;
}

/** One container port that is published. */
export interface PublishSpec extends Positioned {
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  /** One port, or a range to pick from; absent: an ephemeral port. */
  readonly hostPort?: PortRangeSpec;
  /** An ephemeral port, asked for as port 0. */
  readonly asksForAny?: true;
  readonly hostIp?: string;
}

export interface ExposeSpec extends PortRangeSpec {
  readonly protocol: PortProtocol;
}

/** `--link container:alias`. */
export interface ContainerLinkSpec extends Positioned {
  readonly container: string;
  readonly alias: string;
}

export interface ExtraHostSpec extends Positioned {
  readonly name: string;
  /** An address, or `host-gateway`. */
  readonly address: string;
}

/**
 * What a cable does to frames, as netem(8) has it. It shapes both directions of a container's veth pair, each direction
 * with its own queue and its own random numbers: `delayNs` is one way, a ping sees it twice.
 */
export interface LinkSpec {
  /** Bits per second, Ethernet header included; 0 or absent: no limit. */
  readonly rateBps?: number;
  readonly delayNs?: number;
  /** Uniform, plus and minus. */
  readonly jitterNs?: number;
  /** Probabilities in units of 2^-32, as `parseProbability` makes them. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  /** Frames that may wait for the transmitter. */
  readonly limit?: number;
}

export type TrafficKind = "constant" | "poisson" | "onoff" | "request" | "exchange" | "ping";

/** How often something is sent: messages per second, or payload bits per second. */
export type RateSpec = { readonly perSecond: number } | { readonly bitsPerSecond: number };

/** Whom traffic goes to: a name as the sender would look it up, or an address. `port` is absent for ping alone. */
export interface TargetSpec {
  readonly host: string;
  readonly port?: number;
  readonly protocol: "tcp" | "udp" | "icmp";
}

/** One description of traffic; it becomes one flow per sending container and client. */
export interface TrafficSpec extends Positioned {
  readonly name: string;
  /** A container, a Compose service (all its containers), or a host. */
  readonly from: string;
  readonly to: TargetSpec;
  readonly kind: TrafficKind;
  /** Absent for `request` and `exchange`: the next one follows `thinkNs` after the response. */
  readonly rate?: RateSpec;
  /** Payload bytes of a message, a request, or an echo. */
  readonly sizeBytes: number;
  /** Bytes of the response to a `request` or in an `exchange`. */
  readonly responseBytes: number;
  /** `onoff`: how long it sends and how long it is silent. */
  readonly onNs: number;
  readonly offNs: number;
  readonly thinkNs: number;
  /** How long a `request` without a rate or an `exchange` waits before it gives up. */
  readonly timeoutNs: number;
  readonly startNs: number;
  /** Absent: to the end of the run. */
  readonly stopNs?: number;
  /** Messages of each flow; absent: no end. */
  readonly count?: number;
  /** Flows from each sending container. */
  readonly clients: number;
  /** Set DF on UDP and echo requests, even if they are too long (`ping -M do`). */
  readonly dontFragment: boolean;
  /** Which addresses of a name are used; absent: those of IPv4, and of IPv6 if there are no others. */
  readonly family?: 4 | 6;
}
