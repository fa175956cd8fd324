import type { Nanoseconds } from "../engine/engine";
import type { ConntrackFilter, DatapathProgram, FlowRecord, SocketRecord } from "../engine/program";
import type { Daemons } from "../model/decide";
import type { FilesSupport } from "../model/files";
import type { PortProtocol, TopologySpec, TrafficSpec } from "../model/spec";
import type { DockerState } from "../model/state";
import type { OverlayLayer } from "./overlays";

/** A description with everything that Docker decided about it, and the tables that the packet path loads. */
export interface CompiledTopology {
  readonly spec: TopologySpec;
  readonly state: DockerState;
  readonly program: DatapathProgram;
  /** Device index by display name: `web:eth0`, `host1:docker0`, `host1:br-front`. */
  readonly devices: ReadonlyMap<string, number>;
  /** Where flows, sockets and ports that are added later go on. */
  readonly cursor: TrafficCursor;
  /** Plain data for reports. */
  describe(): TopologyDescription;
  /**
   * Turns traffic into flows and sockets at the indices after `cursor`: the arrays are what a `ProgramPatch` takes. Nothing is
   * changed; go on with the `cursor` that comes back.
   *
   * @throws SimulationError `NOT_FOUND` if the sender or the target is unknown or cannot be resolved from the sender, in
   * Docker's terms; `INVALID_INPUT` for a rate or size that cannot be; `LIMIT_EXCEEDED` if a table is full.
   * @example
   * const { flows, sockets, cursor } = compiled.resolveTraffic([spec], compiled.cursor);
   */
  resolveTraffic(traffic: readonly TrafficSpec[], cursor: TrafficCursor, serves?: "anything" | "what is known" | "nothing"): ResolvedTraffic;
  /** The same for flows that are there already, after the network has changed: only those that have to change come back. */
  moveTraffic(flows: readonly PlacedFlow[], cursor: TrafficCursor, nowNs: Nanoseconds): MovedTraffic;
  /** The daemons as they are after the description, to be asked for more. Everybody who asks gets daemons of their own. `files`: see `DaemonOptions`. */
  daemons(files?: FilesSupport): Daemons;
  /** What daemons have made of the network since: everything that is still there keeps its index. `overlays`: for a swarm that was not there before. */
  follow(state: DockerState, cursor: TrafficCursor, nowNs: Nanoseconds, overlays?: OverlayLayer): Promise<FollowedTopology>;
  /** `ip addr`, `ip route` and `bridge link` of every namespace, as text. */
  render(): string;
  /** `iptables-save` and `ip6tables-save` of every host, as text: what Docker programs, and rules of the user. */
  rules(): string;
}

/** What is taken already: the next flow and socket, listening ports, ephemeral ports, echo identifiers. */
export interface TrafficCursor {
  readonly flowIndex: number;
  readonly socketIndex: number;
  /** ICMP identifiers are handed out from 1, one per flow. */
  readonly icmpIdentifier: number;
  /** Next ephemeral port by `namespace/protocol`. */
  readonly ephemeralPorts: ReadonlyMap<string, number>;
  /** Sockets that exist, by `namespace/protocol/port`. */
  readonly listening: ReadonlyMap<string, { readonly index: number; readonly record: SocketRecord }>;
  readonly flowNames: ReadonlySet<string>;
  /** Indices of sockets that are closed, to be taken first. */
  readonly freeSockets: readonly number[];
}

/** A flow that exists. */
export interface PlacedFlow {
  readonly index: number;
  readonly record: FlowRecord;
  readonly description: FlowDescription;
  /** Messages that it has sent. */
  readonly sent: number;
  /** Whether it has sent all that it was to send. */
  readonly isOver: boolean;
  /** Whether it keeps still because its sender does not run. */
  readonly isSilent: boolean;
}

export interface MovedTraffic {
  readonly flows: readonly { readonly index: number; readonly record: FlowRecord; readonly address: string; readonly isSilent: boolean }[];
  readonly sockets: readonly { readonly index: number; readonly record: SocketRecord }[];
  readonly cursor: TrafficCursor;
}

