import type { SourcePosition } from "../errors";
import type { LatencySummary } from "../observe/histogram";
import type { DeviceSummary, DropSummary, FlowSummary } from "../observe/summary";
import type { TrafficSummary } from "../observe/traffic";
import { dropText } from "./drop-text";
import { type ManagementInput, managementOf } from "./management";
import { parentNotices } from "./parents";
import { findProblems } from "./problems";
import type { ReportContainer, ReportCounters, ReportHost, ReportLatency, ReportNotice, ReportPort, ReportRun, ReportService, ReportTraffic, RunReport } from "./report";

/** What a report is made from: a run's result, what it ran on, and what its reader should know of the description. */
export interface ReportInput {
  readonly topology: ReportTopology;
  readonly result: ReportResult;
  /** The files that described it. */
  readonly files?: readonly string[];
  readonly notices?: readonly { readonly kind: string; readonly path: string; readonly message: string; readonly position?: SourcePosition }[];
}

/** As much of a topology's description as a report prints. */
export interface ReportTopology {
  readonly name: string;
  readonly generation: string;
  readonly hosts: readonly ReportHost[];
  readonly networks: readonly {
    readonly name: string;
    readonly host: string;
    readonly driver: string;
    readonly internal: boolean;
    readonly subnet: string;
    readonly gateway: string;
    readonly bridge: string;
    readonly mtu: number;
    readonly encrypted: boolean;
    readonly vnis: readonly number[];
  }[];
  readonly services: readonly ReportService[];
  readonly containers: readonly {
    readonly name: string;
    readonly label: string;
    readonly host: string;
    readonly networkMode: string;
    readonly networks: readonly {
      readonly network: string;
      readonly ipv4: string;
      readonly prefixLength: number;
      readonly mac: string;
      readonly gateway: string;
      readonly interfaceName: string;
      readonly device: string;
      readonly hostDevice: string;
      readonly isDefaultRoute: boolean;
      readonly dnsNames: readonly string[];
    }[];
    readonly ports: readonly ReportPort[];
  }[];
  /** Which flow comes from which traffic. */
  readonly flows: readonly { readonly name: string; readonly traffic: { readonly name: string } }[];
}

/** As much of a run's result as a report prints. */
export interface ReportResult {
  readonly now: number;
  readonly flows: readonly FlowSummary[];
  readonly traffic: readonly TrafficSummary[];
  readonly drops: readonly DropSummary[];
  readonly devices: readonly DeviceSummary[];
  readonly management?: ManagementInput;
  readonly totals: { readonly events: number; readonly delivered: number; readonly dropped: number; readonly transmitted: number };
  readonly digest: string;
  readonly seed: number;
  readonly engine: "wasm" | "ts";
  readonly place: "worker" | "thread";
  readonly elapsedMs: number;
}

/**
 * The report of a run as plain data.
 *
 * @example renderText(buildReport({ topology, result }))
 */
export function buildReport({ topology, result, files = [], notices = [] }: ReportInput): RunReport {
  const endpoints = topology.containers.flatMap(({ name, networks }) => networks.map((endpoint) => ({ ...endpoint, container: name })));
  const containerOn = (place: string) => endpoints.find(({ device, hostDevice }) => device === place || hostDevice === place)?.container ?? null;
  const trafficOf = new Map(topology.flows.map(({ name, traffic }) => [name, traffic.name]));
  const traffic = result.traffic.map((item): ReportTraffic => ({ name: item.name, flows: item.flows, ...countersOf(item, topology) }));
  return {
    format: 1,
    project: { name: topology.name, files, docker: topology.generation },
    run: runOf(result),
    hosts: topology.hosts.map(({ name, cpus }) => ({ name, cpus })),
    networks: usedNetworks(topology).map(({ name, host, driver, subnet, gateway, bridge, mtu, internal, encrypted, vnis }) => {
      return { name, host, driver, subnet, gateway, bridge, mtuBytes: mtu, internal, encrypted, vnis };
    }),
    services: topology.services.map(serviceOf),
    containers: topology.containers.map(containerOf),
    traffic,
    flows: result.flows.map((flow) => {
      const { name, state, address } = flow;
      return { name, traffic: trafficOf.get(name) ?? name, state, address, ...countersOf(flow, topology) };
    }),
    management: result.management ? managementOf(result.management, result.now) : null,
    drops: result.drops.map(({ reason, place, count }) => {
      return { reason, meaning: dropText(reason, place).meaning, place, container: containerOn(place), packets: count };
    }),
    devices: result.devices.map((device) => ({
      name: device.name,
      receivedFrames: device.rxPackets,
      receivedBytes: device.rxBytes,
      transmittedFrames: device.txPackets,
      transmittedBytes: device.txBytes,
      droppedPackets: device.dropped,
    })),
    notices: [...notices.map(noticeOf), ...parentNotices(topology, traffic)],
    problems: findProblems(traffic),
  };
}

