import { cidrContains, cidrsOverlap, parseCidr, type Cidr } from "../net/cidr";
import { formatIp, isIp, type IpAddress, parseIp } from "../net/ip";
import { blockAt, firstOf, valueOf } from "./block";
import { refuse } from "./refusal";
import type { PortProtocol, PortRangeSpec } from "./spec";
import type { HostRouteSpec, HostWorld, ListenerSpec, UplinkSpec } from "./world";

/** A device that Docker or a user made on the host. */
export interface HostDevice {
  readonly kind: "bridge" | "dummy" | "vlan" | "other";
  readonly mac?: string;
  /** The addresses that it gives the host. */
  readonly addresses: readonly Cidr[];
  readonly vlan?: { readonly id: number; readonly link: string };
}

/** The machine under a daemon: its devices, routes and listening processes. Changed by the daemon and by the host's own users. */
export class Host {
  #world: HostWorld;
  readonly #devices = new Map<string, HostDevice>();

  constructor(world: HostWorld) {
    this.#world = world;
  }

  get world(): HostWorld {
    return this.#world;
  }

  addDevice(name: string, device: HostDevice): void {
    this.#devices.set(name, device);
  }

  removeDevice(name: string): void {
    this.#devices.delete(name);
  }

  device(name: string): HostDevice | undefined {
    return this.#devices.get(name);
  }

  hasDevice(name: string): boolean {
    return name === "lo" || this.#devices.has(name) || this.uplink(name) !== undefined;
  }

  uplink(name: string): UplinkSpec | undefined {
    return this.#world.uplinks.find((uplink) => uplink.name === name);
  }

  /** The MAC of a device, where it has one of its own. */
  macOf(name: string): string | undefined {
    const device = this.#devices.get(name);
    if (device?.vlan && device.mac === undefined) return this.macOf(device.vlan.link);
    return this.uplink(name)?.mac ?? device?.mac;
  }

  /** Whether a socket of the host can be bound to the address. */
  isLocal(address: IpAddress): boolean {
    if (valueOf(address) === 0n) return true;
    if (address.family === 4 ? address.value >>> 24 === 127 : address.value === 1n) return true;
    return this.#addresses().some((own) => own.family === address.family && BigInt(own.address) === valueOf(address));
  }

  /**
   * Whether a subnet of the default pools is of use to the host itself: it holds one of its name servers, or overlaps one of its
   * routes of scope link (moby daemon/libnetwork/netutils/utils_linux.go). Routes via a gateway do not count.
   */
  isReserved(subnet: Cidr): boolean {
    const servers = this.#world.resolvConf.nameservers.filter(isIp).map((server) => parseIp(server, "nameserver"));
    if (servers.some((server) => cidrContains(subnet, server))) return true;
    if (subnet.family === 6) return false;
    return this.#linkRoutes().some((route) => cidrsOverlap(route, subnet));
  }

  /** Why a process of the host cannot listen there, in the kernel's words. */
  bindError(protocol: PortProtocol, address: IpAddress, port: number, held: readonly Listening[]): string | undefined {
    if (!this.isLocal(address)) return "cannot assign requested address";
    // Without IPV6_V6ONLY, which Docker's own sockets have, a socket on :: takes IPv4 as well.
    const processes = this.#world.listeners.map((listener) => (listener.address === "::" ? { ...listener, address: "*" } : listener));
    const others = [...held, ...processes];
    return others.some((other) => other.protocol === protocol && other.port === port && clashes(other.address, address)) ? "address already in use" : undefined;
  }

  listen(listener: ListenerSpec): void {
    this.#world = { ...this.#world, listeners: [...this.#world.listeners, listener] };
  }

  unlisten(gone: Listening): void {
    const index = this.#world.listeners.findIndex(({ protocol, address, port }) => protocol === gone.protocol && address === gone.address && port === gone.port);
    if (index >= 0) this.#world = { ...this.#world, listeners: this.#world.listeners.filter((_, at) => at !== index) };
  }

  addRoute(route: HostRouteSpec): void {
    this.#world = { ...this.#world, routes: [...this.#world.routes, route] };
  }

  removeRoute(destination: string, via: string | undefined): void {
    const routes = this.#world.routes;
    const index = routes.findIndex((route) => route.destination === destination && (via === undefined || route.via === via));
    if (index < 0) refuse(500, "ip route", "RTNETLINK answers: No such process");
    this.#world = { ...this.#world, routes: routes.filter((_, at) => at !== index) };
  }

  addAddress(name: string, address: string): void {
    const device = this.#devices.get(name);
    if (device) this.#devices.set(name, { ...device, addresses: [...device.addresses, parseCidr(address, "address")] });
    else this.#changeUplink(name, (uplink) => ({ ...uplink, addresses: [...uplink.addresses, address] }));
  }

  removeAddress(name: string, address: string): void {
    const device = this.#devices.get(name);
    const gone = parseCidr(address, "address");
    if (device) this.#devices.set(name, { ...device, addresses: device.addresses.filter((own) => BigInt(own.address) !== BigInt(gone.address)) });
    else this.#changeUplink(name, (uplink) => ({ ...uplink, addresses: uplink.addresses.filter((own) => own !== address) }));
  }

  /** `sysctl net.ipv4.ip_forward`. */
  setForwarding(on: boolean): void {
    this.#world = { ...this.#world, ipForward: on };
  }

  /** `sysctl net.ipv4.ip_local_port_range`. */
  setLocalPorts(range: PortRangeSpec): void {
    this.#world = { ...this.#world, localPorts: range };
  }

  #changeUplink(name: string, change: (uplink: UplinkSpec) => UplinkSpec): void {
    if (!this.uplink(name)) refuse(500, "ip", `Cannot find device "${name}"`);
    this.#world = { ...this.#world, uplinks: this.#world.uplinks.map((uplink) => (uplink.name === name ? change(uplink) : uplink)) };
  }

  #addresses(): Cidr[] {
    const uplinks = this.#world.uplinks.flatMap(({ addresses }) => addresses.map((address) => parseCidr(address, "address")));
    return [...uplinks, ...[...this.#devices.values()].flatMap(({ addresses }) => addresses)];
  }

  /** The routes that interfaces bring along, and device routes with that scope. */
  #linkRoutes(): Cidr[] {
    const connected = this.#addresses().filter(({ family }) => family === 4);
    const added = this.#world.routes.filter(({ type, scope, via }) => type === "unicast" && scope === "link" && via === undefined);
    return [...connected, ...added.filter(({ destination }) => destination.includes("/")).map(({ destination }) => parseCidr(destination, "route"))]
      .filter(({ family }) => family === 4)
      .map((route) => blockAt(4, firstOf(route), route.prefixLength));
  }
}

/** Something that listens. */
export interface Listening {
  readonly protocol: PortProtocol;
  readonly address: string;
  readonly port: number;
}

/** Whether a bind fails because of the other's socket. */
function clashes(other: string, wanted: IpAddress): boolean {
  if (other === "*") return true;
  const held = parseIp(other, "listen");
  if (held.family !== wanted.family) return false;
  return valueOf(held) === 0n || valueOf(wanted) === 0n || formatIp(held) === formatIp(wanted);
}
