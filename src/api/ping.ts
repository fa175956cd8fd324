import { NONE } from "../../assembly/abi/version";
import { EventKind } from "../../assembly/abi/event";
import type { EventRecord, Nanoseconds } from "../engine/engine";
import type { RunListener } from "../engine/host";
import type { DatapathProgram } from "../engine/program";
import { readEvents } from "../engine/records";
import { SimulationError } from "../errors";
import { dropName, deviceName, type DropName } from "../observe/names";
import { parseDuration, parseSize, type Duration, type Size } from "../net/units";
import { FIRST_LOOK_NS, type ProbeContext } from "./probe/context";
import type { TrafficSpec } from "./spec";

export interface PingOptions {
  /** Echo requests to send; 3 unless given. */
  readonly count?: number;
  /** Payload bytes; 56 unless given, as ping(8) has it. */
  readonly size?: Size;
  /** From one request to the next; 1 s unless given. */
  readonly interval?: Duration;
  /** How long to wait for answers after the last request; 10 s unless given. Nobody waits when all have come. */
  readonly timeout?: Duration;
  /** Ends the ping early: it rejects with `ABORTED`. */
  readonly signal?: AbortSignal;
}

export interface PingReply {
  /** `icmp_seq` of the request, from 0. */
  readonly sequence: number;
  /** Absent if no answer came. */
  readonly rttNs?: Nanoseconds;
  /** Why there is none, if the request or its answer died: the last drop that it or a copy of it saw. */
  readonly dropped?: { readonly reason: DropName; readonly place: string };
}

export interface PingResult {
  readonly from: string;
  readonly to: string;
  readonly address: string;
  readonly sizeBytes: number;
  readonly sent: number;
  readonly received: number;
  /** Absent if no answer came. `mdev` is the standard deviation, as ping(8) prints it. */
  readonly rtt?: { readonly min: Nanoseconds; readonly avg: Nanoseconds; readonly max: Nanoseconds; readonly mdev: Nanoseconds };
  readonly replies: readonly PingReply[];
  /** What ping(8) would have printed. */
  toString(): string;
}

/** A ping's numbers, read and checked. */
interface PingPlan {
  readonly traffic: TrafficSpec;
  readonly count: number;
  readonly sizeBytes: number;
  readonly intervalNs: Nanoseconds;
  readonly timeoutNs: Nanoseconds;
}

function planPing(from: string, to: string, options: PingOptions, now: Nanoseconds): PingPlan {
  const { count = 3, size = 56, interval = "1s", timeout = "10s" } = options;
  if (!Number.isInteger(count) || count < 1) throw new SimulationError("INVALID_INPUT", `count: expected a whole number above 0, found ${count}`);
  const intervalNs = parseDuration(interval, "interval");
  if (intervalNs === 0) throw new SimulationError("INVALID_INPUT", `interval: expected more than 0, found "${interval}"`);
  const sizeBytes = parseSize(size, "size");
  const traffic: TrafficSpec = {
    name: `ping ${from} ${to}`,
    from,
    to: { host: to, protocol: "icmp" },
    kind: "ping",
    rate: { perSecond: 1e9 / intervalNs },
    sizeBytes,
    responseBytes: sizeBytes,
    onNs: 0,
    offNs: 0,
    thinkNs: 0,
    timeoutNs: 0,
    startNs: now,
    count,
    clients: 1,
    dontFragment: false,
  };
  return { traffic, count, sizeBytes, intervalNs, timeoutNs: parseDuration(timeout, "timeout") };
}

/** One reply per request, from the records of the traced packets of the flow. */
function readReplies(events: readonly EventRecord[], flow: number, program: DatapathProgram, namespace: number, isLocal: boolean): PingReply[] {
  const packets = new Map<number, EventRecord[]>();
  for (const event of events) {
    if (event.packet === NONE || event.flow !== flow) continue;
    const records = packets.get(event.packet);
    if (records === undefined) packets.set(event.packet, [event]);
    else records.push(event);
  }
  return [...packets.values()].map((records): PingReply => {
    const first = records[0];
    const sequence = first?.sequence ?? 0;
    const inNamespace = records.filter(({ kind, device }) => kind === EventKind.Deliver && program.devices[device]?.namespace === namespace);
    // A ping to oneself is delivered twice in one namespace: the request, then its answer.
    const answer = inNamespace[isLocal ? 1 : 0];
    if (first !== undefined && answer !== undefined) return { sequence, rttNs: answer.timeNs - first.timeNs };
    const drop = records.filter(({ kind }) => kind === EventKind.Drop).at(-1);
    if (drop === undefined) return { sequence };
    return { sequence, dropped: { reason: dropName(drop.reason), place: deviceName(program.names, drop.device) } };
  });
}

