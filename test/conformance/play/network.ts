/** Sends the probes of programs through the engines, many at a time, in virtual time. */
import { Family } from "../../../assembly/abi/netfilter";
import { SocketRole } from "../../../assembly/abi/program";
import { NONE } from "../../../assembly/abi/version";
import { probeFlow, probeOutcome, type ProbeOutcome, type ProbeSpec } from "../../../src/api/probe/probe-flow";
import type { Nanoseconds } from "../../../src/engine/engine";
import type { FlowRecord, SocketRecord } from "../../../src/engine/program";
import { type IpAddress, parseIp } from "../../../src/net/ip";
import { decodeDnsAnswer, DNS_TYPES } from "../../../src/observe/dns-message";
import type { Engines } from "./engines";
import type { Listening } from "./processes";
import type { EchoOptions, EchoOutcome, ExchangeOptions, ExchangeOutcome, HopOutcome, QueryHow, QueryOutcome, QuerySocket, Traffic } from "../../../src/programs/traffic";

/** What programs need to know of the compiled network. */
export interface Places {
  namespaceOf(place: string): number | undefined;
  /** Who listens there, for the answer. */
  listening(namespace: number, protocol: string, port: number): Listening | undefined;
  /** The index of a name in the program's table; new ones are to be appended to it. */
  domainOf(name: string): number;
  takeNewDomains(): readonly string[];
  /** Whether the compiled network has IPv6. */
  hasIpv6(): boolean;
}

/** Where the network's own records begin: what lies before is compiled. */
export interface FirstIndices {
  readonly flow: number;
  readonly socket: number;
}

interface Waiting {
  readonly spec: ProbeSpec;
  readonly slot: number;
  readonly deadline: Nanoseconds;
  readonly resolve: (outcome: ProbeOutcome) => void;
}

const MS = 1_000_000;
/** Of the source ports that probes take in turn: above those that Docker publishes at random, below those of the engines' own processes. */
const PORTS = { first: 40_000, last: 48_999 };
/** How long the engines run between two looks at what has come: at first, and at most. */
const LOOK_NS = { first: 200_000, most: 500 * MS };
const GET_BYTES = "GET / HTTP/1.0\r\nHost: \r\n\r\n".length;
const WHO_BYTES = "who".length;
/** Of busybox traceroute: 46 bytes with the headers of IP and UDP. */
const HOP_BYTES = 18;
/** The images' probes ask again after these times. */
const DATAGRAM_INTERVAL_MS = 1000;
const QUERY_INTERVAL_MS = 1500;
// Four seconds, and a moment to notice: a resolver that waits as long for its own server still gets its answer through.
const QUERY_TIMEOUT_MS = 4010;
const UDP = 17;

export class Network implements Traffic {
  readonly #engines: Engines;
  readonly #places: Places;
  readonly #first: FirstIndices;
  #now: Nanoseconds = 0;
  #slots = 0;
  readonly #free: number[] = [];
  /** Whose datagram socket has which port of a namespace, by slot. */
  readonly #ownPorts = new Map<number, string>();
  readonly #waiting = new Set<Waiting>();
  /** Programs that start later. */
  readonly #late = new Map<() => void, Nanoseconds>();
  #newFlows: { readonly index: number; readonly record: FlowRecord }[] = [];
  #newSockets: { readonly index: number; readonly record: SocketRecord }[] = [];
  readonly #ports = new Map<number, number>();

  constructor(engines: Engines, places: Places, first: FirstIndices) {
    this.#engines = engines;
    this.#places = places;
    this.#first = first;
  }

  get now(): Nanoseconds {
    return this.#now;
  }

  /** Time goes by. */
  sleep(seconds: number): void {
    this.#now += Math.round(seconds * 1e9);
    this.#engines.run(this.#now);
  }

