import { FlowError, FlowState } from "../../assembly/abi/counter";
import type { DropCount, FlowCounters, LatencyHistogram, Nanoseconds } from "../engine/engine";
import type { FlowRecord } from "../engine/program";
import { summarizeFlow, type FlowLabel, type FlowSummary } from "./summary";

/** The flows that one sender has because of one description of traffic, added up: `name` is the description's. */
export interface TrafficSummary extends FlowSummary {
  /** How many flows: the clients. */
  readonly flows: number;
}

/** One flow with what was counted of it. */
export interface CountedFlow {
  /** Name of the description that it comes from. */
  readonly traffic: string;
  readonly label: FlowLabel;
  readonly record: FlowRecord;
  readonly counters: FlowCounters;
  readonly drops: readonly DropCount[];
}

/** Adds flows up by description and sender, in the order of their first flows. Percentiles are those of all messages together. */
export function summarizeTraffic(flows: readonly CountedFlow[], now: Nanoseconds): TrafficSummary[] {
  const groups = new Map<string, CountedFlow[]>();
  for (const flow of flows) {
    const key = JSON.stringify([flow.traffic, flow.label.from]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [flow]);
    else group.push(flow);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const label = { ...first.label, name: first.traffic };
    const counters = group.map((flow) => flow.counters).reduce(addCounters);
    const summary = summarizeFlow(label, first.record, counters, group.map(({ drops }) => drops).reduce(addDrops), now);
    return [{ ...summary, flows: group.length }];
  });
}

/** What two flows, or one before and after it began anew, have counted together. */
export function addCounters(a: FlowCounters, b: FlowCounters): FlowCounters {
  return {
    sent: a.sent + b.sent,
    sentBytes: a.sentBytes + b.sentBytes,
    delivered: a.delivered + b.delivered,
    deliveredBytes: a.deliveredBytes + b.deliveredBytes,
    answered: a.answered + b.answered,
    answeredBytes: a.answeredBytes + b.answeredBytes,
    duplicates: a.duplicates + b.duplicates,
    reordered: a.reordered + b.reordered,
    timeouts: a.timeouts + b.timeouts,
    errors: a.errors + b.errors,
    retransmits: a.retransmits + b.retransmits,
    blocked: a.blocked + b.blocked,
    inFlight: a.inFlight + b.inFlight,
    state: STATE_ORDER.indexOf(a.state) < STATE_ORDER.indexOf(b.state) ? a.state : b.state,
    error: a.error === FlowError.None ? b.error : a.error,
    latency: addHistograms(a.latency, b.latency),
    outcome: a.outcome,
  };
}

/** A group is in the state of that flow which calls for attention first. */
const STATE_ORDER = [FlowState.Failed, FlowState.Running, FlowState.Waiting, FlowState.Finished];

function addHistograms(a: LatencyHistogram, b: LatencyHistogram): LatencyHistogram {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  return {
    count: a.count + b.count,
    sumNs: a.sumNs + b.sumNs,
    minNs: Math.min(a.minNs, b.minNs),
    maxNs: Math.max(a.maxNs, b.maxNs),
    buckets: a.buckets.map((count, bucket) => count + (b.buckets[bucket] ?? 0)),
  };
}

export function addDrops(a: readonly DropCount[], b: readonly DropCount[]): DropCount[] {
  const sums = new Map(a.map(({ reason, count }) => [reason, count]));
  for (const { reason, count } of b) sums.set(reason, (sums.get(reason) ?? 0) + count);
  const [of = 0] = [...a, ...b].map((drop) => drop.of);
  return [...sums].map(([reason, count]) => ({ reason, of, count }));
}
