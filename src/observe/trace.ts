import { EventKind } from "../../assembly/abi/event";
import { Target } from "../../assembly/abi/netfilter";
import { NONE } from "../../assembly/abi/version";
import type { EventRecord, Nanoseconds } from "../engine/engine";
import type { ProgramNames } from "../engine/program";
import { deviceName, dropName, nodeName, type DropName } from "./names";

/** The way of one packet, with the copies that bridges made of it and with its answer. */
export interface PacketTrace {
  readonly flow: string;
  /** Number of the message within its flow, from 0. */
  readonly sequence: number;
  readonly hops: readonly TraceHop[];
  /** How often it, or its answer, reached a process. */
  readonly deliveries: number;
  /** What died on the way: the packet, its answer, or one of their copies. */
  readonly drops: readonly { readonly reason: DropName; readonly place: string }[];
  /** One line per hop. */
  toString(): string;
}

export interface TraceHop {
  readonly timeNs: Nanoseconds;
  readonly kind: "hop" | "deliver" | "drop" | "rule" | "schedule";
  /** `web:eth0`, or `(no device)` before a route is chosen. */
  readonly device: string;
  /** `bridge-input`. */
  readonly node: string;
  /** Bytes of the frame; of the message for a delivery. */
  readonly length: number;
  readonly reason?: DropName;
  /** The firewall rule that matched, as iptables-save writes it: `filter FORWARD: -A FORWARD -j DOCKER-USER`. */
  readonly rule?: string;
  /** The real server that IPVS sends the packet to, and its virtual service: `10.0.1.3 (web.1) of web on front`. */
  readonly server?: string;
}

const KINDS: Readonly<Record<EventKind, TraceHop["kind"]>> = {
  [EventKind.Hop]: "hop",
  [EventKind.Deliver]: "deliver",
  [EventKind.Drop]: "drop",
  [EventKind.Rule]: "rule",
  [EventKind.Schedule]: "schedule",
};

/** Sorts event records into traces, one per traced packet, in the order in which the packets were sent. */
export function assembleTraces(events: Iterable<EventRecord>, names: ProgramNames, flowName: (flow: number) => string): PacketTrace[] {
  const packets = new Map<number, EventRecord[]>();
  for (const event of events) {
    if (event.packet === NONE) continue;
    const records = packets.get(event.packet);
    if (records === undefined) packets.set(event.packet, [event]);
    else records.push(event);
  }
  return [...packets.values()].map((records) => assemble(records, names, flowName));
}

function assemble(records: readonly EventRecord[], names: ProgramNames, flowName: (flow: number) => string): PacketTrace {
  // A bridge's first record may be an ARP request that the packet caused: the flow is that of the first record that has one.
  const owner = records.find(({ flow }) => flow !== NONE);
  const hops = records.map((record): TraceHop => {
    const { timeNs, kind, device, node, length, reason } = record;
    if (kind === EventKind.Rule) {
      const rule = describeRule(names, record);
      return { timeNs, kind: "rule", device: deviceName(names, device), node: nodeName(node), length: 0, rule };
    }
    if (kind === EventKind.Schedule) {
      const server = `${names.realServers?.[record.sequence] ?? ""} of ${names.virtualServices?.[length] ?? ""}`;
      return { timeNs, kind: "schedule", device: deviceName(names, device), node: nodeName(node), length: 0, server };
    }
    const hop = { timeNs, kind: KINDS[kind], device: deviceName(names, device), node: nodeName(node), length };
    return kind === EventKind.Drop ? { ...hop, reason: dropName(reason) } : hop;
  });
  const flow = owner === undefined ? "" : flowName(owner.flow);
  const sequence = owner?.sequence ?? 0;
  return {
    flow,
    sequence,
    hops,
    deliveries: hops.filter(({ kind }) => kind === "deliver").length,
    drops: hops.flatMap(({ kind, reason, device }) => (kind === "drop" && reason !== undefined ? [{ reason, place: device }] : [])),
    toString: () => renderTrace(flow, sequence, hops),
  };
}

/** The chain, and the rule in it or the policy that decided. */
function describeRule({ chains, rules }: ProgramNames, { sequence, length, reason }: EventRecord): string {
  const text = sequence === NONE ? `policy ${Target[reason as number]?.toUpperCase() ?? ""}` : (rules[sequence]?.text ?? "");
  return `${chains[length] ?? ""}: ${text}`;
}

function renderTrace(flow: string, sequence: number, hops: readonly TraceHop[]): string {
  const deviceWidth = Math.max(0, ...hops.map(({ device }) => device.length));
  const nodeWidth = Math.max(0, ...hops.map(({ node }) => node.length));
  const lines = hops.map((hop) => {
    return `  ${formatSeconds(hop.timeNs)}  ${hop.device.padEnd(deviceWidth)}  ${hop.node.padEnd(nodeWidth)}  ${outcomeOf(hop)}`;
  });
  return [`${flow} #${sequence}`, ...lines].join("\n");
}

function outcomeOf({ kind, length, reason, rule, server }: TraceHop): string {
  switch (kind) {
    case "hop":
      return `${length} bytes`;
    case "deliver":
      return `delivered, ${length} bytes`;
    case "drop":
      return `dropped: ${reason}`;
    case "rule":
      return rule ?? "";
    case "schedule":
      return `balanced to ${server}`;
  }
}

/**
 * Simulated time to the nanosecond, as captures show it.
 *
 * @example formatSeconds(1_000_000_042) // "1.000000042"
 */
export function formatSeconds(ns: Nanoseconds): string {
  return `${Math.floor(ns / 1e9)}.${String(ns % 1e9).padStart(9, "0")}`;
}
