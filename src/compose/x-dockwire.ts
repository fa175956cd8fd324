import { parsePacketRate, parseRate, parseSize } from "../net/units";
import { isIpv4 } from "../net/ip";
import { alternatives, type Field } from "./field";
import { failAt, type Place } from "./node";
import { choice, checkShape, listOf, mappingOf, record, scalar, type Shape } from "./shape";
import { suggest } from "./suggest";
import { CABLE_KEYS, duration, parsed, readCable, type LinkProperties } from "./cable";
import { NODES_SHAPE, readNodes, type NodesSection } from "./x-dockwire-nodes";

export type { LinkProperties };

/**
 * The top-level `x-dockwire` section: how long and how the application is simulated, what its links are like, and what traffic it has.
 * Compose itself ignores the section, so the file stays a valid Compose file.
 *
 * ```yaml
 * x-dockwire:
 *   for: 10s                 # how much virtual time to simulate
 *   seed: 7                  # the same seed gives the same packets
 *   engine: wasm             # or ts
 *   docker: "29"             # or "20.10": the generation of Docker Engine to follow
 *   links:                   # each direction of the cables between containers and their networks
 *     default: { rate: 10Gbit, delay: 50us }
 *     back: { loss: 0.1% }   # a network: the cables of all its endpoints
 *     cache: { rate: 100Mbit, delay: 2ms, jitter: 500us, duplicate: 0.01%, reorder: 0.5%, limit: 100 }   # a service: all its cables
 *   traffic:
 *     - { name: orders, from: web, to: db:5432/tcp, size: 256, response: 4k, clients: 4, think: 5ms }
 *     - { from: cache, to: web:9000/udp, kind: poisson, rate: 2kpps, size: 64 }
 *     - { from: web, to: db:8080, kind: exchange, response: 16k }   # a connection each, which the server closes (HTTP/1.0)
 *     - { from: web, to: db, family: 6 }                            # over IPv6, where the name has addresses of both
 *   default_traffic: true    # also let every depends_on edge exchange requests
 *   nodes: 3                 # a swarm of that many machines, host1 its manager: what docker stack deploy makes of the file
 *   underlay: { rate: 10Gbit, delay: 50us, loss: 0.01%, mtu: 1500, path_mtu: 1400 }   # each direction of the cables of machines
 *   hosts:                   # what one machine has of its own
 *     host2: { role: manager, labels: { zone: b }, availability: drain, mtu: 9000, delay: 20ms, cpus: 4 }
 * ```
 *
 * A more special link wins, property by property: a service's over a network's over `default`. A name that is both a service
 * and a network is written `service:NAME` or `network:NAME`. A property that nobody sets is ideal: no rate limit, no delay, no loss.
 *
 * Traffic is sent by every replica of `from`; `to` is looked up by name as the application would. `to` without a port is a ping.
 * `lan` (a machine on the host's network), `internet` (one behind the router) and `host` can send and be asked as well, unless a service is called
 * that: `{ from: lan, to: host:8080 }` asks a published port.
 */
export interface DockwireSection extends NodesSection {
  readonly place: Place;
  /** `for`: the virtual time to simulate. */
  readonly durationNs: number | undefined;
  readonly seed: number | undefined;
  readonly engine: "wasm" | "ts" | undefined;
  readonly docker: "29" | "20.10" | undefined;
  readonly links: readonly LinkRule[];
  readonly traffic: readonly TrafficRule[];
  /** Whether every `depends_on` edge exchanges requests; by default only when no `traffic` is given. */
  readonly defaultTraffic: boolean;
}

export interface LinkRule {
  readonly place: Place;
  readonly scope: { readonly kind: "default" } | { readonly kind: "service" | "network"; readonly name: string };
  readonly link: LinkProperties;
}

export const TRAFFIC_KINDS = ["constant", "poisson", "onoff", "request", "exchange", "ping"] as const;

/**
 * - `constant`: messages of `size` bytes, evenly spaced at `rate`.
 * - `poisson`: the same with random gaps of which `rate` is the mean.
 * - `onoff`: `constant` for `on`, silent for `off`, in turn.
 * - `request`: `clients` that each send `size` bytes, wait for `response` bytes (at most `timeout`), and `think`.
 * - `exchange`: the same over TCP, but with a connection of its own for each request, which the server closes, as HTTP/1.0 has it.
 * - `ping`: ICMP echo requests at `rate`.
 */
