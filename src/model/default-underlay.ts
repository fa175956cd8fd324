import { SimulationError } from "../errors";
import { ipv4Cidr, type Ipv6Cidr, ipv6Cidr, parseCidr } from "../net/cidr";
import { formatIpv4, formatIpv6, parseIpv6 } from "../net/ip";
import { formatMac } from "../net/mac";
import type { HostSpec, LinkSpec } from "./spec";
import type { NamesSpec, UnderlaySpec } from "./underlay";
import { emptyWorld, type HostRouteSpec, type HostWorld, type ListenerSpec, type ResolvConfSpec, type UplinkSpec } from "./world";

/** Machines that are there as soon as hosts have cables: a router, a neighbour on their switch, and a server on the internet. */
export const MACHINES = ["gw", "lan", "internet"] as const;

export type MachineName = (typeof MACHINES)[number];

/** RFC 5737: networks of documentation, which nobody's containers are in by chance. */
const HOST_NETWORK = 0xc0000200;
const HOST_PREFIX = 24;
const INTERNET_NETWORK = 0xc6336400;
const INTERNET_HOST = 10;
const FIRST_HOST = 11;
const LAN_HOST = 50;
/** RFC 3849: the IPv6 networks of documentation. The switches of hosts have 2001:db8:1::/64, 2001:db8:2::/64 and so on. */
const HOST_NETWORKS6 = 0x2001_0db8n << 96n;
const INTERNET_NETWORK6 = HOST_NETWORKS6 | (0xffffn << 80n);
const PREFIX6 = 64;
const DEFAULT_MTU = 1500;

/** What a description may say of the fabric. */
export interface FabricSettings {
  /** What every cable does. */
  readonly link?: LinkSpec;
  /** What those of the router do, field by field before that. */
  readonly routerLink?: LinkSpec;
  readonly mtu: number;
  /** The largest IP packet that switches pass on. */
  readonly pathMtu?: number;
  readonly portSecurity: boolean;
  /** Everything has IPv6 addresses too, whose ends read like the last numbers of the IPv4 ones. */
  readonly ipv6?: boolean;
  readonly names?: NamesSpec;
}

export const DEFAULT_FABRIC: FabricSettings = { mtu: DEFAULT_MTU, portSecurity: false };

/** What a description may say of a host's cable. */
export interface UplinkSettings {
  /** `"192.0.2.11/24"`. */
  readonly address?: string;
  /** Further ones of the same interface. */
  readonly moreAddresses?: readonly string[];
  readonly gateway?: string;
  /** `"2001:db8:1::11/64"`. */
  readonly address6?: string;
  readonly gateway6?: string;
  readonly mac?: string;
  readonly mtu?: number;
  readonly link?: LinkSpec;
  readonly badOffload?: boolean;
}

/** What a description may say of a host beside its cable. */
export interface HostSurroundings {
  readonly resolvConf?: Partial<ResolvConfSpec>;
  /** Beside the default route. */
  readonly routes?: readonly HostRouteSpec[];
  readonly listeners?: readonly ListenerSpec[];
}

/** The world of the host with the given number, from 0: `eth0` with an address, and a default route. */
export function hostWorld(name: string, index: number, settings: UplinkSettings & HostSurroundings, fabric: FabricSettings): HostWorld {
  const { address, moreAddresses = [], gateway, address6, gateway6, mac, mtu, link, badOffload, resolvConf, routes = [], listeners = [] } = settings;
  const text = address ?? `${formatIpv4(HOST_NETWORK + FIRST_HOST + index)}/${HOST_PREFIX}`;
  const cidr = ipv4Of(text, `host ${name}: address`);
  for (const more of moreAddresses) ipv4Of(more, `host ${name}: moreAddresses`);
  const via = gateway ?? formatIpv4(cidr.network + 1);
  const end6 = address6 === undefined ? [] : [ipv6Of(address6, `host ${name}: address6`)];
  const cable = { ...(link && { link }), ...(badOffload === true && { badOffload }), ...(fabric.pathMtu !== undefined && { pathMtu: fabric.pathMtu }) };
  const empty = emptyWorld(name);
  return {
    ...empty,
    uplinks: [{ name: "eth0", mac: mac ?? macOf(cidr.address), mtu: mtu ?? fabric.mtu, addresses: [text, ...moreAddresses, ...(address6 === undefined ? [] : [address6])], ...cable }],
    routes: [defaultRoute(via), ...end6.map(({ network }) => defaultRoute6(gateway6 ?? formatIpv6(network + 1n))), ...routes],
    resolvConf: { ...empty.resolvConf, ...resolvConf },
    listeners,
  };
}

