import { EventKind } from "../../assembly/abi/event";
import { Node } from "../../assembly/abi/node";
import { FlowKind } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import type { EventRecord, FlowCounters, Nanoseconds } from "../engine/engine";
import type { RunListener } from "../engine/host";
import { readEvents } from "../engine/records";
import { SimulationError } from "../errors";
import type { DropName } from "../observe/names";
import { assembleTraces, type PacketTrace, type TraceHop } from "../observe/trace";
import { isIp, isIpv6 } from "../net/ip";
import { parseDuration, parseSize, type Duration, type Size } from "../net/units";
import { FIRST_LOOK_NS, type ProbeContext } from "./probe/context";
import { probeOutcome, type ProbeKind, type ProbeResult } from "./probe/probe-flow";
import { dropText } from "../report/drop-text";
import { causeOf, causeOfSilence, noteOf } from "./reach-cause";
import type { CompiledTopology, TargetSpec, TrafficSpec } from "./spec";
import { parseTarget } from "./traffic";

export interface ReachOptions {
  /** Asks a name's addresses of this family alone, as `ping -6` does. */
  readonly family?: 4 | 6;
  /** How long to wait for an answer; 5 s unless given. */
  readonly timeout?: Duration;
  /** Bytes of what is asked, or of the echo; 64, or 56 unless given. What is large shows what a path does to full packets. */
  readonly size?: Size;
  /** The port to ask from, as a process that keeps its socket does; a new one each time unless given. */
  readonly sourcePort?: number;
  /** Ends the attempt early: it rejects with `ABORTED`. */
  readonly signal?: AbortSignal;
}

/** What came of an attempt, and why. */
export interface ReachResult {
  readonly from: string;
  /** As written. */
  readonly to: string;
  readonly reachable: boolean;
  /** `ok`, or what the sending process saw; `unresolvable`: the name leads nowhere. */
  readonly result: ProbeResult | "unresolvable";
  /** What the name resolved to. */
  readonly address?: string;
  /** Why it did not, in Docker's terms. */
  readonly reason?: string;
  /** Whose namespace the server that answered is in, the source address that it saw, and the address at which it was asked. */
  readonly server?: string;
  readonly peer?: string;
  readonly local?: string;
  /** TTL of the answer to a ping. */
  readonly ttl?: number;
  /** Who sent the ICMP error. */
  readonly by?: string;
  /** What died on the way, if something did: the last packet of it. */
  readonly dropped?: { readonly reason: DropName; readonly place: string };
  /** What that means, in words; absent if the rule says it all. */
  readonly cause?: string;
  /** What else is worth knowing of an answer that came, such as who hid whom. */
  readonly note?: string;
  /** The rule that dropped or rejected it, as iptables-save writes it, behind its table and chain. */
  readonly rule?: string;
  /** The way of each packet, hop by hop, the answers' included. */
  readonly packets: readonly PacketTrace[];
  /**
   * The same over IPv6, for a name that has addresses of both families where neither was asked for. Which one a program tries first its
   * library says: glibc IPv6, musl and Go IPv4 before unique local addresses such as Docker's own (RFC 6724).
   */
  readonly overIpv6?: ReachResult;
  /** The verdict in a line, and below it the way of the packet that decided. */
  toString(): string;
}

/** Packets of one attempt that are traced: those of a whole TCP exchange. */
const TRACED_PACKETS = 16;
const DEFAULT_TIMEOUT = "5s";
/** Of a short HTTP request and its answer. */
const SIZES = { request: 64, response: 256, ping: 56 };

/** Asks over IPv4, and over IPv6 if the name has addresses of both. */
export async function runReach(context: ProbeContext, from: string, to: string, options: ReachOptions): Promise<ReachResult> {
  const result = await attempt(context, from, to, options);
  const { host } = parseTarget(to);
  const isName = !isIp(host) && host !== "localhost";
  if (options.family !== undefined || !isName || result.address === undefined || isIpv6(result.address)) return result;
  const overIpv6 = await attempt(context, from, to, { ...options, family: 6 });
  if (overIpv6.result === "unresolvable") return result;
  return { ...result, overIpv6, toString: () => `${String(result)}\nover IPv6: ${String(overIpv6)}` };
}