export type TrafficKind = (typeof TRAFFIC_KINDS)[number];

export interface TrafficRule {
  readonly place: Place;
  /** `name`, or `<from>-<to>`; unique in the file. */
  readonly name: string;
  readonly kind: TrafficKind;
  /** The service that sends, or `lan`, `internet`, `host`. */
  readonly from: string;
  /** A service, one of the same names, or an address. */
  readonly to: { readonly service: string; readonly port: number | undefined; readonly protocol: "tcp" | "udp" | "icmp" };
  /** Payload bits or messages per second; absent for requests. */
  readonly rate: TrafficRate | undefined;
  /** Payload bytes of a message or request. */
  readonly sizeBytes: number;
  readonly responseBytes: number;
  readonly onNs: number;
  readonly offNs: number;
  readonly thinkNs: number;
  readonly timeoutNs: number;
  readonly startNs: number;
  /** No message at or after this time; absent: until the end. */
  readonly stopNs: number | undefined;
  /** Messages to send, of each client; absent: without end. */
  readonly count: number | undefined;
  readonly clients: number;
  /** Whose addresses of a name are used; absent: IPv4's where there are any. */
  readonly family: 4 | 6 | undefined;
}

export type TrafficRate =
  | { readonly per: "bits"; readonly bitsPerSecond: number }
  | { readonly per: "messages"; readonly messagesPerSecond: number };

/** The names that the section may refer to. */
export interface KnownNames {
  readonly services: ReadonlySet<string>;
  readonly networks: ReadonlySet<string>;
}

/** Machines around the project that traffic may name: a neighbour of its host, one behind the router, and the host itself. */
export const OUTSIDE = ["lan", "internet", "host"] as const;

const text = scalar("string");
const quantity = scalar("string", "number");
const flag = scalar("boolean", "string");

const trafficShape = record(
  {
    name: text, from: text, to: text, kind: choice(...TRAFFIC_KINDS), rate: quantity, size: quantity, response: quantity, on: quantity,
    off: quantity, think: quantity, timeout: quantity, start: quantity, stop: quantity, count: quantity, clients: quantity, family: quantity,
  },
  ["from", "to"],
);

const sectionShape: Shape = record({
  for: quantity,
  seed: quantity,
  engine: choice("wasm", "ts"),
  docker: quantity,
  links: mappingOf(record(CABLE_KEYS)),
  traffic: listOf(trafficShape),
  default_traffic: flag,
  ...NODES_SHAPE,
});

/**
 * Reads and checks `x-dockwire`.
 *
 * @throws SimulationError at the value: `INVALID_INPUT`, or `NOT_FOUND` for a service or network that the project does not start.
 */
export function readDockwire(field: Field, names: KnownNames): DockwireSection {
  checkShape(field, sectionShape);
  const nodes = readNodes(field);
  const { internet, lan } = nodes.underlay?.names ?? {};
  const known = { ...names, outside: new Set([...OUTSIDE, ...Object.keys({ ...internet, ...lan })]) };
  const traffic = (field.get("traffic")?.items() ?? []).map((item) => readTraffic(item, known));
  checkNames(field, traffic);
  return {
    place: field.keyPlace,
    durationNs: positive(field.get("for")),
    seed: field.get("seed")?.integer(0, 0xffffffff),
    engine: field.get("engine")?.choice(["wasm", "ts"]),
    docker: readDocker(field.get("docker")),
    links: (field.get("links")?.children() ?? []).map((item) => readLink(item, names)),
    traffic,
    defaultTraffic: field.get("default_traffic")?.flag() ?? !field.get("traffic"),
    ...nodes,
  };
}

function readDocker(field: Field | undefined): DockwireSection["docker"] {
  // Without quotes, YAML reads 20.10 as the number 20.1.
  return field?.node.kind === "scalar" && field.node.value === 20.1 ? "20.10" : field?.choice(["29", "20.10"]);
}

function readLink(field: Field, names: KnownNames): LinkRule {
  return { place: field.keyPlace, scope: linkScope(field, names), link: readCable(field) };
}

