import { ADDRESS6_NODAD, DEVICE_ARP_IGNORE, DEVICE_DISABLE_IPV6, DEVICE_ROUTE_LOCALNET, DEVICE_UP, DeviceKind, RouteType } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import { addressWords } from "../engine/address-words";
import { type Address6Record, type AddressRecord, type DeviceRecord, type HostRecord, type LinkRecord, type NamespaceRecord, type NeighbourRecord, NO_ADDRESS6, type Route6Record, type RouteRecord, type VxlanRemoteRecord } from "../engine/program";
import { ipv4Mask } from "../net/cidr";
import type { Memo } from "./memo";

/** Of lo (Linux drivers/net/loopback.c: loopback_setup, gen_lo_setup). */
const LOOPBACK_MTU = 64 * 1024;
/** net.ipv4.ip_default_ttl (RFC 1340's recommendation). */
const DEFAULT_TTL = 64;

/** What a new device needs to say; the rest has defaults. */
export interface DeviceSettings {
  readonly namespace: number;
  readonly kind: DeviceKind;
  /** For people: `web:eth0`. */
  readonly displayName: string;
  readonly mtu: number;
  readonly mac?: number;
  readonly master?: number;
  /** Beside DEVICE_UP. */
  readonly flags?: number;
  /** The device below it. */
  readonly peer?: number;
  readonly mode?: number;
  readonly vlan?: number;
  /** The tunnel that a Vxlan is. */
  readonly tunnel?: Pick<DeviceRecord, "underlay" | "port" | "vni">;
  /** What makes it the same device in the next program; its display name unless given. */
  readonly key?: string;
}

export interface NamespaceSettings {
  readonly forwarding?: number;
  readonly bridgeNf?: number;
  readonly forwarding6?: number;
  /** What makes it the same namespace in the next program; its name unless given. */
  readonly key?: string;
}

export interface Route6Settings {
  readonly type?: RouteType;
  readonly gateway?: bigint;
  readonly metric?: number;
}

/** What a VXLAN device knows of an endpoint on another host. */
export interface PeerRecords {
  readonly neighbour: NeighbourRecord;
  readonly remote: VxlanRemoteRecord;
}

export function peerRecords(device: number, { ip, mac, tunnelEnd }: { readonly ip: number; readonly mac: number; readonly tunnelEnd: number }): PeerRecords {
  const words = macWords(mac);
  return { neighbour: { device, ip, ...words }, remote: { device, remote: tunnelEnd, ...words } };
}

/** Which index each thing has, by its key: what a later program must respect. */
export interface LayoutIndices {
  readonly hosts: ReadonlyMap<string, number>;
  readonly namespaces: ReadonlyMap<string, number>;
  readonly devices: ReadonlyMap<string, number>;
  readonly links: ReadonlyMap<string, number>;
}

/** What a program was laid out as, for the next one. */
export interface PreviousLayout {
  readonly indices: LayoutIndices;
  readonly memo: Memo;
  readonly program: {
    readonly hosts: readonly HostRecord[];
    readonly namespaces: readonly NamespaceRecord[];
    readonly devices: readonly DeviceRecord[];
    readonly links: readonly LinkRecord[];
    readonly names: { readonly hosts: readonly string[]; readonly namespaces: readonly string[]; readonly devices: readonly string[] };
  };
}

/** Indices by key: a key that the layout before had keeps its index, others come behind. */
class KeyedIndices {
  readonly #indices: Map<string, number>;
  readonly #used = new Set<string>();

  constructor(previous: ReadonlyMap<string, number> = new Map()) {
    this.#indices = new Map(previous);
  }

  take(key: string, next: number): number {
    if (this.#used.has(key)) throw new Error(`two things have the key ${key}`);
    this.#used.add(key);
    const index = this.#indices.get(key) ?? next;
    this.#indices.set(key, index);
    return index;
  }

  get all(): ReadonlyMap<string, number> {
    return this.#indices;
  }
}

/**
 * Collects the records of a program; each call returns the index of what it added. With the layout of the program before, everything
 * keeps the index that it had, and devices that are not added again are gone.
 */
export class ProgramBuilder {
  readonly hosts: HostRecord[];
  readonly namespaces: NamespaceRecord[];
  readonly devices: DeviceRecord[];
  readonly addresses: AddressRecord[] = [];
  readonly routes: RouteRecord[] = [];
  readonly addresses6: Address6Record[] = [];
  readonly routes6: Route6Record[] = [];
  readonly neighbours: NeighbourRecord[] = [];
  readonly vxlanRemotes: VxlanRemoteRecord[] = [];
  readonly links: LinkRecord[];
  readonly hostNames: string[];
  readonly namespaceNames: string[];
  readonly deviceNames: string[];
  /** By display name, of what there is. */
  readonly deviceIndex = new Map<string, number>();
  readonly #hostKeys: KeyedIndices;
  readonly #namespaceKeys: KeyedIndices;
  readonly #deviceKeys: KeyedIndices;
  readonly #linkKeys: KeyedIndices;
  readonly #keyOfDevice = new Map<number, string>();
  readonly #addressesOf = new Map<number, AddressRecord[]>();
  readonly #addresses6Of = new Map<number, Set<bigint>>();