function defaultRoute(via: string): HostRouteSpec {
  return { destination: "default", type: "unicast", via, scope: "global" };
}

function defaultRoute6(via: string): HostRouteSpec {
  return { ...defaultRoute(via), device: "eth0" };
}

/** A subnet of hosts: those on one switch. */
interface HostNetwork {
  readonly segment: string;
  readonly network: number;
  readonly prefixLength: number;
  /** The router's address there. */
  readonly gateway: number;
  /** Its IPv6 subnet, and the router's address in that. */
  ipv6?: { readonly subnet: Ipv6Cidr; readonly gateway: bigint };
}

/** A switch for each subnet of the hosts, with the router, and a neighbour on the first one; behind the router the internet, without NAT. */
export function defaultUnderlay(hosts: readonly HostSpec[], fabric: FabricSettings): { readonly underlay: UnderlaySpec; readonly hosts: readonly HostSpec[] } {
  const { link, routerLink, mtu, portSecurity, pathMtu, names } = fabric;
  const { networks, networkOf } = hostNetworks(hosts, fabric);
  const cable = (segment: string, name: string, addresses: readonly string[], own?: LinkSpec): UplinkSpec & { readonly segment: string } => ({
    segment,
    name,
    mac: macOf(ipv4Of(addresses[0]!, name).address),
    mtu,
    addresses,
    ...(own && { link: own }),
    ...(pathMtu !== undefined && { pathMtu }),
  });
  const [first, ...others] = networks as [HostNetwork, ...HostNetwork[]];
  const hasIpv6 = networks.some(({ ipv6 }) => ipv6 !== undefined);
  const backbone = (host: number) => [`${formatIpv4(INTERNET_NETWORK + host)}/${HOST_PREFIX}`, ...(hasIpv6 ? [`${formatIpv6(INTERNET_NETWORK6 | endOf(host))}/${PREFIX6}`] : [])];
  const toHosts = (network: HostNetwork, name: string) => cable(network.segment, name, addressesIn(network, network.gateway, network.ipv6?.gateway), routerLink);
  const lan = first.ipv6 && first.ipv6.subnet.network | endOf(LAN_HOST);
  const underlay: UnderlaySpec = {
    hostSegment: first.segment,
    ...(names && { names }),
    segments: [
      { name: first.segment, portSecurity, ...(link && { link }) },
      { name: "backbone", portSecurity: false, ...(link && { link }) },
      ...others.map(({ segment }) => ({ name: segment, portSecurity, ...(link && { link }) })),
    ],
    machines: [
      {
        name: "gw",
        forwards: true,
        uplinks: [toHosts(first, "eth0"), cable("backbone", "eth1", backbone(1)), ...others.map((network, index) => toHosts(network, `eth${index + 2}`))],
        routes: [],
      },
      {
        name: "lan",
        forwards: false,
        uplinks: [cable(first.segment, "eth0", addressesIn(first, first.network + LAN_HOST, lan))],
        routes: [defaultRoute(formatIpv4(first.gateway)), ...(first.ipv6 ? [defaultRoute6(formatIpv6(first.ipv6.gateway))] : [])],
      },
      {
        name: "internet",
        forwards: false,
        uplinks: [cable("backbone", "eth0", backbone(INTERNET_HOST))],
        routes: [defaultRoute(formatIpv4(INTERNET_NETWORK + 1)), ...(hasIpv6 ? [defaultRoute6(formatIpv6(INTERNET_NETWORK6 | 1n))] : [])],
      },
    ],
  };
  return { underlay, hosts: hosts.map((host) => plugIn(host, networkOf, fabric)) };
}

function addressesIn({ prefixLength, ipv6 }: HostNetwork, ip: number, ip6: bigint | undefined): string[] {
  return [`${formatIpv4(ip)}/${prefixLength}`, ...(ipv6 && ip6 !== undefined ? [`${formatIpv6(ip6)}/${ipv6.subnet.prefixLength}`] : [])];
}