/** Sends the probe and lets time pass until its outcome is known. */
async function attempt(context: ProbeContext, from: string, to: string, { timeout = DEFAULT_TIMEOUT, size, family, sourcePort, signal }: ReachOptions): Promise<ReachResult> {
  const target = parseTarget(to);
  const timeoutNs = parseDuration(timeout, "timeout");
  if (timeoutNs === 0) throw new SimulationError("INVALID_INPUT", `timeout: expected more than 0, found "${timeout}"`);
  const asked = context.topology.spec.underlay?.names && (await (await import("./exec/ask-names")).askNames(context, from, target.host, family));
  if (asked && "reason" in asked) return verdict({ from, to, result: "unresolvable", reason: asked.reason }, [], context.topology);
  const startedAt = context.now();
  const probe = resolve(context, probeTraffic(from, to, asked ? { ...target, host: asked.address } : target, { startedAt, timeoutNs, ...(size !== undefined && { sizeBytes: parseSize(size, "size") }), ...(family !== undefined && { family }) }));
  if ("reason" in probe) return verdict({ from, to, result: "unresolvable", reason: probe.reason }, [], context.topology);
  const { index, record, sockets, description, commit } = sourcePort === undefined ? probe : fromPort(probe, sourcePort);
  await context.apply({ flows: [{ index, record: { ...record, untilAnswer: 1 } }], sockets });
  commit();
  await context.observe([{ flow: index, packets: TRACED_PACKETS }]);
  const events: EventRecord[] = [];
  const listener: RunListener = { onRecords: (batch) => events.push(...readEvents(batch).filter(({ flow }) => flow === index)) };
  const deadline = startedAt + timeoutNs;
  const kind: ProbeKind = record.kind === FlowKind.Ping ? "echo" : target.protocol === "udp" ? "datagram" : "exchange";
  for (let lookNs = FIRST_LOOK_NS; ; lookNs *= 2) {
    if (signal?.aborted) throw new SimulationError("ABORTED", "reach: aborted");
    await context.advance(Math.min(context.now() + lookNs, deadline), listener);
    const counters: FlowCounters = (await context.counters()).flows[index]!;
    const outcome = probeOutcome(kind, counters, context.now() >= deadline);
    if (outcome === undefined) continue;
    const { server = NONE, reply: _, localPort: __, ...seen } = outcome;
    const name = context.topology.program.names.namespaces[server];
    const packets = assembleTraces(own(events), context.topology.program.names, () => `${from} → ${to}`);
    return verdict({ from, to, address: description.address, ...seen, ...(name !== undefined && { server: name }) }, packets, context.topology);
  }
}

type Probe = ReturnType<ProbeContext["flows"]["resolveProbe"]>;

function fromPort(probe: Probe, sourcePort: number): Probe {
  if (!Number.isInteger(sourcePort) || sourcePort < 1 || sourcePort > 65535) throw new SimulationError("INVALID_INPUT", `sourcePort: expected 1 to 65535, found ${sourcePort}`);
  const { index, record } = probe;
  const sockets = probe.sockets.map((socket) => (socket.record.flow === index ? { ...socket, record: { ...socket.record, port: sourcePort } } : socket));
  return { ...probe, record: { ...record, sourcePort }, sockets };
}

/** Without what is left of an earlier attempt, which had the same place in the table of flows. */
function own(events: readonly EventRecord[]): EventRecord[] {
  const started = new Set(events.filter(({ kind, node }) => kind === EventKind.Hop && node === Node.SocketOutput).map(({ packet }) => packet));
  return events.filter(({ packet }) => started.has(packet));
}

/** A name that leads nowhere is an outcome; a sender that is not there is a mistake. */
function resolve({ flows, topology }: ProbeContext, traffic: TrafficSpec): Probe | { readonly reason: string } {
  try {
    return flows.resolveProbe(traffic, "what is known");
  } catch (error) {
    const { containers, hosts } = topology.describe();
    const machines = topology.spec.underlay?.machines ?? [];
    // Tasks of services go by their numbers.
    const isKnown = [...containers, ...hosts, ...machines].some(({ name }) => name === traffic.from) || topology.program.names.namespaces.includes(traffic.from);
    if (!isKnown || !(error instanceof SimulationError) || error.code !== "NOT_FOUND") throw error;
    return { reason: error.message.replace(`traffic ${traffic.name}: `, "") };
  }
}

