/** Programs for tests of the packet path, built by hand: what engines do must not depend on what compiles Docker networks. */
import { DNS_A } from "../../assembly/abi/dns";
import { EXPONENTIAL_ENTRIES, EXPONENTIAL_SCALE, LINK_LIMIT_DEFAULT } from "../../assembly/abi/limits";
import { NODE_COUNT } from "../../assembly/abi/node";
import { DEVICE_HAIRPIN, DEVICE_PORT_SECURITY, DEVICE_UP, DeviceKind, FlowKind, RouteType, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { ABI_VERSION, NONE } from "../../assembly/abi/version";
import { queryBytes } from "../../src/engine/check-processes";
import { eventsOfRecords } from "../../src/engine/event-room";
import { DnsDraft } from "./dns-draft";
import type {
  Address6Record,
  AddressRecord,
  Capacity,
  ChainRecord,
  DatapathProgram,
  DeviceRecord,
  FlowRecord,
  HostRecord,
  LinkRecord,
  NamespaceRecord,
  Neighbour6Record,
  NeighbourRecord,
  RealServerRecord,
  Route6Record,
  RouteRecord,
  RuleRecord,
  SocketRecord,
  VirtualServiceRecord,
  VxlanRemoteRecord,
} from "../../src/engine/program";

export const US = 1_000;
export const MS = 1_000_000;
export const SECOND = 1_000_000_000;

/** "172.17.0.2" as a u32. */
export function ip(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** A u32 as "172.17.0.2". */
export function ipText(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

/** A cable that only delays. */
export const CABLE: LinkRecord = {
  rateBps: 1e9,
  delayNs: 50 * US,
  jitterNs: 0,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  limit: LINK_LIMIT_DEFAULT,
};

/** A probability as the records have it. */
export function chance(p: number): number {
  return Math.min(Math.floor(p * 2 ** 32), 2 ** 32 - 1);
}

/** Quantiles of the exponential distribution; exact values do not matter as long as both engines get the same. */
const EXPONENTIAL = Array.from({ length: EXPONENTIAL_ENTRIES }, (_, i) =>
  Math.round(-Math.log(1 - (i + 0.5) / EXPONENTIAL_ENTRIES) * EXPONENTIAL_SCALE),
);

const CAPACITY: Omit<Capacity, "events"> = {
  packets: 2048,
  frameBytes: 1514,
  fdb: 256,
  neighbours: 256,
  sockets: 128,
  flows: 64,
  connections: 64,
  conntrack: 256,
  sessions: 16,
  streams: 12,
  domains: 64,
  domainBytes: 4096,
  resolvers: 16,
  searches: 64,
  zones: 32,
  zoneRecords: 256,
  upstreams: 32,
  hosts: 16,
  namespaces: 64,
  devices: 256,
  addresses: 256,
  routes: 1024,
  links: 256,
  chains: 64,
  rules: 1024,
  addresses6: 1024,
  virtualServices: 16,
  realServers: 64,
  ipvsConnections: 64,
  vxlanRemotes: 256,
  eventRecords: 65_536,
  captureBytes: 4 << 20,
};

/** A namespace with one device of its own: a container's end of a veth pair, or a host's end of a cable. */
export interface Endpoint {
  readonly namespace: number;
  readonly device: number;
  /** The other end. */
  readonly port: number;
  readonly ip: number;
}

export interface FlowOptions extends Partial<FlowRecord> {
  readonly role?: SocketRole;
  /** No socket at the receiving end. */
  readonly unserved?: boolean;
}

/** Collects records; every call returns the index of what it made. */
export class ProgramDraft {
  readonly hosts: HostRecord[] = [];
  readonly namespaces: NamespaceRecord[] = [];
  readonly devices: DeviceRecord[] = [];
  readonly addresses: AddressRecord[] = [];
  readonly routes: RouteRecord[] = [];
  readonly neighbours: NeighbourRecord[] = [];
  readonly addresses6: Address6Record[] = [];
  readonly routes6: Route6Record[] = [];
  readonly neighbours6: Neighbour6Record[] = [];
  readonly vxlanRemotes: VxlanRemoteRecord[] = [];
  readonly links: LinkRecord[] = [];
  readonly sockets: SocketRecord[] = [];
  readonly flows: FlowRecord[] = [];
  readonly chains: ChainRecord[] = [];
  readonly rules: RuleRecord[] = [];
  readonly virtualServices: VirtualServiceRecord[] = [];
  readonly realServers: RealServerRecord[] = [];
  readonly dns = new DnsDraft();
  private readonly deviceNames: string[] = [];
  private nextPort = 40_000;

  host(cpus = 1, backlog = 1000, costless = 0): number {
    return this.hosts.push({ cpus, backlog, costless }) - 1;
  }

  /** A namespace with its loopback device. */
  namespace(host: number, { forwarding = 0, ttl = 64, loopbackMtu = 65_536, bridgeNf = 0 } = {}): number {
    const namespace = this.namespaces.push({ host, forwarding, ttl, bridgeNf }) - 1;
    const lo = this.device(namespace, DeviceKind.Loopback, { mtu: loopbackMtu, macHigh: 0, macLow: 0 }, "lo");
    this.addresses.push({ device: lo, ip: ip("127.0.0.1"), prefix: 8 });
    this.route({ namespace, destination: ip("127.0.0.0"), prefix: 8, type: RouteType.Local, device: lo, source: ip("127.0.0.1") });
    return namespace;
  }

  device(namespace: number, kind: DeviceKind, fields: Partial<DeviceRecord> = {}, name = DeviceKind[kind].toLowerCase()): number {
    const index = this.devices.length;
    this.deviceNames.push(`${namespace}:${name}`);
    this.devices.push({
      namespace,
      kind,
      flags: DEVICE_UP,
      macHigh: 0x0242,
      macLow: 0x0a000000 + index,
      mtu: 1500,
      peer: NONE,
      master: NONE,
      link: NONE,
      ...fields,
    });
    return index;
  }

  /** Makes two devices the ends of one cable. */
  pair(a: number, b: number, forth?: LinkRecord, back = forth): void {
    const cable = (record: LinkRecord | undefined) => (record === undefined ? NONE : this.links.push(record) - 1);
    this.devices[a] = { ...this.devices[a], peer: b, link: cable(forth) };
    this.devices[b] = { ...this.devices[b], peer: a, link: cable(back) };
  }

  /** An address with the routes that the kernel makes for it. */
  address(device: number, address: number, prefix: number): void {
    const { namespace } = this.devices[device];
    const mask = prefix === 0 ? 0 : -1 << (32 - prefix);
    this.addresses.push({ device, ip: address, prefix });
    this.route({ namespace, destination: (address & mask) >>> 0, prefix, device, source: address });
    this.route({ namespace, destination: address, prefix: 32, type: RouteType.Local, device, source: address });
    this.route({ namespace, destination: (address | ~mask) >>> 0, prefix: 32, type: RouteType.Broadcast, device, source: address });
  }

  route(route: Partial<RouteRecord> & { readonly namespace: number }): number {
    const record = { destination: 0, prefix: 0, type: RouteType.Unicast, device: NONE, gateway: 0, source: 0, metric: 0, ...route };
    return this.routes.push(record) - 1;
  }

  /** A bridge in a namespace, with the address that its ports use as gateway. */
  bridge(namespace: number, address: string, prefix = 16, mtu = 1500): number {
    const bridge = this.device(namespace, DeviceKind.Bridge, { mtu }, "br");
    this.address(bridge, ip(address), prefix);
    return bridge;
  }

  /** A namespace behind a bridge port, with a default route through the bridge. */
  container(bridge: number, address: string, { prefix = 16, link, hairpin = false, secure = false, ttl = 64 }: ContainerOptions = {}): Endpoint {
    const { namespace: outside, mtu } = this.devices[bridge];
    const { host } = this.namespaces[outside];
    const namespace = this.namespace(host, { ttl });
    const own = ip(address);
    const device = this.device(namespace, DeviceKind.Veth, { mtu, macHigh: 0x0242, macLow: own }, "eth0");
    const flags = DEVICE_UP | (hairpin ? DEVICE_HAIRPIN : 0) | (secure ? DEVICE_PORT_SECURITY : 0);
    const port = this.device(outside, DeviceKind.Veth, { mtu, master: bridge, flags }, `veth${device}`);
    this.pair(device, port, link);
    this.address(device, own, prefix);
    const gateway = this.addresses.find((record) => record.device === bridge)?.ip ?? 0;
    this.route({ namespace, device, gateway });
    return { namespace, device, port, ip: own };
  }

  /** A cable between two namespaces of different hosts, each end with an address. */
  cable(
    a: number,
    b: number,
    addresses: readonly [string, string],
    prefix = 24,
    link: LinkRecord = CABLE,
    mtu = 1500,
  ): [Endpoint, Endpoint] {
    const left = this.device(a, DeviceKind.Physical, { mtu }, "eth0");
    const right = this.device(b, DeviceKind.Physical, { mtu }, "eth0");
    this.pair(left, right, link);
    const [leftIp, rightIp] = addresses.map(ip);
    this.address(left, leftIp, prefix);
    this.address(right, rightIp, prefix);
    return [
      { namespace: a, device: left, port: right, ip: leftIp },
      { namespace: b, device: right, port: left, ip: rightIp },
    ];
  }

  socket(record: Partial<SocketRecord> & { readonly namespace: number }): number {
    return this.sockets.push({ protocol: PROTOCOL_UDP, ip: 0, port: 0, role: SocketRole.Sink, flow: NONE, ...record }) - 1;
  }

  /** A flow with the sockets at both ends. */
  flow(from: number, to: { readonly namespace: number; readonly ip: number }, options: FlowOptions = {}): number {
    const { role, unserved = false, ...fields } = options;
    const protocol = fields.protocol ?? PROTOCOL_UDP;
    const kind = fields.kind ?? FlowKind.Constant;
    const index = this.flows.length;
    const record: FlowRecord = {
      kind,
      protocol,
      namespace: from,
      destination: to.ip,
      destinationPort: 9000,
      sourcePort: this.nextPort++,
      bytes: 64,
      responseBytes: kind === FlowKind.Request ? 128 : 0,
      count: NONE,
      dontFragment: 0,
      intervalNs: 10 * MS,
      onNs: 0,
      offNs: 0,
      startNs: 0,
      stopNs: Number.MAX_SAFE_INTEGER,
      thinkNs: 0,
      timeoutNs: SECOND,
      ...fields,
    };
    this.flows.push(record);
    if (protocol === PROTOCOL_ICMP) return index;
    this.socket({ namespace: from, protocol, port: record.sourcePort, role: SocketRole.Client, flow: index });
    const served = this.sockets.some(
      ({ namespace, protocol: p, port }) => namespace === to.namespace && p === protocol && port === record.destinationPort,
    );
    if (unserved || served) return index;
    const serverRole = role ?? (kind === FlowKind.Request ? SocketRole.Responder : SocketRole.Sink);
    this.socket({ namespace: to.namespace, protocol, port: record.destinationPort, role: serverRole });
    return index;
  }

  ping(from: number, to: { readonly namespace: number; readonly ip: number }, options: FlowOptions = {}): number {
    return this.flow(from, to, { protocol: PROTOCOL_ICMP, kind: FlowKind.Ping, bytes: 56, destinationPort: 0, ...options });
  }

  /** A TCP request flow that asks once unless told otherwise. */
  request(from: number, to: { readonly namespace: number; readonly ip: number }, options: FlowOptions = {}): number {
    return this.flow(from, to, { protocol: PROTOCOL_TCP, kind: FlowKind.Request, destinationPort: 80, count: 1, ...options });
  }

  /** A flow of exchanges, once unless told otherwise. */
  exchange(from: number, to: { readonly namespace: number; readonly ip: number }, options: FlowOptions = {}): number {
    const exchange = { kind: FlowKind.Exchange, protocol: PROTOCOL_TCP, destinationPort: 80, count: 1, bytes: 36, responseBytes: 137, role: SocketRole.Responder };
    return this.flow(from, to, { ...exchange, ...options });
  }

  /** A flow of queries for a name, once unless told otherwise; the server's socket is not made. */
  query(from: number, server: number, name: string, options: FlowOptions & { readonly type?: number } = {}): number {
    const { type = DNS_A, ...fields } = options;
    const domain = this.dns.domain(name);
    const query = { kind: FlowKind.Query, name: domain, queryType: type, bytes: queryBytes(name, fields), destinationPort: 53, count: 1, intervalNs: 0, unserved: true };
    return this.flow(from, { namespace: from, ip: server }, { ...query, ...fields });
  }

  program({ capacity, costs, copyCost = 51 }: ProgramOptions = {}): DatapathProgram {
    const room = (least: number, records: readonly unknown[]) => Math.max(least, records.length);
    const sizes = {
      ...CAPACITY,
      namespaces: room(CAPACITY.namespaces, this.namespaces),
      devices: room(CAPACITY.devices, this.devices),
      addresses: room(CAPACITY.addresses, this.addresses),
      routes: room(CAPACITY.routes, this.routes),
      links: room(CAPACITY.links, this.links),
      chains: room(CAPACITY.chains, this.chains),
      rules: room(CAPACITY.rules, this.rules),
      ...capacity,
    };
    const events = eventsOfRecords(sizes) + 64;
    const names = (count: number, kind: string) => Array.from({ length: count }, (_, i) => `${kind}${i}`);
    return {
      abi: ABI_VERSION,
      names: {
        hosts: names(this.hosts.length, "host"),
        namespaces: names(this.namespaces.length, "namespace"),
        devices: [...this.deviceNames],
        flows: names(this.flows.length, "flow"),
        chains: names(this.chains.length, "chain"),
        rules: this.rules.map((_, i) => ({ text: `rule${i}`, cause: "" })),
        virtualServices: names(this.virtualServices.length, "service"),
        realServers: this.realServers.map(({ address }) => ipText(address)),
      },
      hosts: this.hosts,
      namespaces: this.namespaces,
      devices: this.devices,
      addresses: this.addresses,
      routes: this.routes,
      neighbours: this.neighbours,
      addresses6: this.addresses6,
      routes6: this.routes6,
      neighbours6: this.neighbours6,
      vxlanRemotes: this.vxlanRemotes,
      links: this.links,
      sockets: this.sockets,
      flows: this.flows,
      chains: this.chains,
      rules: this.rules,
      virtualServices: this.virtualServices,
      realServers: this.realServers,
      dns: { ...this.dns },
      costs: costs ?? Array.from({ length: NODE_COUNT }, (_, node) => (node === 0 ? 0 : 100 + node)),
      copyCost,
      exponential: EXPONENTIAL,
      capacity: { events, ...sizes },
    };
  }
}

export interface ContainerOptions {
  readonly prefix?: number;
  readonly link?: LinkRecord;
  readonly hairpin?: boolean;
  readonly secure?: boolean;
  readonly ttl?: number;
}

export interface ProgramOptions {
  readonly capacity?: Partial<Capacity>;
  readonly costs?: readonly number[];
  readonly copyCost?: number;
}

/** Containers 172.17.0.2, .3, … on docker0 of one host. */
export function containersOnBridge(count: number, options: ContainerOptions & { readonly mtu?: number; readonly cpus?: number } = {}) {
  const draft = new ProgramDraft();
  const host = draft.host(options.cpus ?? 1);
  const root = draft.namespace(host, { forwarding: 1 });
  const bridge = draft.bridge(root, "172.17.0.1", 16, options.mtu);
  const containers = Array.from({ length: count }, (_, i) => draft.container(bridge, `172.17.0.${i + 2}`, options));
  return { draft, root, bridge, containers };
}

/** A container on each of two bridges of one host, which routes between them. */
export function twoBridges(mtus: readonly [number, number] = [1500, 1500]) {
  const draft = new ProgramDraft();
  const root = draft.namespace(draft.host(), { forwarding: 1 });
  const front = draft.bridge(root, "172.20.0.1", 16, mtus[0]);
  const back = draft.bridge(root, "172.21.0.1", 16, mtus[1]);
  return { draft, root, front, back, left: draft.container(front, "172.20.0.2"), right: draft.container(back, "172.21.0.2") };
}

/** Two hosts at the ends of one cable. */
export function twoHosts(link: LinkRecord = CABLE, mtu = 1500) {
  const draft = new ProgramDraft();
  const a = draft.namespace(draft.host());
  const b = draft.namespace(draft.host());
  const [left, right] = draft.cable(a, b, ["10.0.0.1", "10.0.0.2"], 24, link, mtu);
  return { draft, left, right };
}