/** Sends the requests and lets time pass until all are answered or lost. */
export async function runPing(context: ProbeContext, from: string, to: string, options: PingOptions): Promise<PingResult> {
  const { program } = context.topology;
  const startedAt = context.now();
  const { traffic, count, sizeBytes, intervalNs, timeoutNs } = planPing(from, to, options, startedAt);
  const { index, record, description, commit } = context.flows.resolveProbe(traffic);
  await context.apply({ flows: [{ index, record: { ...record, intervalNs } }] });
  commit();
  await context.observe([{ flow: index, packets: count }]);
  const events: EventRecord[] = [];
  const listener: RunListener = { onRecords: (batch) => events.push(...readEvents(batch).filter(({ flow }) => flow === index)) };
  const lastAt = startedAt + (count - 1) * intervalNs;
  const deadline = lastAt + timeoutNs;
  let until = lastAt;
  for (let lookNs = FIRST_LOOK_NS; ; lookNs *= 2) {
    if (options.signal?.aborted) throw new SimulationError("ABORTED", "ping: aborted");
    await context.advance(until, listener);
    const { sent = 0, answered = 0, inFlight = 0 } = (await context.counters()).flows[index] ?? {};
    if (until >= deadline || (sent >= count && (answered >= count || inFlight === 0))) {
      const isLocal = program.addresses.some(({ ip, device }) => ip === record.destination && program.devices[device]?.namespace === record.namespace);
      const replies = readReplies(events, index, program, record.namespace, isLocal);
      const head = { from: description.from, to, address: description.address, sizeBytes, sent, durationNs: context.now() - startedAt };
      return summarizePing(head, replies);
    }
    until = Math.min(until + lookNs, deadline);
  }
}

/** Sums up in ping(8)'s way. */
function summarizePing(
  head: { readonly from: string; readonly to: string; readonly address: string; readonly sizeBytes: number; readonly sent: number; readonly durationNs: Nanoseconds },
  replies: readonly PingReply[],
): PingResult {
  const { durationNs, ...rest } = head;
  const times = replies.flatMap(({ rttNs }) => rttNs ?? []);
  const avg = times.reduce((sum, time) => sum + time, 0) / times.length;
  const variance = times.reduce((sum, time) => sum + (time - avg) ** 2, 0) / times.length;
  const rtt = { min: Math.min(...times), avg: Math.round(avg), max: Math.max(...times), mdev: Math.round(Math.sqrt(variance)) };
  const result = { ...rest, received: times.length, ...(times.length > 0 && { rtt }), replies };
  return { ...result, toString: () => render(result, durationNs) };
}

/** The lines of iputils' ping. */
function render({ to, address, sizeBytes, sent, received, rtt, replies }: Omit<PingResult, "toString">, durationNs: Nanoseconds): string {
  const ms = (ns: number) => (ns / 1e6).toFixed(3);
  // 8 bytes of ICMP header, 20 of IPv4.
  const lines = [`PING ${to} (${address}) ${sizeBytes}(${sizeBytes + 28}) bytes of data.`];
  for (const { sequence, rttNs, dropped } of replies) {
    if (rttNs !== undefined) lines.push(`${sizeBytes + 8} bytes from ${address}: icmp_seq=${sequence} time=${ms(rttNs)} ms`);
    else lines.push(`no answer for icmp_seq=${sequence}${dropped ? `: ${dropped.reason} at ${dropped.place}` : ""}`);
  }
  lines.push("", `--- ${to} ping statistics ---`);
  const loss = sent === 0 ? 0 : Number((((sent - received) / sent) * 100).toPrecision(6));
  lines.push(`${sent} packets transmitted, ${received} received, ${loss}% packet loss, time ${Math.round(durationNs / 1e6)}ms`);
  if (rtt !== undefined) lines.push(`rtt min/avg/max/mdev = ${ms(rtt.min)}/${ms(rtt.avg)}/${ms(rtt.max)}/${ms(rtt.mdev)} ms`);
  return lines.join("\n");
}