  constructor(previous?: PreviousLayout) {
    const { hosts = [], namespaces = [], devices = [], links = [], names } = previous?.program ?? {};
    this.hosts = [...hosts];
    this.namespaces = [...namespaces];
    this.devices = devices.map(goneOf);
    this.links = [...links];
    this.hostNames = [...(names?.hosts ?? [])];
    this.namespaceNames = [...(names?.namespaces ?? [])];
    this.deviceNames = [...(names?.devices ?? [])];
    this.#hostKeys = new KeyedIndices(previous?.indices.hosts);
    this.#namespaceKeys = new KeyedIndices(previous?.indices.namespaces);
    this.#deviceKeys = new KeyedIndices(previous?.indices.devices);
    this.#linkKeys = new KeyedIndices(previous?.indices.links);
  }

  get indices(): LayoutIndices {
    return { hosts: this.#hostKeys.all, namespaces: this.#namespaceKeys.all, devices: this.#deviceKeys.all, links: this.#linkKeys.all };
  }

  host(name: string, record: HostRecord): number {
    const index = this.#hostKeys.take(name, this.hosts.length);
    this.hostNames[index] = name;
    this.hosts[index] = record;
    return index;
  }

  namespace(name: string, host: number, { forwarding = 1, bridgeNf = 0, forwarding6 = 0, key = name }: NamespaceSettings = {}): number {
    const index = this.#namespaceKeys.take(key, this.namespaces.length);
    this.namespaceNames[index] = name;
    // The daemon turns net.ipv4.ip_forward on for the host, and new namespaces inherit it (Linux net.core.devconf_inherit_init_net = 0).
    this.namespaces[index] = { host, forwarding, ttl: DEFAULT_TTL, bridgeNf, ...(forwarding6 !== 0 && { forwarding6 }) };
    return index;
  }

  device({ namespace, kind, displayName, mtu, mac = 0, master = NONE, flags = 0, peer = NONE, mode, vlan, tunnel, key = displayName }: DeviceSettings): number {
    const index = this.#deviceKeys.take(key, this.devices.length);
    this.#keyOfDevice.set(index, key);
    this.deviceNames[index] = displayName;
    this.deviceIndex.set(displayName, index);
    const shared = { namespace, kind, flags: DEVICE_UP | flags, ...macWords(mac), mtu, peer, master, link: NONE };
    this.devices[index] = { ...shared, ...(mode !== undefined && { mode }), ...(vlan !== undefined && { vlan }), ...tunnel };
    return index;
  }

  /** Makes two devices the ends of one cable. A link shapes what the device sends. */
  pair(a: number, b: number, link: LinkRecord | undefined): void {
    this.devices[a] = { ...this.devices[a]!, peer: b, link: this.#link(a, link) };
    this.devices[b] = { ...this.devices[b]!, peer: a, link: this.#link(b, link) };
  }

  loopback(namespace: number, name: string, key = `${name}:lo`): number {
    const device = this.device({ namespace, kind: DeviceKind.Loopback, displayName: `${name}:lo`, mtu: LOOPBACK_MTU, key });
    const own = { device, ip: 0x7f000001, prefix: 8 };
    this.addresses.push(own);
    this.#addressesOf.set(device, [own]);
    this.route({ namespace, destination: 0x7f000000, prefix: 8, type: RouteType.Local, device, source: 0x7f000001 });
    this.route({ namespace, destination: 0x7f000001, prefix: 32, type: RouteType.Local, device, source: 0x7f000001 });
    this.route({ namespace, destination: 0x7fffffff, prefix: 32, type: RouteType.Broadcast, device, source: 0x7f000001 });
    return device;
  }

  /**
   * Adds an address and the routes that the kernel makes for it (Linux net/ipv4/fib_frontend.c: fib_add_ifaddr): the subnet, the
   * address itself, and the broadcast address where the subnet has one.
   */
  address(device: number, ip: number, prefix: number): void {
    const namespace = this.devices[device]!.namespace;
    const mask = ipv4Mask(prefix);
    // A second address of a subnet is a secondary one: the first is the source towards the subnet, and towards the second itself.
    const own = this.#addressesOf.get(device) ?? [];
    this.#addressesOf.set(device, own);
    const primary = own.find((other) => other.prefix === prefix && ((other.ip ^ ip) & mask) === 0);
    const record = { device, ip, prefix };
    this.addresses.push(record);
    own.push(record);
    // A group is no source for a route (fib_semantics.c: fib_valid_prefsrc).
    const addsRoutes = !primary && ip >>> 28 !== 0xe;
    if (addsRoutes && prefix < 32) this.route({ namespace, destination: (ip & mask) >>> 0, prefix, type: RouteType.Unicast, device, source: ip });
    this.route({ namespace, destination: ip, prefix: 32, type: RouteType.Local, device, source: primary?.ip ?? ip });
    if (!addsRoutes || prefix >= 31) return;
    this.route({ namespace, destination: (ip | ~mask) >>> 0, prefix: 32, type: RouteType.Broadcast, device, source: ip });
  }

  /** Without a gateway everything is on the link. */
  defaultRoute(device: number, gateway: number): void {
    const namespace = this.devices[device]!.namespace;
    this.route({ namespace, destination: 0, prefix: 0, type: RouteType.Unicast, device, gateway });
  }

  routeVia(device: number, destination: number, prefix: number, gateway: number): void {
    const { namespace } = this.devices[device]!;
    this.route({ namespace, destination, prefix, type: RouteType.Unicast, device, gateway });
  }

  /** Permanent neighbour entries, and behind which hosts MACs are. */
  peers(peers: readonly PeerRecords[]): void {
    for (const { neighbour, remote } of peers) {
      this.neighbours.push(neighbour);
      this.vxlanRemotes.push(remote);
    }
  }

  route(route: Omit<RouteRecord, "gateway" | "source" | "metric"> & Partial<RouteRecord>): void {
    this.routes.push({ gateway: 0, source: 0, metric: 0, ...route });
  }

  /** An IPv6 address, in use at once, and the routes that the kernel makes for it (Linux net/ipv6/addrconf.c). */
  address6(device: number, ip: bigint, prefix: number): void {
    const own = this.#addresses6Of.get(device) ?? new Set();
    this.#addresses6Of.set(device, own);
    if (own.has(ip)) return;
    own.add(ip);
    this.addresses6.push({ device, ip: addressWords(ip), prefix, flags: ADDRESS6_NODAD });
    this.route6(device, ip, 128, { type: RouteType.Local, metric: 0 });
    const network = (ip >> BigInt(128 - prefix)) << BigInt(128 - prefix);
    if (prefix < 128) this.route6(device, network, prefix, {});
  }

  /** A route of IPv6; metric 256 is the kernel's own. */
  route6(device: number, destination: bigint, prefix: number, { type = RouteType.Unicast, gateway = 0n, metric = 256 }: Route6Settings): void {
    const { namespace } = this.devices[device]!;
    const words = addressWords(destination);
    this.routes6.push({ namespace, destination: words, prefix, type, device, gateway: addressWords(gateway), source: NO_ADDRESS6, metric });
  }

  /** net.ipv6.conf.DEVICE.disable_ipv6. */
  disableIpv6(device: number): void {
    const record = this.devices[device]!;
    this.devices[device] = { ...record, flags: record.flags | DEVICE_DISABLE_IPV6 };
  }

  /** net.ipv4.conf.DEVICE.route_localnet. */
  routeLoopback(device: number): void {
    const record = this.devices[device]!;
    this.devices[device] = { ...record, flags: record.flags | DEVICE_ROUTE_LOCALNET };
  }

  /** net.ipv4.conf.DEVICE.arp_ignore and arp_announce. */
  ignoreArp(device: number): void {
    const record = this.devices[device]!;
    this.devices[device] = { ...record, flags: record.flags | DEVICE_ARP_IGNORE };
  }

  #link(device: number, link: LinkRecord | undefined): number {
    if (!link) return NONE;
    const index = this.#linkKeys.take(this.#keyOfDevice.get(device)!, this.links.length);
    this.links[index] = link;
    return index;
  }
}

const goners = new WeakMap<DeviceRecord, DeviceRecord>();

/** The device when it is not there any more: always the same record of the same device. */
function goneOf(device: DeviceRecord): DeviceRecord {
  const known = device.kind === DeviceKind.Gone ? device : goners.get(device);
  if (known) return known;
  const gone = { ...device, kind: DeviceKind.Gone, flags: 0, peer: NONE, master: NONE, link: NONE };
  goners.set(device, gone);
  return gone;
}

function macWords(mac: number): { readonly macHigh: number; readonly macLow: number } {
  return { macHigh: Math.floor(mac / 2 ** 32), macLow: mac % 2 ** 32 };
}