/** A topology after daemons have changed it, and what an engine that runs the one before has to be told. */
export interface FollowedTopology {
  /** Its cursor knows of the sockets below. */
  readonly topology: CompiledTopology;
  /** Sockets of the daemons' processes that are new, changed or closed. */
  readonly sockets: readonly { readonly index: number; readonly record: SocketRecord }[];
  /** Tracked connections that go. */
  readonly conntrack: readonly ConntrackFilter[];
  /** Flows that tell neighbours of new addresses. */
  readonly announcements: readonly FlowRecord[];
}

export interface ResolvedTraffic {
  readonly flows: readonly { readonly index: number; readonly record: FlowRecord }[];
  /** New sockets, and ones whose role changed. */
  readonly sockets: readonly { readonly index: number; readonly record: SocketRecord }[];
  /** One description per new flow, in the order of `flows`. */
  readonly descriptions: readonly FlowDescription[];
  readonly cursor: TrafficCursor;
}

/** A flow in words, for reports. */
export interface FlowDescription {
  /** Unique: the traffic's name, with `/container` or `#client` if it became several flows. */
  readonly name: string;
  /** The traffic it came from. */
  readonly traffic: TrafficSpec;
  /** Container or host. */
  readonly from: string;
  /** As written: `db:5432/tcp`. */
  readonly to: string;
  /** What the name resolved to. */
  readonly address: string;
}

/** What reports print of a compiled network. */
export interface TopologyDescription {
  readonly name: string;
  readonly generation: string;
  readonly hosts: readonly { readonly name: string; readonly cpus: number }[];
  readonly networks: readonly NetworkDescription[];
  /** Of the swarm. */
  readonly services: readonly ServiceDescription[];
  readonly containers: readonly ContainerDescription[];
  readonly flows: readonly FlowDescription[];
}

export interface NetworkDescription {
  readonly name: string;
  /** Whose daemon has it; an overlay network is described once for each host that takes part. */
  readonly host: string;
  readonly driver: string;
  readonly internal: boolean;
  /** `"172.20.0.0/16"`. */
  readonly subnet: string;
  readonly gateway: string;
  /** The kernel's name of the bridge device. */
  readonly bridge: string;
  /** Whether its packets are sealed from host to host, `--opt encrypted`. */
  readonly encrypted: boolean;
  /** Of an overlay network, one for each subnet. */
  readonly vnis: readonly number[];
  /** Its name in captures and reports: `host1:br-front`. */
  readonly device: string;
  readonly mtu: number;
}

/** A service of a swarm, as its managers know it. */
export interface ServiceDescription {
  readonly name: string;
  /** How many of its tasks run. */
  readonly tasks: number;
  /** What its name resolves to: a virtual address, or the tasks' own in turn. */
  readonly endpointMode: "vip" | "dnsrr";
  readonly virtualIps: readonly { readonly network: string; readonly ipv4: string }[];
  /** `ingress`: on every node; `host`: where a task is. */
  readonly ports: readonly ServicePortDescription[];
}

export interface ServicePortDescription {
  readonly published: number;
  readonly target: number;
  readonly protocol: PortProtocol;
  readonly mode: "ingress" | "host";
}

export interface ContainerDescription {
  readonly name: string;
  /** What devices and traffic are named by: the task of a service is `web.1`. */
  readonly label: string;
  readonly host: string;
  /** `"bridge"`, `"host"`, `"none"`, `"container:x"`, or `"networks"`. */
  readonly networkMode: string;
  readonly networks: readonly EndpointDescription[];
  readonly ports: readonly PublishedPortDescription[];
}

export interface EndpointDescription {
  readonly network: string;
  readonly ipv4: string;
  readonly prefixLength: number;
  readonly mac: string;
  /** Empty where the network has none. */
  readonly gateway: string;
  /** `eth0`. */
  readonly interfaceName: string;
  /** Its name in captures and reports: `web:eth0`. */
  readonly device: string;
  /** The cable's other end, a port of the bridge: `host1:veth1a2b3c4`. */
  readonly hostDevice: string;
  readonly isDefaultRoute: boolean;
  readonly dnsNames: readonly string[];
}

export interface PublishedPortDescription {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: PortProtocol;
}
