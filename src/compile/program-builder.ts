import { DEVICE_UP, DeviceKind, RouteType } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import type { AddressRecord, DeviceRecord, HostRecord, LinkRecord, NamespaceRecord, RouteRecord } from "../engine/program";
import { ipv4Mask } from "../net/cidr";

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
}

/** Collects the records of a program; each call returns the index of what it added. */
export class ProgramBuilder {
  readonly hosts: HostRecord[] = [];
  readonly namespaces: NamespaceRecord[] = [];
  readonly devices: DeviceRecord[] = [];
  readonly addresses: AddressRecord[] = [];
  readonly routes: RouteRecord[] = [];
  readonly links: LinkRecord[] = [];
  readonly hostNames: string[] = [];
  readonly namespaceNames: string[] = [];
  readonly deviceNames: string[] = [];
  readonly deviceIndex = new Map<string, number>();

  host(name: string, record: HostRecord): number {
    this.hostNames.push(name);
    return this.hosts.push(record) - 1;
  }

  namespace(name: string, host: number): number {
    this.namespaceNames.push(name);
    // The daemon turns net.ipv4.ip_forward on for the host, and new namespaces inherit it (Linux net.core.devconf_inherit_init_net = 0).
    return this.namespaces.push({ host, forwarding: 1, ttl: DEFAULT_TTL, bridgeNf: 0 }) - 1;
  }

  device({ namespace, kind, displayName, mtu, mac = 0, master = NONE }: DeviceSettings): number {
    const index = this.devices.length;
    this.deviceNames.push(displayName);
    this.deviceIndex.set(displayName, index);
    const [macHigh, macLow] = [Math.floor(mac / 2 ** 32), mac % 2 ** 32];
    this.devices.push({ namespace, kind, flags: DEVICE_UP, macHigh, macLow, mtu, peer: NONE, master, link: NONE });
    return index;
  }

  /** Makes two devices the ends of one cable. A link shapes what the device sends. */
  pair(a: number, b: number, link: LinkRecord | undefined): void {
    this.devices[a] = { ...this.devices[a]!, peer: b, link: link ? this.links.push(link) - 1 : NONE };
    this.devices[b] = { ...this.devices[b]!, peer: a, link: link ? this.links.push(link) - 1 : NONE };
  }

  loopback(namespace: number, name: string, mtu: number): number {
    const device = this.device({ namespace, kind: DeviceKind.Loopback, displayName: `${name}:lo`, mtu });
    this.addresses.push({ device, ip: 0x7f000001, prefix: 8 });
    this.#route({ namespace, destination: 0x7f000000, prefix: 8, type: RouteType.Local, device, source: 0x7f000001 });
    this.#route({ namespace, destination: 0x7f000001, prefix: 32, type: RouteType.Local, device, source: 0x7f000001 });
    this.#route({ namespace, destination: 0x7fffffff, prefix: 32, type: RouteType.Broadcast, device, source: 0x7f000001 });
    return device;
  }

  /**
   * Adds an address and the routes that the kernel makes for it (Linux net/ipv4/fib_frontend.c: fib_add_ifaddr): the subnet, the
   * address itself, and the broadcast address where the subnet has one.
   */
  address(device: number, ip: number, prefix: number): void {
    const namespace = this.devices[device]!.namespace;
    const mask = ipv4Mask(prefix);
    this.addresses.push({ device, ip, prefix });
    this.#route({ namespace, destination: (ip & mask) >>> 0, prefix, type: RouteType.Unicast, device, source: ip });
    this.#route({ namespace, destination: ip, prefix: 32, type: RouteType.Local, device, source: ip });
    if (prefix >= 31) return;
    this.#route({ namespace, destination: (ip | ~mask) >>> 0, prefix: 32, type: RouteType.Broadcast, device, source: ip });
  }

  defaultRoute(device: number, gateway: number): void {
    const namespace = this.devices[device]!.namespace;
    this.#route({ namespace, destination: 0, prefix: 0, type: RouteType.Unicast, device, gateway });
  }

  #route(route: Omit<RouteRecord, "gateway" | "source" | "metric"> & { readonly gateway?: number; readonly source?: number }): void {
    this.routes.push({ gateway: 0, source: 0, metric: 0, ...route });
  }
}