function linkScope(field: Field, { services, networks }: KnownNames): LinkRule["scope"] {
  const { name } = field;
  if (name === "default") return { kind: "default" };
  const explicit = /^(service|network):(.+)$/.exec(name);
  const wanted = explicit?.[2] ?? name;
  const isService = explicit?.[1] !== "network" && services.has(wanted);
  const isNetwork = explicit?.[1] !== "service" && networks.has(wanted);
  if (isService && isNetwork) {
    const choices = alternatives([`service:${name}`, `network:${name}`]);
    failAt(field.keyPlace, `expected ${choices}, found ${JSON.stringify(name)}, which is both a service and a network`);
  }
  if (isService) return { kind: "service", name: wanted };
  if (isNetwork) return { kind: "network", name: wanted };
  const hint = suggest(wanted, [...services, ...networks, "default"]);
  return failAt(field.keyPlace, `expected a service, a network or "default", found ${JSON.stringify(name)}${hint}`, "NOT_FOUND");
}

/** What a kind reads beside `name`, `from`, `to`, `kind`, `size`, `start`, `stop` and `count`. */
const KEYS_OF_KIND: Readonly<Record<TrafficKind, readonly string[]>> = {
  constant: ["rate"],
  poisson: ["rate"],
  onoff: ["rate", "on", "off"],
  request: ["response", "think", "timeout", "clients"],
  exchange: ["response", "think", "timeout", "clients"],
  ping: ["rate", "timeout"],
};
const SPECIAL_KEYS = [...new Set(Object.values(KEYS_OF_KIND).flat())];

/** Largest payload of a UDP datagram (RFC 768, RFC 791) and of an ICMP echo. */
const DATAGRAM_MAX = 65_507;

const DEFAULTS = {
  messageBytes: 512,
  requestBytes: 128,
  responseBytes: 1024,
  /** Without its header, as ping(8) counts. */
  pingBytes: 56,
  pingPerSecond: 1,
  thinkNs: 10_000_000,
  timeoutNs: 1_000_000_000,
};

/** What traffic may name, too: machines, and what name servers know. */
interface TrafficNames extends KnownNames {
  readonly outside: ReadonlySet<string>;
}

function readTraffic(field: Field, names: TrafficNames): TrafficRule {
  const from = readService(required(field, "from"), required(field, "from").text(), names);
  const to = readTarget(required(field, "to"), names);
  const kind = readKind(field, to);
  for (const key of SPECIAL_KEYS) {
    const kinds = TRAFFIC_KINDS.filter((candidate) => KEYS_OF_KIND[candidate].includes(key));
    if (!kinds.includes(kind)) field.get(key)?.fail(`expected only in traffic of kind ${alternatives(kinds)}, found with kind "${kind}"`);
  }
  const start = duration(field.get("start")) ?? 0;
  const stop = duration(field.get("stop"));
  if (stop !== undefined && stop <= start) field.get("stop")?.expected("a time after start");
  return {
    place: field.place,
    name: field.get("name")?.text() ?? `${from}-${to.service}`,
    kind,
    from,
    to,
    rate: readRate(field, kind),
    sizeBytes: readSize(field, kind, to.protocol),
    responseBytes: bytes(field.get("response"), to.protocol) ?? (isAnswered(kind) ? DEFAULTS.responseBytes : 0),
    onNs: kind === "onoff" ? (positive(required(field, "on")) ?? 0) : 0,
    offNs: kind === "onoff" ? (positive(required(field, "off")) ?? 0) : 0,
    thinkNs: duration(field.get("think")) ?? (isAnswered(kind) ? DEFAULTS.thinkNs : 0),
    timeoutNs: positive(field.get("timeout")) ?? (isAnswered(kind) || kind === "ping" ? DEFAULTS.timeoutNs : 0),
    startNs: start,
    stopNs: stop,
    count: field.get("count")?.integer(1, 0xfffffffe),
    clients: field.get("clients")?.integer(1, 65535) ?? 1,
    family: readFamily(field.get("family")),
  };
}

function readFamily(field: Field | undefined): 4 | 6 | undefined {
  const family = field?.integer(4, 6);
  return family === 5 ? field?.expected("4 or 6") : (family as 4 | 6 | undefined);
}

function isAnswered(kind: TrafficKind): boolean {
  return kind === "request" || kind === "exchange";
}