/** The subnets of the hosts' first addresses, and those of their uplinks. */
function hostNetworks(hosts: readonly HostSpec[], { ipv6 }: FabricSettings) {
  const networks: HostNetwork[] = [];
  const networkOf = (text: string | undefined, via?: string): HostNetwork => {
    const { network, prefixLength, address } = text === undefined ? ipv4Cidr(HOST_NETWORK, HOST_PREFIX) : ipv4Of(text, "host: address");
    const known = networks.find((other) => other.network === network && other.prefixLength === prefixLength);
    if (known) return known;
    const router = via === undefined ? undefined : ipv4Of(`${via}/${prefixLength}`, "host: gateway");
    const gateway = router?.network === network && router.address !== address ? router.address : network + 1;
    const segment = networks.length === 0 ? "underlay" : `underlay${networks.length + 1}`;
    networks.push({ segment, network, prefixLength, gateway });
    return networks.at(-1)!;
  };
  for (const { name, world } of hosts) {
    const [uplink] = world?.uplinks ?? [];
    if (world === undefined || uplink === undefined) continue;
    const [via, via6] = [false, true].map((isIpv6) => world.routes.find(({ destination, via: to }) => destination === "default" && to?.includes(":") === isIpv6)?.via);
    const network = networkOf(uplink.addresses[0], via);
    const address6 = uplink.addresses.find(isIpv6Text);
    if (address6 === undefined) continue;
    const subnet = ipv6Of(address6, `host ${name}: address6`);
    network.ipv6 ??= { subnet, gateway: via6 === undefined ? subnet.network + 1n : parseIpv6(via6, `host ${name}: gateway6`) };
  }
  if (networks.length === 0) networkOf(undefined);
  if (ipv6 === true) {
    for (const [index, network] of networks.entries()) {
      const subnet = ipv6Cidr(HOST_NETWORKS6 | (BigInt(index + 1) << 80n), PREFIX6);
      network.ipv6 ??= { subnet, gateway: subnet.network + 1n };
    }
  }
  return { networks, networkOf };
}

/** Names the switch of uplinks that are on another one than the first, and gives an IPv6 address where all have one. */
function plugIn(host: HostSpec, networkOf: (text: string | undefined) => HostNetwork, fabric: FabricSettings): HostSpec {
  const { world } = host;
  const [uplink, ...others] = world?.uplinks ?? [];
  if (!world || !uplink || uplink.segment !== undefined) return host;
  const { segment, network, ipv6 } = networkOf(uplink.addresses[0]);
  const isGiven = fabric.ipv6 !== true || ipv6 === undefined || uplink.addresses.some(isIpv6Text);
  if (isGiven && segment === "underlay") return host;
  const address = uplink.addresses[0] === undefined ? HOST_NETWORK + FIRST_HOST : ipv4Of(uplink.addresses[0], "host: address").address;
  const more = isGiven ? [] : [`${formatIpv6(ipv6.subnet.network | endOf(address - network))}/${ipv6.subnet.prefixLength}`];
  const routes = isGiven ? world.routes : [...world.routes, { ...defaultRoute6(formatIpv6(ipv6.gateway)), device: uplink.name }];
  const plugged: UplinkSpec = { ...uplink, addresses: [...uplink.addresses, ...more], ...(segment !== "underlay" && { segment }) };
  return { ...host, world: { ...world, routes, uplinks: [plugged, ...others] } };
}

const isIpv6Text = (text: string): boolean => text.includes(":");

/** The end of an IPv6 address that reads like the number of a host: 50 is `::50`. */
function endOf(host: number): bigint {
  return BigInt(`0x${host}`);
}

function ipv4Of(text: string, field: string) {
  const cidr = parseCidr(text, field);
  if (cidr.family !== 4) throw new SimulationError("INVALID_INPUT", `${field}: expected an IPv4 address, found ${text}`);
  return cidr;
}

function ipv6Of(text: string, field: string) {
  const cidr = parseCidr(text, field);
  if (cidr.family !== 6) throw new SimulationError("INVALID_INPUT", `${field}: expected an IPv6 address, found ${text}`);
  return cidr;
}

/** 02:00 and the four bytes of the address. */
function macOf(ip: number): string {
  return formatMac(0x0200 * 2 ** 32 + ip);
}
