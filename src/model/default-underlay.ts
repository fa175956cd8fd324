import { SimulationError } from "../errors";
import { ipv4Cidr, parseCidr } from "../net/cidr";
import { formatIpv4 } from "../net/ip";
import { formatMac } from "../net/mac";
import type { HostSpec, LinkSpec } from "./spec";
import type { UnderlaySpec } from "./underlay";
import { emptyWorld, type HostWorld, type UplinkSpec } from "./world";

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
}

export const DEFAULT_FABRIC: FabricSettings = { mtu: DEFAULT_MTU, portSecurity: false };

/** What a description may say of a host's cable. */
export interface UplinkSettings {
  /** `"192.0.2.11/24"`. */
  readonly address?: string;
  /** Further ones of the same interface. */
  readonly moreAddresses?: readonly string[];
  readonly gateway?: string;
  readonly mac?: string;
  readonly mtu?: number;
  readonly link?: LinkSpec;
  readonly badOffload?: boolean;
}

/** The world of the host with the given number, from 0: `eth0` with an address, and a default route. */
export function hostWorld(name: string, index: number, { address, moreAddresses = [], gateway, mac, mtu, link, badOffload }: UplinkSettings, fabric: FabricSettings): HostWorld {
  const text = address ?? `${formatIpv4(HOST_NETWORK + FIRST_HOST + index)}/${HOST_PREFIX}`;
  const cidr = ipv4Of(text, `host ${name}: address`);
  for (const more of moreAddresses) ipv4Of(more, `host ${name}: moreAddresses`);
  const via = gateway ?? formatIpv4(cidr.network + 1);
  const cable = { ...(link && { link }), ...(badOffload === true && { badOffload }), ...(fabric.pathMtu !== undefined && { pathMtu: fabric.pathMtu }) };
  return {
    ...emptyWorld(name),
    uplinks: [{ name: "eth0", mac: mac ?? macOf(cidr.address), mtu: mtu ?? fabric.mtu, addresses: [text, ...moreAddresses], ...cable }],
    routes: [{ destination: "default", type: "unicast", via, scope: "global" }],
  };
}

/** A subnet of hosts: those on one switch. */
interface HostNetwork {
  readonly segment: string;
  readonly network: number;
  readonly prefixLength: number;
  /** The router's address there. */
  readonly gateway: number;
}

/** A switch for each subnet of the hosts, with the router, and a neighbour on the first one; behind the router the internet, without NAT. */
export function defaultUnderlay(hosts: readonly HostSpec[], fabric: FabricSettings): { readonly underlay: UnderlaySpec; readonly hosts: readonly HostSpec[] } {
  const { link, routerLink, mtu, portSecurity, pathMtu } = fabric;
  const { networks, segmentOf } = hostNetworks(hosts);
  const cable = (segment: string, ip: number, prefix: number, name = "eth0", own?: LinkSpec): UplinkSpec & { readonly segment: string } => ({
    segment,
    name,
    mac: macOf(ip),
    mtu,
    addresses: [`${formatIpv4(ip)}/${prefix}`],
    ...(own && { link: own }),
    ...(pathMtu !== undefined && { pathMtu }),
  });
  const via = (ip: number) => [{ destination: "default", type: "unicast" as const, via: formatIpv4(ip), scope: "global" as const }];
  const [first, ...others] = networks as [HostNetwork, ...HostNetwork[]];
  const toHosts = ({ segment, gateway, prefixLength }: HostNetwork, name: string) => cable(segment, gateway, prefixLength, name, routerLink);
  const underlay: UnderlaySpec = {
    hostSegment: first.segment,
    segments: [
      { name: first.segment, portSecurity, ...(link && { link }) },
      { name: "backbone", portSecurity: false, ...(link && { link }) },
      ...others.map(({ segment }) => ({ name: segment, portSecurity, ...(link && { link }) })),
    ],
    machines: [
      {
        name: "gw",
        forwards: true,
        uplinks: [toHosts(first, "eth0"), cable("backbone", INTERNET_NETWORK + 1, HOST_PREFIX, "eth1"), ...others.map((network, index) => toHosts(network, `eth${index + 2}`))],
        routes: [],
      },
      { name: "lan", forwards: false, uplinks: [cable(first.segment, first.network + LAN_HOST, first.prefixLength)], routes: via(first.gateway) },
      {
        name: "internet",
        forwards: false,
        uplinks: [cable("backbone", INTERNET_NETWORK + INTERNET_HOST, HOST_PREFIX)],
        routes: via(INTERNET_NETWORK + 1),
      },
    ],
  };
  return { underlay, hosts: hosts.map((host) => plugIn(host, segmentOf)) };
}

/** The subnets of the hosts' first addresses, and the switches of their uplinks. */
function hostNetworks(hosts: readonly HostSpec[]) {
  const networks: HostNetwork[] = [];
  const segmentOf = (text: string | undefined, via: string | undefined): string => {
    const { network, prefixLength, address } = text === undefined ? ipv4Cidr(HOST_NETWORK, HOST_PREFIX) : ipv4Of(text, "host: address");
    const known = networks.find((other) => other.network === network && other.prefixLength === prefixLength);
    if (known) return known.segment;
    const router = via === undefined ? undefined : ipv4Of(`${via}/${prefixLength}`, "host: gateway");
    const gateway = router?.network === network && router.address !== address ? router.address : network + 1;
    const segment = networks.length === 0 ? "underlay" : `underlay${networks.length + 1}`;
    networks.push({ segment, network, prefixLength, gateway });
    return segment;
  };
  for (const { world } of hosts) if (world?.uplinks[0]) segmentOf(world.uplinks[0].addresses[0], world.routes.find(({ destination }) => destination === "default")?.via);
  if (networks.length === 0) segmentOf(undefined, undefined);
  return { networks, segmentOf };
}

/** Names the switch of uplinks that are on another one than the first. */
function plugIn(host: HostSpec, segmentOf: (text: string | undefined, via: string | undefined) => string): HostSpec {
  const { world } = host;
  const [uplink, ...others] = world?.uplinks ?? [];
  if (!world || !uplink || uplink.segment !== undefined) return host;
  const segment = segmentOf(uplink.addresses[0], undefined);
  return segment === "underlay" ? host : { ...host, world: { ...world, uplinks: [{ ...uplink, segment }, ...others] } };
}

function ipv4Of(text: string, field: string) {
  const cidr = parseCidr(text, field);
  if (cidr.family !== 4) throw new SimulationError("UNSUPPORTED", `${field.replace(/: .*/, "")}: expected an IPv4 address, found ${text}`);
  return cidr;
}

/** 02:00 and the four bytes of the address. */
function macOf(ip: number): string {
  return formatMac(0x0200 * 2 ** 32 + ip);
}