function readKind(field: Field, to: TrafficRule["to"]): TrafficKind {
  const given = field.get("kind")?.choice(TRAFFIC_KINDS);
  const kind = given ?? (to.port === undefined ? "ping" : field.get("rate") ? "constant" : "request");
  if (kind === "ping" && to.port !== undefined) field.get("to")?.expected("a service without a port for a ping");
  if (kind !== "ping" && to.port === undefined) field.get("to")?.expected(`"service:port[/proto]"`);
  if (kind === "exchange" && to.protocol !== "tcp") field.get("to")?.expected("a TCP port for exchanges");
  return kind;
}

function readTarget(field: Field, names: TrafficNames): TrafficRule["to"] {
  const match = /^([^:/]+)(?::(\d{1,5})(?:\/(tcp|udp))?)?$/i.exec(field.text());
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (!match || port === 0 || (port ?? 1) > 65535) return field.expected(`"service:port[/tcp|/udp]", or "service" for a ping`);
  const [, host = ""] = match;
  const service = isIpv4(host) || host === "localhost" || names.outside.has(host) ? host : readService(field, host, names);
  const protocol = port === undefined ? "icmp" : match[3]?.toLowerCase() === "udp" ? "udp" : "tcp";
  return { service, port, protocol };
}

function readService(field: Field, name: string, { services }: KnownNames): string {
  if (services.has(name)) return name;
  if (OUTSIDE.some((machine) => machine === name)) return name;
  return field.fail(`expected a service or one of ${OUTSIDE.join(", ")}, found ${JSON.stringify(name)}${suggest(name, [...services, ...OUTSIDE])}`, "NOT_FOUND");
}

function readRate(field: Field, kind: TrafficKind): TrafficRate | undefined {
  if (isAnswered(kind)) return undefined;
  const rate = field.get("rate");
  if (!rate) {
    if (kind !== "ping") required(field, "rate");
    return { per: "messages", messagesPerSecond: DEFAULTS.pingPerSecond };
  }
  if (/bit/i.test(rate.text())) return { per: "bits", bitsPerSecond: parseRate(rate.text(), rate.path, rate.details) };
  if (/(\/s|pps)$/i.test(rate.text())) return { per: "messages", messagesPerSecond: parsePacketRate(rate.text(), rate.path, rate.details) };
  return rate.expected(`a rate such as "200Mbit", "100/s" or "5kpps"`);
}

function readSize(field: Field, kind: TrafficKind, protocol: TrafficRule["to"]["protocol"]): number {
  const given = bytes(field.get("size"), protocol);
  if (given !== undefined) return given;
  if (kind === "ping") return DEFAULTS.pingBytes;
  return isAnswered(kind) ? DEFAULTS.requestBytes : DEFAULTS.messageBytes;
}

function bytes(field: Field | undefined, protocol: TrafficRule["to"]["protocol"]): number | undefined {
  const value = parsed(field, parseSize);
  const most = protocol === "tcp" ? 0x7fffffff : DATAGRAM_MAX;
  const least = protocol === "tcp" ? 1 : 0;
  if (value !== undefined && (value < least || value > most)) field?.expected(`${least} to ${most} bytes`);
  return value;
}

/** Flows are told apart by name; those that the file does not name are numbered when there are several of one pair. */
function checkNames(field: Field, traffic: TrafficRule[]): void {
  const taken = new Set<string>();
  for (const item of field.get("traffic")?.items() ?? []) {
    const name = item.get("name");
    if (!name) continue;
    if (taken.has(name.text())) name.fail(`expected a name of its own, found ${JSON.stringify(name.text())} twice`, "CONFLICT");
    taken.add(name.text());
  }
  for (const [index, item] of (field.get("traffic")?.items() ?? []).entries()) {
    const rule = traffic[index];
    if (!rule || item.get("name")) continue;
    let name = rule.name;
    for (let number = 2; taken.has(name); number++) name = `${rule.name}-${number}`;
    taken.add(name);
    traffic[index] = { ...rule, name };
  }
}

function required(field: Field, key: string): Field {
  return field.get(key) ?? field.fail(`expected the property ${JSON.stringify(key)}, found none`);
}

function positive(field: Field | undefined): number | undefined {
  return duration(field) === 0 ? field?.expected("a duration above 0") : duration(field);
}
