import type { FlowCounters, Nanoseconds } from "../../engine/engine";
import type { FlowRecord } from "../../engine/program";
import { decodeDnsAnswer, DNS_TYPES } from "../../observe/dns-message";
import { parseIp } from "../../net/ip";
import type { EchoOptions, EchoOutcome, ExchangeOptions, ExchangeOutcome, HopOutcome, QueryHow, QueryOutcome, Traffic } from "../../programs";
import { FIRST_LOOK_NS, type ProbeContext } from "../probe/context";
import { probeFlow, probeOutcome, type ProbeOutcome, type ProbeSpec } from "../probe/probe-flow";
import type { TrafficSpec } from "../spec";

const MS = 1e6;
/** `GET / HTTP/1.0`, `Host: `, and two ends of line. */
const GET_BYTES = 26;
/** Of a short page. */
const PAGE_BYTES = 256;
/** A datagram that says something. */
const DATAGRAM_BYTES = 4;
/** busybox traceroute's. */
const HOP_BYTES = 18;
/** As libc asks again. */
const QUERY_INTERVAL_MS = 2500;
/** To programs in a container everybody answers that is known; to traceroute and lookups only who is there anyway. */
type Serves = "what is known" | "nothing";

interface Outcome extends ProbeOutcome {
  readonly elapsedNs: Nanoseconds;
  readonly rttNs: Nanoseconds;
}

/** What the programs of `docker exec` send: probes in the network of a lab, one at a time, while time passes. */
export class LabPackets implements Traffic {
  readonly #context: ProbeContext;

  constructor(context: ProbeContext) {
    this.#context = context;
  }

  async echo(place: string, address: string, { size, firstSequence, count, intervalMs, timeoutMs, dontFragment }: EchoOptions): Promise<EchoOutcome> {
    const destination = parseIp(address, "destination");
    const spec = { kind: "echo", destination, sizeBytes: size, firstSequence, dontFragment, count, intervalNs: intervalMs * MS, timeoutNs: timeoutMs * MS } as const;
    const { result, ttl, by, rttNs, elapsedNs } = await this.#ask(place, address, spec, "nothing");
    return { result, elapsedMs: elapsedNs / MS, ...(ttl !== undefined && { ttl }), ...(by !== undefined && { by }), ...(result === "ok" && { timeMs: rttNs / MS }) };
  }

  async exchange(place: string, protocol: "tcp" | "udp", address: string, port: number, { host, timeoutMs }: ExchangeOptions): Promise<ExchangeOutcome> {
    const common = { destination: parseIp(address, "destination"), port, timeoutNs: timeoutMs * MS };
    const spec: ProbeSpec =
      protocol === "tcp"
        ? { ...common, kind: "exchange", requestBytes: GET_BYTES + host.length, responseBytes: PAGE_BYTES }
        : { ...common, kind: "datagram", requestBytes: DATAGRAM_BYTES, responseBytes: DATAGRAM_BYTES, intervalNs: timeoutMs * MS };
    const { result, peer, local, server, elapsedNs } = await this.#ask(place, address, spec, "what is known");
    const name = server === undefined ? undefined : this.#context.topology.program.names.namespaces[server];
    return { result, elapsedMs: elapsedNs / MS, ...(name !== undefined && { server: name, peer: peer ?? "" }), ...(local !== undefined && local !== address && { local }) };
  }

  async hop(place: string, address: string, port: number, ttl: number, timeoutMs: number): Promise<HopOutcome> {
    const timeoutNs = timeoutMs * MS;
    const spec = { kind: "hop", destination: parseIp(address, "destination"), port, ttl, requestBytes: HOP_BYTES, timeoutNs } as const;
    const { result, by, elapsedNs } = await this.#ask(place, address, spec, "nothing");
    return { result, timeMs: elapsedNs / MS, ...(by !== undefined && { by }) };
  }

  async query(place: string, server: string, name: string, type: string, timeoutMs: number, { overTcp, udpSize }: QueryHow = {}): Promise<QueryOutcome> {
    const { index: domain, added } = this.#context.flows.domainOf(name);
    const spec = {
      kind: "query", destination: parseIp(server, "nameserver"), name, domain, type: (DNS_TYPES as Readonly<Record<string, number>>)[type] ?? 0, intervalNs: QUERY_INTERVAL_MS * MS, timeoutNs: timeoutMs * MS,
      ...(overTcp && { overTcp }), ...(udpSize !== undefined && { udpSize }),
    } as const;
    const { result, reply } = await this.#ask(place, server, spec, "nothing", added);
    const answer = reply === undefined ? null : decodeDnsAnswer(reply);
    if (answer === null) return { result };
    const answers = answer.records.map((record) => (record.name === name.toLowerCase() ? { ...record, name } : record));
    return { result: "ok", rcode: answer.code, authoritative: answer.authoritative, truncated: answer.truncated, ...(answers.length > 0 && { answers }) };
  }

  async pause(milliseconds: number): Promise<void> {
    await this.#context.advance(this.#context.now() + Math.round(milliseconds * MS), {});
  }

  async #ask(place: string, host: string, spec: ProbeSpec, serves: Serves, domains: readonly string[] = []): Promise<Outcome> {
    const context = this.#context;
    const startedAt = context.now();
    const { index, record, sockets, commit } = context.flows.resolveProbe(trafficOf(place, host, spec, startedAt), serves);
    await context.apply({ domains, flows: [{ index, record: recordOf(spec, record, startedAt) }], sockets });
    commit();
    const deadline = startedAt + spec.timeoutNs;
    for (let look = FIRST_LOOK_NS; ; look *= 2) {
      await context.advance(Math.min(context.now() + look, deadline), {});
      const counters: FlowCounters = (await context.counters()).flows[index]!;
      const outcome = probeOutcome(spec.kind, counters, context.now() >= deadline);
      if (outcome !== undefined) return { ...outcome, elapsedNs: context.now() - startedAt, rttNs: counters.latency.minNs };
    }
  }
}

function recordOf(spec: ProbeSpec, { namespace, sourcePort }: FlowRecord, now: Nanoseconds): FlowRecord {
  return probeFlow(spec, { namespace, sourcePort }, now);
}

function isStream(spec: ProbeSpec): boolean {
  return spec.kind === "exchange" || (spec.kind === "query" && spec.overTcp === true);
}

/** What resolves the sender, and opens its socket. */
function trafficOf(from: string, host: string, spec: ProbeSpec, now: Nanoseconds): TrafficSpec {
  const isPing = spec.kind === "echo";
  const port = spec.kind === "query" ? 53 : isPing ? undefined : spec.port;
  return {
    name: `exec ${from}`,
    from,
    to: { host, protocol: isPing ? "icmp" : isStream(spec) ? "tcp" : "udp", ...(port !== undefined && { port }) },
    kind: isPing ? "ping" : "request",
    ...(isPing && { rate: { perSecond: 1 } }),
    sizeBytes: 1,
    responseBytes: 1,
    onNs: 0,
    offNs: 0,
    thinkNs: 0,
    timeoutNs: spec.timeoutNs,
    startNs: now,
    clients: 1,
    dontFragment: false,
  };
}