  /** Runs programs that talk to the network: virtual time goes on while all of them wait. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    let isDone = false;
    const result = work().finally(() => {
      isDone = true;
    });
    // It is looked at below, a turn later.
    result.catch(() => undefined);
    let look = LOOK_NS.first;
    for (let idle = 0; ; ) {
      await new Promise((resolve) => setImmediate(resolve));
      if (isDone) return result;
      if (this.#waiting.size + this.#late.size === 0) {
        if (++idle > 1000) throw new Error("a program waits for something that is not the network");
        continue;
      }
      idle = 0;
      look = this.#sendNew() ? LOOK_NS.first : Math.min(look * 3, LOOK_NS.most);
      this.#goOn(look);
    }
  }

  /** Lets a program that runs `during` something wait. */
  after(milliseconds: number): Promise<void> {
    return milliseconds === 0 ? Promise.resolve() : new Promise((resolve) => this.#late.set(resolve, this.#now + milliseconds * MS));
  }

  #sendNew(): boolean {
    if (this.#newFlows.length === 0) return false;
    this.#engines.apply({ domains: this.#places.takeNewDomains(), flows: this.#newFlows, sockets: this.#newSockets });
    this.#newFlows = [];
    this.#newSockets = [];
    return true;
  }

  #goOn(look: Nanoseconds): void {
    const deadlines = [...[...this.#waiting].map(({ deadline }) => deadline), ...this.#late.values()];
    this.#now = Math.min(this.#now + look, Math.max(this.#now + 1, Math.min(...deadlines)));
    this.#engines.run(this.#now);
    for (const [begin, at] of this.#late) {
      if (at > this.#now) continue;
      this.#late.delete(begin);
      begin();
    }
    const counters = this.#engines.counters();
    for (const waiting of this.#waiting) {
      const { spec, slot, deadline, resolve } = waiting;
      const outcomes = counters.map(({ flows }) => probeOutcome(spec.kind, flows[this.#first.flow + slot]!, this.#now >= deadline));
      const [outcome] = outcomes;
      if (outcome === undefined || outcomes.includes(undefined)) continue;
      this.#waiting.delete(waiting);
      this.#free.push(slot);
      resolve(agreed(outcomes as ProbeOutcome[], this.#engines.kinds));
    }
  }

  #probe(place: string, specOf: () => ProbeSpec, shared?: QuerySocket): Promise<ProbeOutcome> {
    const namespace = this.#places.namespaceOf(place);
    if (namespace === undefined) throw new Error(`${place} has no network namespace in the simulation`);
    const spec = specOf();
    const slot = this.#free.pop() ?? this.#slots++;
    const sourcePort = shared?.port ?? this.#takePort(namespace);
    if (shared?.port !== undefined) this.#close(namespace, sourcePort);
    if (shared) shared.port = sourcePort;
    this.#newFlows.push({ index: this.#first.flow + slot, record: probeFlow(spec, { namespace, sourcePort }, this.#now) });
    const isDatagram = spec.kind === "datagram" || spec.kind === "hop" || (spec.kind === "query" && !spec.overTcp);
    const open: SocketRecord = { namespace, protocol: UDP, ip: 0, port: sourcePort, role: SocketRole.Client, flow: this.#first.flow + slot, ...(spec.destination.family === 6 && { family: Family.Ipv6 }) };
    // A slot without a datagram socket closes the one that it had.
    const socket = isDatagram ? open : { ...open, protocol: 0, flow: NONE };
    this.#newSockets.push({ index: this.#first.socket + slot, record: socket });
    this.#ownPorts.set(slot, `${namespace} ${sourcePort}`);
    return new Promise((resolve) => this.#waiting.add({ spec, slot, deadline: this.#now + spec.timeoutNs, resolve }));
  }

  /** A socket goes from one flow to the next: no slot but the next one has the port. */
  #close(namespace: number, port: number): void {
    for (const [slot, own] of this.#ownPorts) {
      if (own !== `${namespace} ${port}`) continue;
      this.#ownPorts.delete(slot);
      this.#newSockets.push({ index: this.#first.socket + slot, record: { namespace, protocol: 0, ip: 0, port, role: SocketRole.Client, flow: NONE } });
    }
  }

  /** Undefined: the program has nothing of its family. */
  #destination(address: string): IpAddress | undefined {
    const destination = parseIp(address, "destination");
    return destination.family === 4 || this.#places.hasIpv6() ? destination : undefined;
  }

  #takePort(namespace: number): number {
    const port = this.#ports.get(namespace) ?? PORTS.first;
    this.#ports.set(namespace, port === PORTS.last ? PORTS.first : port + 1);
    return port;
  }

  async echo(place: string, address: string, { size, firstSequence, count, intervalMs, timeoutMs, dontFragment }: EchoOptions): Promise<EchoOutcome> {
    const destination = this.#destination(address);
    if (destination === undefined) return { result: NOT_IPV4 };
    const { result, ttl, by } = await this.#probe(place, () => ({
      kind: "echo", destination, sizeBytes: size, firstSequence, dontFragment, count, intervalNs: intervalMs * MS, timeoutNs: timeoutMs * MS,
    }));
    return { result, ...(ttl !== undefined && { ttl }), ...(by !== undefined && { by }) };
  }

  async exchange(place: string, protocol: "tcp" | "udp", address: string, port: number, { host, timeoutMs }: ExchangeOptions): Promise<ExchangeOutcome> {
    const destination = this.#destination(address);
    if (destination === undefined) return { result: NOT_IPV4 };
    const common = { destination, port, responseBytes: 0, timeoutNs: timeoutMs * MS };
    const outcome = await this.#probe(place, () =>
      protocol === "tcp"
        ? { ...common, kind: "exchange", requestBytes: GET_BYTES + host.length }
        : { ...common, kind: "datagram", requestBytes: WHO_BYTES, intervalNs: DATAGRAM_INTERVAL_MS * MS },
    );
    const { result, peer, local, localPort = 0, server } = outcome;
    if (result !== "ok" || server === undefined) return { result };
    const listening = this.#places.listening(server, protocol, localPort);
    return { result, server: listening?.name ?? "(nobody)", peer: peer ?? "", ...(local !== address && { local: local ?? "" }) };
  }

  async hop(place: string, address: string, port: number, ttl: number, timeoutMs: number): Promise<HopOutcome> {
    const destination = this.#destination(address);
    if (destination === undefined) return { result: NOT_IPV4 };
    const timeoutNs = timeoutMs * MS;
    const { result, by } = await this.#probe(place, () => ({ kind: "hop", destination, port, ttl, requestBytes: HOP_BYTES, timeoutNs }));
    return { result, ...(by !== undefined && { by }) };
  }

  /** Nothing that is compared depends on it. */
  async pause(): Promise<void> {}

  async query(place: string, server: string, name: string, type: string, timeoutMs: number, { socket, overTcp = false, udpSize = 0 }: QueryHow = {}): Promise<QueryOutcome> {
    const destination = this.#destination(server);
    if (destination === undefined) return { result: NOT_IPV4 };
    const timeoutNs = Math.min(timeoutMs, QUERY_TIMEOUT_MS) * MS;
    const outcome = await this.#probe(place, () => ({
      kind: "query", destination, name, domain: this.#places.domainOf(name), type: (DNS_TYPES as Readonly<Record<string, number>>)[type] ?? 0, overTcp, udpSize, intervalNs: QUERY_INTERVAL_MS * MS, timeoutNs,
    }), socket);
    if (outcome.reply === undefined) return { result: outcome.result };
    const answer = decodeDnsAnswer(outcome.reply);
    if (answer === null) return { result: "a damaged answer" };
    const { code: rcode, records: found, authoritative, truncated } = answer;
    // The engines ask in lower case; a server repeats the name as it was asked.
    const answers = found.map((record) => (record.name === name.toLowerCase() ? { ...record, name } : record));
    return { result: "ok", rcode, authoritative, truncated, ...(answers.length > 0 && { answers }) };
  }

  /** Frames at devices while something is done: by device, as both engines saw them. */
  async capture(devices: readonly number[], work: () => Promise<void>): Promise<Map<number, readonly Uint8Array[]>> {
    const end = this.#engines.capture(devices);
    try {
      await work();
      // What comes after the last answer: the close of a connection.
      this.sleep(0.4);
    } finally {
      this.#captured = end();
    }
    return new Map(devices.map((device) => [device, this.#framesAt(device)]));
  }

  #captured: { readonly device: number; readonly bytes: Uint8Array }[][] = [];

  #framesAt(device: number): Uint8Array[] {
    const [first = [], ...others] = this.#captured.map((frames) => frames.filter((frame) => frame.device === device).map(({ bytes }) => bytes));
    for (const [index, frames] of others.entries()) {
      if (frames.length !== first.length || frames.some((bytes, at) => Buffer.compare(bytes, first[at]!) !== 0)) {
        throw new Error(`${this.#engines.kinds[0]} and ${this.#engines.kinds[index + 1]} saw different frames at device ${device}`);
      }
    }
    return first;
  }
}

const NOT_IPV4 = "not simulated: only IPv4 is";

/** Both engines say the same, or the result says that they do not. */
function agreed(outcomes: readonly ProbeOutcome[], kinds: readonly string[]): ProbeOutcome {
  const texts = outcomes.map((outcome) => JSON.stringify(outcome));
  if (texts.every((text) => text === texts[0])) return outcomes[0]!;
  return { result: `the engines differ: ${texts.map((text, index) => `${kinds[index]} ${text}`).join(", ")}` as ProbeOutcome["result"] };
}