/**
 * The report as JSON text with a line break at its end: the same numbers in the same order for equal runs, but for the fields that
 * tell real time.
 */
export function renderJson(report: RunReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** Every daemon has the default bridge; it is worth a line only where a container is on it. */
function usedNetworks({ networks, containers }: ReportTopology): ReportTopology["networks"] {
  const joined = new Set(containers.flatMap((container) => container.networks.map(({ network }) => network)));
  return networks.filter(({ name }) => name !== "bridge" || joined.has(name));
}

function runOf(result: ReportResult): ReportRun {
  return {
    engine: result.engine,
    place: result.place,
    seed: result.seed,
    virtualTimeNs: result.now,
    realTimeMs: Math.round(result.elapsedMs),
    deliveredPackets: result.totals.delivered,
    droppedPackets: result.totals.dropped,
    transmittedFrames: result.totals.transmitted,
    events: result.totals.events,
    digest: result.digest,
  };
}

function containerOf({ name, label, host, networkMode, networks, ports }: ReportTopology["containers"][number]): ReportContainer {
  return {
    name,
    label,
    host,
    networkMode,
    interfaces: networks.map((endpoint) => ({
      name: endpoint.interfaceName,
      device: endpoint.device,
      hostDevice: endpoint.hostDevice,
      network: endpoint.network,
      ipv4: endpoint.ipv4,
      prefixLength: endpoint.prefixLength,
      mac: endpoint.mac,
      gateway: endpoint.gateway,
      isDefaultRoute: endpoint.isDefaultRoute,
      dnsNames: endpoint.dnsNames,
    })),
    ports: ports.map(({ hostIp, hostPort, containerPort, protocol }) => ({ hostIp, hostPort, containerPort, protocol })),
  };
}

function serviceOf({ name, tasks, endpointMode, virtualIps, ports }: ReportService): ReportService {
  return {
    name,
    tasks,
    endpointMode,
    virtualIps: virtualIps.map(({ network, ipv4 }) => ({ network, ipv4 })),
    ports: ports.map(({ published, target, protocol, mode }) => ({ published, target, protocol, mode })),
  };
}

/** The container behind a port of a host. */
function publisherOf({ from, to }: FlowSummary, { hosts, containers }: ReportTopology): string | null {
  const [, name = "", port = "", protocol = ""] = /^(.+):(\d+)\/(tcp|udp)$/.exec(to) ?? [];
  const host = /^(127\..*|localhost)$/.test(name) ? from : name;
  if (!hosts.some((known) => known.name === host)) return null;
  for (const container of containers) {
    const published = container.ports.find((each) => container.host === host && each.hostPort === Number(port) && each.protocol === protocol);
    if (published) return `${container.name}:${published.containerPort}`;
  }
  return null;
}

function countersOf(flow: FlowSummary, topology: ReportTopology): ReportCounters {
  return {
    from: flow.from,
    to: flow.to,
    publishedBy: publisherOf(flow, topology),
    kind: flow.kind,
    protocol: flow.protocol,
    sent: flow.sent,
    sentBytes: flow.sentBytes,
    delivered: flow.delivered,
    deliveredBytes: flow.deliveredBytes,
    answered: flow.answered,
    answeredBytes: flow.answeredBytes,
    lost: flow.lost,
    inFlight: flow.inFlight,
    duplicates: flow.duplicates,
    reordered: flow.reordered,
    timeouts: flow.timeouts,
    retransmits: flow.retransmits,
    blocked: flow.blocked,
    errors: flow.errors,
    lastError: flow.lastError ?? null,
    throughputBitsPerSecond: Math.round(flow.throughput.bitsPerSecond),
    messagesPerSecond: Math.round(flow.throughput.messagesPerSecond * 1_000) / 1_000,
    latency: latencyOf(flow.latency),
    drops: flow.drops.map(({ reason, count }) => ({ reason, packets: count })),
  };
}

function latencyOf({ count, min, mean, p50, p90, p99, max }: LatencySummary): ReportLatency {
  return { count, minNs: min, meanNs: Math.round(mean), p50Ns: p50, p90Ns: p90, p99Ns: p99, maxNs: max };
}

function noticeOf({ kind, path, message, position }: NonNullable<ReportInput["notices"]>[number]): ReportNotice {
  return { kind, path, message, file: position?.file ?? null, line: position?.line ?? null, column: position?.column ?? null };
}