interface ProbeSettings {
  readonly startedAt: Nanoseconds;
  readonly timeoutNs: Nanoseconds;
  readonly sizeBytes?: number;
  readonly family?: 4 | 6;
}

function probeTraffic(from: string, to: string, target: TargetSpec, settings: ProbeSettings): TrafficSpec {
  const isPing = target.protocol === "icmp";
  const { startedAt, timeoutNs, sizeBytes = isPing ? SIZES.ping : SIZES.request } = settings;
  return {
    name: `reach ${from} ${to}`,
    from,
    to: target,
    kind: isPing ? "ping" : "request",
    ...(isPing && { rate: { perSecond: 1 } }),
    sizeBytes,
    responseBytes: SIZES.response,
    onNs: 0,
    offNs: 0,
    thinkNs: 0,
    timeoutNs,
    startNs: startedAt,
    count: isPing ? Math.max(1, Math.ceil(timeoutNs / 1e9)) : 1,
    clients: 1,
    dontFragment: false,
    ...(settings.family !== undefined && { family: settings.family }),
  };
}

type Verdict = Omit<ReachResult, "reachable" | "dropped" | "cause" | "note" | "rule" | "packets" | "toString">;

function verdict(seen: Verdict, packets: readonly PacketTrace[], topology: CompiledTopology): ReachResult {
  const decisive = seen.result === "ok" ? packets[0] : (packets.filter(({ drops }) => drops.length > 0).at(-1) ?? packets.at(-1));
  const note = seen.result === "ok" ? noteOf(seen, packets) : undefined;
  const why = seen.result !== "ok" && decisive ? whyOf(seen, decisive, topology) : {};
  const result = { ...seen, reachable: seen.result === "ok", ...why, ...(note !== undefined && { note }), packets };
  return { ...result, toString: () => [headline(result), ...(decisive === undefined ? [] : [String(decisive)])].join("\n") };
}

/** What died last of the packet that decided, and why. */
function whyOf({ from, to, address = "" }: Verdict, { hops }: PacketTrace, topology: CompiledTopology): Pick<ReachResult, "dropped" | "cause" | "rule"> {
  const end = lastDrop(hops);
  const { reason, device: place, length } = hops[end] ?? {};
  if (reason === undefined || place === undefined || length === undefined) {
    const silence = causeOfSilence({ from, address }, topology);
    return silence === undefined ? {} : { cause: silence };
  }
  const rule = reason === "NetfilterDrop" ? decidingRule(hops) : undefined;
  const cause = causeOf({ reason, place, length, hops: hops.slice(0, end), from, to, address, ...(rule !== undefined && { rule }) }, topology);
  return { dropped: { reason, place }, ...(cause !== undefined && { cause }), ...(rule !== undefined && { rule }) };
}

/** Where the packet died for good: copies of it that a bridge made for the wrong ones say little, and a reset only answers. */
function lastDrop(hops: readonly TraceHop[]): number {
  const ends = hops.flatMap(({ kind, reason }, index) => (kind === "drop" && reason !== undefined ? [{ index, reason }] : []));
  const telling = ends.filter(({ reason }) => dropText(reason).isHarmless !== true);
  const decisive = ends.filter(({ reason }) => reason === "NoTxTarget").at(-1) ?? telling.filter(({ reason }) => reason !== "TcpReset").at(-1) ?? telling.at(-1);
  return (decisive ?? ends.at(-1))?.index ?? -1;
}

/** The rule that matched last before a packet died of it. */
function decidingRule(hops: readonly TraceHop[]): string | undefined {
  const end = hops.findIndex(({ reason }) => reason === "NetfilterDrop");
  return hops
    .slice(0, end)
    .filter(({ kind }) => kind === "rule")
    .at(-1)?.rule;
}

function headline({ from, to, address, result, reason, server, peer, local, by, dropped, cause, note, rule }: Omit<ReachResult, "toString">): string {
  const where = address === undefined || to.startsWith(address) ? "" : ` (${address})`;
  const details = [
    reason,
    server === undefined ? undefined : `${server} saw ${peer}${local === undefined ? "" : ` ask ${local}`}`,
    by === undefined ? undefined : `said by ${by}`,
    dropped === undefined ? undefined : `${dropped.reason} at ${dropped.place}`,
    rule,
    cause,
    note,
  ].filter((detail) => detail !== undefined);
  return `${from} → ${to}${where}: ${[result, ...details].join("; ")}`;
}
