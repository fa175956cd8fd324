import { Family } from "../../assembly/abi/netfilter";
import { FlowKind, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import type { Nanoseconds } from "../engine/engine";
import type { Capacity, FlowRecord, SocketRecord } from "../engine/program";
import { type ErrorCode, SimulationError } from "../errors";
import { EPHEMERAL_PORTS } from "../model/world";
import { containerLabel, isTask } from "../model/labels";
import type { Resolution, Resolver } from "../model/resolver";
import type { TargetSpec, TrafficSpec } from "../model/spec";
import type { DockerState } from "../model/state";
import type { FlowDescription, MovedTraffic, PlacedFlow, ResolvedTraffic, TrafficCursor } from "./compiled";
import { type Destination, destinationFields, destinationOf, familyOf, formatDestination, isLoopbackAddress, keyOfSocket, socketKey } from "./destination";
import { intervalOf } from "./interval";
import { balancedListeners, isPublishersPort, type Listener, publishedListeners } from "./servers";
import type { CompiledNetwork } from "./topology";

const KINDS: Readonly<Record<TrafficSpec["kind"], FlowKind>> = {
  constant: FlowKind.Constant,
  poisson: FlowKind.Poisson,
  onoff: FlowKind.OnOff,
  request: FlowKind.Request,
  exchange: FlowKind.Exchange,
  ping: FlowKind.Ping,
};
const PROTOCOLS: Readonly<Record<TargetSpec["protocol"], number>> = { tcp: PROTOCOL_TCP, udp: PROTOCOL_UDP, icmp: PROTOCOL_ICMP };

/** An IPv4 datagram has at most 65,535 bytes, 20 of IPv4 and 8 of UDP or ICMP header (RFC 791, RFC 768). */
const DATAGRAM_MAX = 65507;
/** A TCP message has to fit the send buffer (tcp_wmem[2]). */
const TCP_MESSAGE_MAX = 4194304;
/** Ports that the connections of one client's exchanges use in turn: the server's end of the last ones is still in TIME-WAIT. */
const EXCHANGE_PORTS = 4;
const CLIENTS_MAX = 10_000;

const EMPTY_CURSOR: TrafficCursor = {
  flowIndex: 0,
  socketIndex: 0,
  icmpIdentifier: 1,
  ephemeralPorts: new Map(),
  listening: new Map(),
  flowNames: new Set(),
  freeSockets: [],
};

/** Traffic comes after the sockets that there are without it, and keeps away from their ports. */
export function cursorAfter(sockets: readonly SocketRecord[]): TrafficCursor {
  const listening = sockets.map((record, index) => [keyOfSocket(record), { index, record }] as const);
  return { ...EMPTY_CURSOR, socketIndex: sockets.length, listening: new Map(listening) };
}

/** What traffic runs on. */
export interface TrafficContext {
  readonly state: DockerState;
  readonly network: CompiledNetwork;
  readonly names: Resolver;
  /** Of a network that runs already. */
  readonly capacity?: Capacity;
  /** Which ports of a host somebody serves: any, as traffic says so, or those that containers and processes of the host have; `nothing`: only who listens already. */
  readonly serves?: "anything" | "what is known" | "nothing";
}

/** Turns traffic into flows and sockets; see `CompiledTopology.resolveTraffic`. */
export function resolveTraffic(traffic: readonly TrafficSpec[], cursor: TrafficCursor, context: TrafficContext): ResolvedTraffic {
  const resolver = new TrafficResolver(cursor, context);
  for (const spec of traffic) resolver.add(spec);
  return resolver.finish(context.capacity);
}

/** What becomes of flows when their network has changed; see `CompiledTopology.moveTraffic`. */
export function moveTraffic(flows: readonly PlacedFlow[], cursor: TrafficCursor, context: TrafficContext, nowNs: Nanoseconds): MovedTraffic {
  const resolver = new TrafficResolver(cursor, context);
  const moved = flows.flatMap((flow) => resolver.move(flow, nowNs) ?? []);
  const { sockets, cursor: next } = resolver.finish(context.capacity);
  return { flows: moved, sockets, cursor: next };
}

class TrafficResolver {
  readonly #state: DockerState;
  readonly #network: CompiledNetwork;
  readonly #names: Resolver;
  readonly #flows: { index: number; record: FlowRecord }[] = [];
  readonly #sockets = new Map<number, SocketRecord>();
  readonly #descriptions: FlowDescription[] = [];
  readonly #ephemeralPorts: Map<string, number>;
  readonly #listening: Map<string, { readonly index: number; readonly record: SocketRecord }>;
  readonly #flowNames: Set<string>;
  readonly #freeSockets: number[];
  readonly #serves: TrafficContext["serves"];
  #flowIndex: number;
  #socketIndex: number;
  #icmpIdentifier: number;

  constructor(cursor: TrafficCursor, { state, network, names, serves }: TrafficContext) {
    this.#state = state;
    this.#network = network;
    this.#names = names;
    this.#serves = serves;
    this.#freeSockets = [...cursor.freeSockets];
    this.#flowIndex = cursor.flowIndex;
    this.#socketIndex = cursor.socketIndex;
    this.#icmpIdentifier = cursor.icmpIdentifier;
    this.#ephemeralPorts = new Map(cursor.ephemeralPorts);
    this.#listening = new Map(cursor.listening);
    this.#flowNames = new Set(cursor.flowNames);
  }

  add(spec: TrafficSpec): void {
    check(spec);
    const senders = this.#senders(spec);
    let turn = 0;
    for (const from of senders) {
      const resolution = this.#resolve(from, spec);
      if ("reason" in resolution) fail("NOT_FOUND", spec, resolution.reason);
      for (let client = 0; client < spec.clients; client++) {
        const address = resolution.addresses[turn++ % resolution.addresses.length]!;
        const name = nameOf(spec, senders.length > 1 ? from : undefined, spec.clients > 1 ? client + 1 : undefined);
        if (this.#flowNames.has(name)) fail("CONFLICT", spec, `the name ${JSON.stringify(name)} is taken`);
        this.#flowNames.add(name);
        this.#addFlow(spec, this.#network.namespaces.get(from)!, address);
        this.#descriptions.push({ name, traffic: spec, from, to: formatTarget(spec.to), address: formatDestination(address) });
      }
    }
  }

  /** A flow whose sender is in another sandbox now, keeps still or goes on, or whose target has another address; undefined: nothing of that. */
  move({ index, record, description, sent, isOver, isSilent }: PlacedFlow, nowNs: Nanoseconds): MovedTraffic["flows"][number] | undefined {
    const { traffic: spec, from, address: known } = description;
    const namespace = this.#network.namespaces.get(from);
    const isPaused = this.#state.containers.some((container) => container.status === "paused" && containerLabel(this.#state, container) === from);
    if (namespace === undefined || isPaused) {
      if (isSilent || isOver) return undefined;
      return { index, record: { ...record, startNs: nowNs, stopNs: nowNs }, address: known, isSilent: true };
    }
    const resolution = this.#resolve(from, spec);
    const addresses = "addresses" in resolution ? resolution.addresses : [];
    // A name that leads nowhere any more is one that the process has looked up before.
    const earlier = destinationOf(record);
    const destination = addresses.length === 0 || addresses.includes(earlier) ? earlier : addresses[0]!;
    if (spec.kind !== "ping") this.#serve(spec, namespace, destination);
    const isElsewhere = namespace !== record.namespace;
    // The server may still hold the old connection: a new process takes another port.
    const [counter, before] = [`${namespace}/${record.protocol}`, this.#ephemeralPorts.get(`${record.namespace}/${record.protocol}`)];
    if (before !== undefined && !this.#ephemeralPorts.has(counter)) this.#ephemeralPorts.set(counter, before);
    if (isOver || (!isElsewhere && !isSilent && destination === earlier)) return undefined;
    const startNs = Math.max(spec.startNs, nowNs);
    const stopNs = Math.max(startNs, spec.stopNs ?? Number.MAX_SAFE_INTEGER);
    const sourcePort = isElsewhere && spec.kind !== "ping" ? this.#connect(spec, namespace, record.protocol, index, familyOf(destination)) : record.sourcePort;
    const count = record.count === NONE ? NONE : Math.max(1, record.count - (isSilent ? 0 : sent));
    return { index, record: { ...record, ...destinationFields(destination), namespace, sourcePort, startNs, stopNs, count }, address: formatDestination(destination), isSilent: false };
  }

  #resolve(from: string, { to: { host }, family }: TrafficSpec): Resolution {
    const task = this.#taskAddress(from, host);
    const found: Resolution = this.#machineAddresses(host) ?? (task === undefined ? this.#names.resolve(from, host) : { addresses: [task] });
    if (family === undefined || "reason" in found) return found;
    const addresses = [...found.addresses, ...(found.others ?? [])].filter((address) => familyOf(address) === (family === 6 ? Family.Ipv6 : Family.Ipv4));
    return addresses.length > 0 ? { addresses } : { reason: `${JSON.stringify(host)} has no address of IPv${family} for ${from}` };
  }

  /** A task is meant by its number; Docker's DNS has no such name. Its address on a network of the sender, if they share one. */
  #taskAddress(from: string, name: string): number | undefined {
    const task = this.#state.containers.find((container) => container.running && isTask(container) && containerLabel(this.#state, container) === name);
    const own = new Set(this.#names.sandboxOwner(from)?.endpoints.map(({ networkId }) => networkId));
    const shared = task?.endpoints.find(({ networkId }) => own.has(networkId));
    return (shared ?? task?.endpoints[0])?.ip;
  }

  /** @throws SimulationError `LIMIT_EXCEEDED` if a network that runs already has no room left. */
  finish(capacity: Capacity | undefined): ResolvedTraffic {
    if (capacity) {
      checkRoom("flows", this.#flowIndex, capacity.flows);
      checkRoom("sockets", this.#socketIndex, capacity.sockets);
    }
    return {
      flows: this.#flows,
      sockets: [...this.#sockets].map(([index, record]) => ({ index, record })).sort((a, b) => a.index - b.index),
      descriptions: this.#descriptions,
      cursor: {
        flowIndex: this.#flowIndex,
        socketIndex: this.#socketIndex,
        icmpIdentifier: this.#icmpIdentifier,
        ephemeralPorts: this.#ephemeralPorts,
        listening: this.#listening,
        flowNames: this.#flowNames,
        freeSockets: this.#freeSockets,
      },
    };
  }

  /** A container, a host, or all containers of a service. */
  #senders(spec: TrafficSpec): string[] {
    if (this.#network.namespaces.has(spec.from)) return [spec.from];
    const replicas = this.#state.containers.filter(({ service, running }) => running && service === spec.from).map((container) => containerLabel(this.#state, container));
    if (replicas.length > 0) return replicas;
    const known = this.#state.containers.map((container) => JSON.stringify(containerLabel(this.#state, container))).join(", ") || "none";
    return fail("NOT_FOUND", spec, `from: expected a container, a service or a host, found ${JSON.stringify(spec.from)} (containers: ${known})`);
  }

  /** Hosts and machines with cables are known by name to everybody, unless a container is called the same. */
  #machineAddresses(name: string): Resolution | undefined {
    if (this.#state.containers.some((container) => container.name === name)) return undefined;
    const [ip, ip6] = [this.#network.machines.get(name), this.#network.machines6.get(name)];
    if (ip === undefined) return ip6 === undefined ? undefined : { addresses: [ip6] };
    return { addresses: [ip], ...(ip6 !== undefined && { others: [ip6] }) };
  }

  #addFlow(spec: TrafficSpec, namespace: number, destination: Destination): void {
    const isPing = spec.kind === "ping";
    const protocol = PROTOCOLS[spec.to.protocol];
    if (!isPing) this.#serve(spec, namespace, destination);
    const index = this.#flowIndex++;
    const sourcePort = isPing ? this.#takeIdentifier(spec) : this.#connect(spec, namespace, protocol, index, familyOf(destination));
    this.#flows.push({ index, record: flowRecord(spec, { namespace, destination, protocol, sourcePort }) });
  }

  /** Somebody answers there. A closed port or an address that nobody has is left alone: the packets will find out. */
  #serve(spec: TrafficSpec, namespace: number, destination: Destination): void {
    if (this.#serves === "nothing") return;
    const family = familyOf(destination);
    const places = { state: this.#state, network: this.#network };
    const balanced = balancedListeners(places, spec.to, destination);
    for (const listener of balanced) this.#listen(spec, listener, family);
    const server = isLoopbackAddress(destination) ? namespace : this.#network.owners.get(destination);
    if (server === undefined || balanced.length > 0) return;
    const published = publishedListeners(places, spec.to, server);
    // A proxy may go on to a container's address of the other family.
    for (const listener of published) this.#listen(spec, listener, Family.Ipv4);
    if (family === Family.Ipv6) for (const listener of published) this.#listen(spec, listener, family);
    if (published.length > 0 || isPublishersPort(places, spec.to, server) || (this.#serves === "what is known" && this.#isIdleHost(server, spec.to))) return;
    this.#listen(spec, { namespace: server, port: spec.to.port! }, family);
  }

  /** Whether a namespace is that of a host of which nobody says that anything listens there. */
  #isIdleHost(namespace: number, { port, protocol }: TargetSpec): boolean {
    const host = this.#state.hosts.find(({ name }) => this.#network.places.get(name) === namespace);
    if (!host) return false;
    const shares = this.#state.containers.some(({ running, host: owner, name }) => running && owner === host.name && this.#network.places.get(`${owner}/${name}`) === namespace);
    return !shares && !host.world.listeners.some((listener) => listener.port === port && listener.protocol === protocol);
  }

  /** The kernel goes on for processes that are frozen: it takes what comes for them, and nobody answers. */
  #isPaused(namespace: number): boolean {
    const inside = this.#state.containers.filter(({ running, host, name }) => running && this.#network.places.get(`${host}/${name}`) === namespace);
    return inside.length > 0 && inside.every(({ status }) => status === "paused");
  }

  /** The server's socket: it answers if anybody asks. */
  #listen(spec: TrafficSpec, { namespace, port }: Listener, family: Family): void {
    const protocol = PROTOCOLS[spec.to.protocol];
    const key = socketKey(namespace, protocol, port, family);
    const existing = this.#listening.get(key);
    if (existing?.record.role === SocketRole.NameServer) return;
    if (existing?.record.role === SocketRole.Client) fail("CONFLICT", spec, `to: port ${port} is in use by a client there`);
    const isPaused = this.#isPaused(namespace);
    const role = isAnswered(spec) && !isPaused ? SocketRole.Responder : SocketRole.Sink;
    if (existing && ((existing.record.role === SocketRole.Responder && !isPaused) || existing.record.role === role)) return;
    this.#setSocket(key, existing?.index ?? this.#takeSocket(), { namespace, protocol, ip: 0, port, role, flow: NONE, ...ofFamily(family) });
  }

  /** The client's socket, on the next ephemeral port. */
  #connect(spec: TrafficSpec, namespace: number, protocol: number, flow: number, family: Family): number {
    const counter = `${namespace}/${protocol}`;
    let port = this.#ephemeralPorts.get(counter) ?? EPHEMERAL_PORTS.from;
    while ([Family.Ipv4, Family.Ipv6].some((each) => this.#listening.has(socketKey(namespace, protocol, port, each)))) port++;
    if (port > EPHEMERAL_PORTS.to) fail("LIMIT_EXCEEDED", spec, `all ephemeral ports of ${spec.from} are in use`);
    this.#ephemeralPorts.set(counter, port + (spec.kind === "exchange" ? EXCHANGE_PORTS : 1));
    const key = socketKey(namespace, protocol, port, family);
    this.#setSocket(key, this.#takeSocket(), { namespace, protocol, ip: 0, port, role: SocketRole.Client, flow, ...ofFamily(family) });
    return port;
  }

  #takeSocket(): number {
    return this.#freeSockets.shift() ?? this.#socketIndex++;
  }

  #takeIdentifier(spec: TrafficSpec): number {
    if (this.#icmpIdentifier > 0xffff) fail("LIMIT_EXCEEDED", spec, "all ICMP identifiers are in use");
    return this.#icmpIdentifier++;
  }

  #setSocket(key: string, index: number, record: SocketRecord): void {
    this.#sockets.set(index, record);
    this.#listening.set(key, { index, record });
  }
}

interface FlowPlace {
  readonly namespace: number;
  readonly destination: Destination;
  readonly protocol: number;
  readonly sourcePort: number;
}

function flowRecord(spec: TrafficSpec, place: FlowPlace): FlowRecord {
  const size = Math.max(spec.sizeBytes, 1);
  return {
    kind: KINDS[spec.kind],
    protocol: place.protocol,
    namespace: place.namespace,
    ...destinationFields(place.destination),
    destinationPort: spec.to.port ?? 0,
    sourcePort: place.sourcePort,
    bytes: spec.sizeBytes,
    responseBytes: isAnswered(spec) ? spec.responseBytes : 0,
    count: spec.count ?? NONE,
    dontFragment: spec.dontFragment ? 1 : 0,
    intervalNs: spec.rate ? intervalOf(spec.rate, size, spec) : 0,
    onNs: spec.onNs,
    offNs: spec.offNs,
    startNs: spec.startNs,
    stopNs: spec.stopNs ?? Number.MAX_SAFE_INTEGER,
    thinkNs: spec.thinkNs,
    timeoutNs: spec.timeoutNs,
    ...(spec.kind === "exchange" && { sourcePorts: EXCHANGE_PORTS }),
  };
}

/** Whether a message wants an answer. */
function isAnswered({ kind }: TrafficSpec): boolean {
  return kind === "request" || kind === "exchange";
}

/** @throws SimulationError `INVALID_INPUT` for what no flow can do. */
function check(spec: TrafficSpec): void {
  const { to, kind } = spec;
  const integer = (field: string, value: number, least: number, most: number): void => {
    if (Number.isSafeInteger(value) && value >= least && value <= most) return;
    fail("INVALID_INPUT", spec, `${field}: expected a whole number from ${least} to ${most}, found ${value}`);
  };
  const time = Number.MAX_SAFE_INTEGER;
  if (kind === "ping" && to.protocol !== "icmp") fail("INVALID_INPUT", spec, `to: expected a target without a port for pings, found ${formatTarget(to)}`);
  if (kind !== "ping" && (to.protocol === "icmp" || to.port === undefined)) {
    fail("INVALID_INPUT", spec, `to: expected a target with a port such as "db:5432/tcp", found ${JSON.stringify(formatTarget(to))}`);
  }
  if (to.port !== undefined) integer("to: port", to.port, 1, 65535);
  const isStream = to.protocol === "tcp";
  integer("size", spec.sizeBytes, isStream ? 1 : 0, isStream ? TCP_MESSAGE_MAX : DATAGRAM_MAX);
  if (kind === "exchange" && !isStream) fail("INVALID_INPUT", spec, `to: expected a TCP port for exchanges, found ${formatTarget(to)}`);
  if (isAnswered(spec)) integer("response", spec.responseBytes, isStream ? 1 : 0, isStream ? TCP_MESSAGE_MAX : DATAGRAM_MAX);
  if (!isAnswered(spec) && !spec.rate) fail("INVALID_INPUT", spec, 'rate: expected a rate such as "100/s" or "1Mbit", found none');
  if (kind === "onoff") {
    integer("on", spec.onNs, 1, time);
    integer("off", spec.offNs, 0, time);
  }
  if (kind === "exchange" || (kind === "request" && !spec.rate)) integer("timeout", spec.timeoutNs, 1, time);
  integer("think", spec.thinkNs, 0, time);
  integer("start", spec.startNs, 0, time);
  if (spec.stopNs !== undefined) integer("stop", spec.stopNs, spec.startNs, time);
  if (spec.count !== undefined) integer("count", spec.count, 1, NONE - 1);
  integer("clients", spec.clients, 1, CLIENTS_MAX);
}

function nameOf({ name }: TrafficSpec, from: string | undefined, client: number | undefined): string {
  return `${name}${from === undefined ? "" : `/${from}`}${client === undefined ? "" : `#${client}`}`;
}

/**
 * A target as it is written: `db:5432/tcp`, or `db` for a ping.
 *
 * @example formatTarget({ host: "db", port: 5432, protocol: "tcp" }) // "db:5432/tcp"
 */
export function formatTarget({ host, port, protocol }: TargetSpec): string {
  if (port === undefined) return host;
  return `${host.includes(":") ? `[${host}]` : host}:${port}/${protocol}`;
}

/** IPv4 is what a record means that says nothing. */
function ofFamily(family: Family): { readonly family?: Family } {
  return family === Family.Ipv4 ? {} : { family };
}

function checkRoom(limit: keyof Capacity, needed: number, available: number): void {
  if (needed <= available) return;
  throw new SimulationError("LIMIT_EXCEEDED", `${limit}: the network has room for ${available}, ${needed} are needed`, { limit, needed });
}

function fail(code: ErrorCode, { name, position }: TrafficSpec, reason: string): never {
  throw new SimulationError(code, `traffic ${name}: ${reason}`, position && { position });
}
