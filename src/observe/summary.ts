import { FlowKind } from "../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import type { Counters, DropCount, FlowCounters, Nanoseconds } from "../engine/engine";
import type { DatapathProgram, FlowRecord, ProgramNames } from "../engine/program";
import { summarizeLatency, type LatencySummary } from "./histogram";
import { deviceName, dropName, flowErrorName, flowStateName, type DropName, type FlowErrorName, type FlowStateName } from "./names";

/** One flow from the start of the simulation to now. Always `sent = completed + inFlight + lost`, where requests and pings are complete when answered, other messages when delivered. */
export interface FlowSummary {
  readonly name: string;
  readonly from: string;
  /** As written: `db:5432/tcp`. */
  readonly to: string;
  readonly address: string;
  readonly kind: "constant" | "poisson" | "onoff" | "request" | "ping" | "exchange" | "query" | "announce";
  readonly protocol: "udp" | "tcp" | "icmp";
  readonly state: FlowStateName;
  /** Messages, requests or pings. */
  readonly sent: number;
  readonly sentBytes: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  /** Responses that came back. */
  readonly answered: number;
  readonly answeredBytes: number;
  readonly lost: number;
  readonly inFlight: number;
  readonly duplicates: number;
  readonly reordered: number;
  readonly timeouts: number;
  readonly retransmits: number;
  /** Messages that the sender's own socket refused; they do not count as sent. */
  readonly blocked: number;
  readonly errors: number;
  readonly lastError?: FlowErrorName;
  readonly throughput: Throughput;
  /** One way for messages, round trip for requests and pings. */
  readonly latency: LatencySummary;
  /** What happened to packets of the flow, answers included; a message may lose packets and still arrive. */
  readonly drops: readonly { readonly reason: DropName; readonly count: number }[];
}

/** Over the time from the flow's start to its end, or to now. */
export interface Throughput {
  /** Payload that reached a process, both directions. */
  readonly bitsPerSecond: number;
  /** Completed messages, requests or pings. */
  readonly messagesPerSecond: number;
}

/** How many packets died of one reason in one place. */
export interface DropSummary {
  readonly reason: DropName;
  /** The device: `web:eth0`. */
  readonly place: string;
  readonly count: number;
}

export interface DeviceSummary {
  readonly name: string;
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly txBytes: number;
  readonly dropped: number;
}

/** A host's CPUs, in virtual time. */
export interface HostSummary {
  readonly name: string;
  readonly cpus: number;
  /** Time that they have worked, all together. */
  readonly busyNs: Nanoseconds;
}

/** What a flow is called, by whoever described it. */
export interface FlowLabel {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly address: string;
}

/** Kinds whose messages are complete when their answer has come. */
const ANSWERED: readonly FlowKind[] = [FlowKind.Request, FlowKind.Ping, FlowKind.Exchange, FlowKind.Query];

const KINDS: Readonly<Record<FlowKind, FlowSummary["kind"]>> = {
  [FlowKind.Constant]: "constant",
  [FlowKind.Poisson]: "poisson",
  [FlowKind.OnOff]: "onoff",
  [FlowKind.Request]: "request",
  [FlowKind.Ping]: "ping",
  [FlowKind.Exchange]: "exchange",
  [FlowKind.Query]: "query",
  [FlowKind.Announce]: "announce",
};

/** A flow's counters in the words of its description. */
export function summarizeFlow(label: FlowLabel, record: FlowRecord, counters: FlowCounters, drops: readonly DropCount[], now: Nanoseconds): FlowSummary {
  const isAnswered = ANSWERED.includes(record.kind);
  const completed = isAnswered ? counters.answered : counters.delivered;
  // The engine counts packets here, and a message can be several: fragments, or a copy that a link made.
  const inFlight = Math.min(counters.inFlight, Math.max(0, counters.sent - completed));
  const seconds = Math.max(0, Math.min(now, record.stopNs) - record.startNs) / 1e9;
  const perSecond = (amount: number) => (seconds > 0 ? amount / seconds : 0);
  const lastError = flowErrorName(counters.error);
  return {
    name: label.name,
    from: label.from,
    to: label.to,
    address: label.address,
    kind: KINDS[record.kind],
    protocol: record.protocol === PROTOCOL_TCP ? "tcp" : record.protocol === PROTOCOL_UDP ? "udp" : "icmp",
    state: flowStateName(counters.state),
    sent: counters.sent,
    sentBytes: counters.sentBytes,
    delivered: counters.delivered,
    deliveredBytes: counters.deliveredBytes,
    answered: counters.answered,
    answeredBytes: counters.answeredBytes,
    lost: Math.max(0, counters.sent - completed - inFlight),
    inFlight,
    duplicates: counters.duplicates,
    reordered: counters.reordered,
    timeouts: counters.timeouts,
    retransmits: counters.retransmits,
    blocked: counters.blocked,
    errors: counters.errors,
    ...(lastError !== undefined && { lastError }),
    throughput: {
      bitsPerSecond: perSecond((counters.deliveredBytes + counters.answeredBytes) * 8),
      messagesPerSecond: perSecond(completed),
    },
    latency: summarizeLatency(counters.latency),
    drops: drops.map(({ reason, count }) => ({ reason: dropName(reason), count })),
  };
}

/** Drops by reason and place, the most frequent first. */
export function summarizeDrops(counters: Counters, names: ProgramNames): DropSummary[] {
  return counters.deviceDrops
    .map(({ reason, of, count }) => ({ reason: dropName(reason), place: deviceName(names, of), count }))
    .sort((a, b) => b.count - a.count);
}

export function summarizeDevices(counters: Counters, names: ProgramNames): DeviceSummary[] {
  const dropped = new Map<number, number>();
  for (const { of, count } of counters.deviceDrops) if (of !== NONE) dropped.set(of, (dropped.get(of) ?? 0) + count);
  return counters.devices.map((device, index) => ({
    name: deviceName(names, index),
    rxPackets: device.rxPackets,
    rxBytes: device.rxBytes,
    txPackets: device.txPackets,
    txBytes: device.txBytes,
    dropped: dropped.get(index) ?? 0,
  }));
}

export function summarizeHosts({ hosts = [] }: Counters, { names, hosts: records }: Pick<DatapathProgram, "names" | "hosts">): HostSummary[] {
  return hosts.map(({ busyNs }, index) => ({ name: names.hosts[index] ?? "", cpus: records[index]?.cpus ?? 1, busyNs }));
}
