import type { DropName, FlowErrorName, FlowStateName } from "../observe/names";
import type { FlowSummary } from "../observe/summary";

/**
 * What a run leaves behind, as plain data: the JSON report, and what the text and Markdown reports are made from. Every number
 * carries its unit in its name; times are integer nanoseconds of simulated time unless the name says `real`. `docs/report.md`
 * describes every field. A field may be added within a format; nothing is renamed or removed.
 */
export interface RunReport {
  readonly format: 1;
  readonly project: ReportProject;
  readonly run: ReportRun;
  readonly hosts: readonly ReportHost[];
  readonly networks: readonly ReportNetwork[];
  /** Of the swarm; none without one. */
  readonly services: readonly ReportService[];
  readonly containers: readonly ReportContainer[];
  /** Flows of one sender added up: what the text report shows. */
  readonly traffic: readonly ReportTraffic[];
  /** Each client on its own. */
  readonly flows: readonly ReportFlow[];
  /** What the nodes of a swarm tell one another; null without a swarm, or without gossip. */
  readonly management: ReportManagement | null;
  /** By place and reason, the most frequent first. */
  readonly drops: readonly ReportDrop[];
  readonly devices: readonly ReportDevice[];
  readonly notices: readonly ReportNotice[];
  /** Why the run counts as failed; none: it did not. */
  readonly problems: readonly ReportProblem[];
}

export interface ReportProject {
  readonly name: string;
  readonly files: readonly string[];
  /** Generation of Docker Engine. */
  readonly docker: string;
}

export interface ReportRun {
  readonly engine: "wasm" | "ts";
  readonly place: "worker" | "thread";
  readonly seed: number;
  readonly virtualTimeNs: number;
  readonly realTimeMs: number;
  /** Packets that reached a process. */
  readonly deliveredPackets: number;
  readonly droppedPackets: number;
  /** Frames that a device sent: a packet between two containers of one bridge makes three or so. */
  readonly transmittedFrames: number;
  readonly events: number;
  /** 16 hexadecimal digits: equal for equal descriptions and seeds, on every machine and engine. */
  readonly digest: string;
}

export interface ReportHost {
  readonly name: string;
  readonly cpus: number;
}

export interface ReportNetwork {
  readonly name: string;
  readonly host: string;
  readonly driver: string;
  readonly subnet: string;
  readonly gateway: string;
  readonly bridge: string;
  readonly mtuBytes: number;
  readonly internal: boolean;
  /** Sealed from host to host. */
  readonly encrypted: boolean;
  /** VXLAN network identifiers of an overlay network, one for each subnet. */
  readonly vnis: readonly number[];
}

export interface ReportService {
  readonly name: string;
  /** How many of its tasks run. */
  readonly tasks: number;
  readonly endpointMode: "vip" | "dnsrr";
  readonly virtualIps: readonly { readonly network: string; readonly ipv4: string }[];
  readonly ports: readonly ReportServicePort[];
}

export interface ReportManagement {
  /** Everybody knows what is, and takes nobody for failed. */
  readonly isConverged: boolean;
  /** The host of the manager that leads. */
  readonly leader: string | null;
  /** By host and kind, where anything was sent. */
  readonly volumes: readonly ReportVolume[];
}

export interface ReportVolume {
  /** The one that sent it. */
  readonly host: string;
  readonly kind: "probes" | "gossip" | "sync" | "heartbeats" | "raft";
  /** Each answer is one, too. */
  readonly messages: number;
  /** Of what processes wrote, without headers. */
  readonly payloadBytes: number;
  readonly messagesPerSecond: number;
  readonly payloadBitsPerSecond: number;
}

export interface ReportServicePort {
  readonly published: number;
  readonly target: number;
  readonly protocol: string;
  /** `ingress`: on every node; `host`: on those where a task is. */
  readonly mode: "ingress" | "host";
}

export interface ReportContainer {
  readonly name: string;
  readonly label: string;
  readonly host: string;
  readonly networkMode: string;
  readonly interfaces: readonly ReportInterface[];
  readonly ports: readonly ReportPort[];
}

export interface ReportInterface {
  readonly name: string;
  /** Its name among `devices` and in captures: `shop-web-1:eth0`. */
  readonly device: string;
  /** The cable's other end, a port of the bridge: `host1:veth1a2b3c4`. */
  readonly hostDevice: string;
  readonly network: string;
  readonly ipv4: string;
  readonly prefixLength: number;
  readonly mac: string;
  /** Of the network; `isDefaultRoute` says whether the container uses it. */
  readonly gateway: string;
  readonly isDefaultRoute: boolean;
  readonly dnsNames: readonly string[];
}

export interface ReportPort {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
}

/** All flows that one container (or host) sends because of one description of traffic. */
export interface ReportTraffic extends ReportCounters {
  /** Name of the description. */
  readonly name: string;
  /** How many flows, which is how many clients. */
  readonly flows: number;
}

export interface ReportFlow extends ReportCounters {
  readonly name: string;
  /** Name of the description that it comes from. */
  readonly traffic: string;
  readonly state: FlowStateName;
  /** What the target's name resolved to. */
  readonly address: string;
}

export interface ReportCounters {
  readonly from: string;
  /** As written: `db:5432/tcp`. */
  readonly to: string;
  /** Where a published port leads: `shop-web-1:80`; `null` for other targets. */
  readonly publishedBy: string | null;
  readonly kind: FlowSummary["kind"];
  readonly protocol: FlowSummary["protocol"];
  /** Messages, requests or pings. */
  readonly sent: number;
  readonly sentBytes: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly answered: number;
  readonly answeredBytes: number;
  readonly lost: number;
  readonly inFlight: number;
  readonly duplicates: number;
  readonly reordered: number;
  readonly timeouts: number;
  readonly retransmits: number;
  readonly blocked: number;
  readonly errors: number;
  readonly lastError: FlowErrorName | null;
  readonly throughputBitsPerSecond: number;
  readonly messagesPerSecond: number;
  readonly latency: ReportLatency;
  readonly drops: readonly { readonly reason: DropName; readonly packets: number }[];
}

/** One way for messages, round trip for requests and pings. All 0 if nothing was measured. */
export interface ReportLatency {
  readonly count: number;
  readonly minNs: number;
  readonly meanNs: number;
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly maxNs: number;
}

export interface ReportDrop {
  readonly reason: DropName;
  /** In words. */
  readonly meaning: string;
  /** Device where the packet was last seen: `shop-web-1:eth0`. */
  readonly place: string;
  /** The container whose cable that is; `null` for a bridge, or where no device was chosen yet. */
  readonly container: string | null;
  readonly packets: number;
}

export interface ReportDevice {
  readonly name: string;
  readonly receivedFrames: number;
  readonly receivedBytes: number;
  readonly transmittedFrames: number;
  readonly transmittedBytes: number;
  readonly droppedPackets: number;
}

export interface ReportNotice {
  readonly kind: string;
  /** The key: `services.web.dns`. */
  readonly path: string;
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
}

export interface ReportProblem {
  readonly kind: "nothing-delivered" | "errors";
  /** Name of the traffic. */
  readonly traffic: string;
  readonly from: string;
  readonly to: string;
  readonly message: string;
}
