import { FlowKind, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import type { Capacity, FlowRecord, SocketRecord } from "../engine/program";
import { type ErrorCode, SimulationError } from "../errors";
import { EPHEMERAL_PORTS } from "../model/world";
import type { Resolver } from "../model/resolver";
import type { TargetSpec, TrafficSpec } from "../model/spec";
import type { ContainerState, DockerState } from "../model/state";
import { formatIpv4 } from "../net/ip";
import type { FlowDescription, ResolvedTraffic, TrafficCursor } from "./compiled";
import { intervalOf } from "./interval";
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
const LOOPBACK_NETWORK = 127;

const EMPTY_CURSOR: TrafficCursor = {
  flowIndex: 0,
  socketIndex: 0,
  icmpIdentifier: 1,
  ephemeralPorts: new Map(),
  listening: new Map(),
  flowNames: new Set(),
};

/** Traffic comes after the sockets that there are without it, and keeps away from their ports. */
export function cursorAfter(sockets: readonly SocketRecord[]): TrafficCursor {
  const listening = sockets.map((record, index) => [socketKey(record.namespace, record.protocol, record.port), { index, record }] as const);
  return { ...EMPTY_CURSOR, socketIndex: sockets.length, listening: new Map(listening) };
}

/** What traffic runs on. */
export interface TrafficContext {
  readonly state: DockerState;
  readonly network: CompiledNetwork;
  readonly names: Resolver;
  /** Of a network that runs already. */
  readonly capacity?: Capacity;
}

/** Turns traffic into flows and sockets; see `CompiledTopology.resolveTraffic`. */
export function resolveTraffic(
  traffic: readonly TrafficSpec[],
  cursor: TrafficCursor,
  { state, network, names, capacity }: TrafficContext,
): ResolvedTraffic {
  const resolver = new TrafficResolver(cursor, state, network, names);
  for (const spec of traffic) resolver.add(spec);
  return resolver.finish(capacity);
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
  #flowIndex: number;
  #socketIndex: number;
  #icmpIdentifier: number;

  constructor(cursor: TrafficCursor, state: DockerState, network: CompiledNetwork, names: Resolver) {
    this.#state = state;
    this.#network = network;
    this.#names = names;
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
      const machine = this.#machineAddress(spec.to.host);
      const resolution = machine === undefined ? this.#names.resolve(from, spec.to.host) : { addresses: [machine] };
      if ("reason" in resolution) {
        this.#refuseName(spec, resolution.reason);
      }
      for (let client = 0; client < spec.clients; client++) {
        const address = resolution.addresses[turn++ % resolution.addresses.length]!;
        const name = nameOf(spec, senders.length > 1 ? from : undefined, spec.clients > 1 ? client + 1 : undefined);
        if (this.#flowNames.has(name)) fail("CONFLICT", spec, `the name ${JSON.stringify(name)} is taken`);
        this.#flowNames.add(name);
        this.#addFlow(spec, this.#network.namespaces.get(from)!, address);
        this.#descriptions.push({ name, traffic: spec, from, to: formatTarget(spec.to), address: formatIpv4(address) });
      }
    }
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
      },
    };
  }

  /** A container, a host, or all containers of a service. */
  #senders(spec: TrafficSpec): string[] {
    if (this.#network.namespaces.has(spec.from)) return [spec.from];
    const replicas = this.#state.containers.filter(({ service }) => service === spec.from).map(({ name }) => name);
    if (replicas.length > 0) return replicas;
    const known = this.#state.containers.map(({ name }) => JSON.stringify(name)).join(", ") || "none";
    return fail("NOT_FOUND", spec, `from: expected a container, a service or a host, found ${JSON.stringify(spec.from)} (containers: ${known})`);
  }

  /** Hosts and machines with cables are known by name to everybody, unless a container is called the same. */
  #machineAddress(name: string): number | undefined {
    return this.#state.containers.some((container) => container.name === name) ? undefined : this.#network.machines.get(name);
  }

  #refuseName(spec: TrafficSpec, reason: string): never {
    const { host, port } = spec.to;
    const published = this.#publisher(host, port);
    if (published) {
      const direct = `${published.name}:${published.ports.find(({ hostPort }) => hostPort === port)?.containerPort}/${spec.to.protocol}`;
      fail("UNSUPPORTED", spec, `published ports are not simulated yet: expected the container itself, such as ${direct}, found ${formatTarget(spec.to)}`);
    }
    return fail("NOT_FOUND", spec, reason);
  }

  /** The container that published a port of a host. */
  #publisher(host: string, port: number | undefined): ContainerState | undefined {
    return this.#state.containers.find((container) => container.host === host && container.ports.some(({ hostPort }) => hostPort === port));
  }

  #addFlow(spec: TrafficSpec, namespace: number, destination: number): void {
    const isPing = spec.kind === "ping";
    const protocol = PROTOCOLS[spec.to.protocol];
    const server = destination >>> 24 === LOOPBACK_NETWORK ? namespace : this.#network.owners.get(destination);
    // A closed port or an address that nobody has is left alone: the packets will find out.
    if (!isPing && server !== undefined) this.#listen(spec, this.#behind(spec, server));
    const index = this.#flowIndex++;
    const sourcePort = isPing ? this.#takeIdentifier(spec) : this.#connect(spec, namespace, protocol, index);
    this.#flows.push({ index, record: flowRecord(spec, { namespace, destination, protocol, sourcePort }) });
  }

  /** Who serves a port of a namespace: a container that published it on its host, else a process there. */
  #behind({ to }: TrafficSpec, namespace: number): Listener {
    for (const { host, name, ports } of this.#state.containers) {
      if (this.#network.places.get(host) !== namespace) continue;
      const published = ports.find(({ active, hostPort, protocol }) => active && hostPort === to.port && protocol === to.protocol);
      const inside = this.#network.places.get(`${host}/${name}`);
      if (published && inside !== undefined) return { namespace: inside, port: published.containerPort };
    }
    return { namespace, port: to.port! };
  }

  /** The server's socket: it answers if anybody asks. */
  #listen(spec: TrafficSpec, { namespace, port }: Listener): void {
    const protocol = PROTOCOLS[spec.to.protocol];
    const key = socketKey(namespace, protocol, port);
    const existing = this.#listening.get(key);
    if (existing?.record.role === SocketRole.Client) fail("CONFLICT", spec, `to: port ${port} is in use by a client there`);
    const role = isAnswered(spec) ? SocketRole.Responder : SocketRole.Sink;
    if (existing && (existing.record.role === SocketRole.Responder || existing.record.role === role)) return;
    this.#setSocket(key, existing?.index ?? this.#socketIndex++, { namespace, protocol, ip: 0, port, role, flow: NONE });
  }

  /** The client's socket, on the next ephemeral port. */
  #connect(spec: TrafficSpec, namespace: number, protocol: number, flow: number): number {
    const counter = `${namespace}/${protocol}`;
    let port = this.#ephemeralPorts.get(counter) ?? EPHEMERAL_PORTS.from;
    while (this.#listening.has(socketKey(namespace, protocol, port))) port++;
    if (port > EPHEMERAL_PORTS.to) fail("LIMIT_EXCEEDED", spec, `all ephemeral ports of ${spec.from} are in use`);
    this.#ephemeralPorts.set(counter, port + (spec.kind === "exchange" ? EXCHANGE_PORTS : 1));
    const key = socketKey(namespace, protocol, port);
    this.#setSocket(key, this.#socketIndex++, { namespace, protocol, ip: 0, port, role: SocketRole.Client, flow });
    return port;
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

/** A port of a namespace. */
interface Listener {
  readonly namespace: number;
  readonly port: number;
}

interface FlowPlace {
  readonly namespace: number;
  readonly destination: number;
  readonly protocol: number;
  readonly sourcePort: number;
}

function flowRecord(spec: TrafficSpec, place: FlowPlace): FlowRecord {
  const size = Math.max(spec.sizeBytes, 1);
  return {
    kind: KINDS[spec.kind],
    protocol: place.protocol,
    namespace: place.namespace,
    destination: place.destination,
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
  return port === undefined ? host : `${host}:${port}/${protocol}`;
}

function socketKey(namespace: number, protocol: number, port: number): string {
  return `${namespace}/${protocol}/${port}`;
}

function checkRoom(limit: keyof Capacity, needed: number, available: number): void {
  if (needed <= available) return;
  throw new SimulationError("LIMIT_EXCEEDED", `${limit}: the network has room for ${available}, ${needed} are needed`, { limit, needed });
}

function fail(code: ErrorCode, { name, position }: TrafficSpec, reason: string): never {
  throw new SimulationError(code, `traffic ${name}: ${reason}`, position && { position });
}
