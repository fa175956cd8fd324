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
  readonly link?: LinkSpec;
  readonly mtu: number;
  readonly portSecurity: boolean;
}

export const DEFAULT_FABRIC: FabricSettings = { mtu: DEFAULT_MTU, portSecurity: false };

/** What a description may say of a host's cable. */
export interface UplinkSettings {
  /** `"192.0.2.11/24"`. */
  readonly address?: string;
  readonly gateway?: string;
  readonly mac?: string;
}

/** The world of the host with the given number, from 0: `eth0` with an address, and a default route. */
export function hostWorld(name: string, index: number, { address, gateway, mac }: UplinkSettings, mtu: number): HostWorld {
  const text = address ?? `${formatIpv4(HOST_NETWORK + FIRST_HOST + index)}/${HOST_PREFIX}`;
  const cidr = parseCidr(text, `host ${name}: address`);
  if (cidr.family !== 4) throw new SimulationError("UNSUPPORTED", `host ${name}: expected an IPv4 address, found ${text}`);
  const via = gateway ?? formatIpv4(cidr.network + 1);
  return {
    ...emptyWorld(name),
    uplinks: [{ name: "eth0", mac: mac ?? macOf(cidr.address), mtu, addresses: [text] }],
    routes: [{ destination: "default", type: "unicast", via, scope: "global" }],
  };
}

/** A switch with the hosts, the router and a neighbour, and behind the router the internet, without NAT. */
export function defaultUnderlay(hosts: readonly HostSpec[], { link, mtu, portSecurity }: FabricSettings): UnderlaySpec {
  const uplink = hosts.flatMap(({ world }) => world?.uplinks ?? [])[0];
  const cidr = uplink?.addresses[0] === undefined ? ipv4Cidr(HOST_NETWORK, HOST_PREFIX) : parseCidr(uplink.addresses[0], "host: address");
  if (cidr.family !== 4) throw new SimulationError("UNSUPPORTED", "host: expected an IPv4 address, found an IPv6 one");
  const { network, prefixLength } = cidr;
  const cable = (segment: string, ip: number, prefix: number, name = "eth0"): UplinkSpec & { readonly segment: string } => ({
    segment,
    name,
    mac: macOf(ip),
    mtu,
    addresses: [`${formatIpv4(ip)}/${prefix}`],
  });
  const via = (ip: number) => [{ destination: "default", type: "unicast" as const, via: formatIpv4(ip), scope: "global" as const }];
  return {
    hostSegment: "underlay",
    segments: [
      { name: "underlay", portSecurity, ...(link && { link }) },
      { name: "backbone", portSecurity: false, ...(link && { link }) },
    ],
    machines: [
      {
        name: "gw",
        forwards: true,
        uplinks: [cable("underlay", network + 1, prefixLength), cable("backbone", INTERNET_NETWORK + 1, HOST_PREFIX, "eth1")],
        routes: [],
      },
      { name: "lan", forwards: false, uplinks: [cable("underlay", network + LAN_HOST, prefixLength)], routes: via(network + 1) },
      {
        name: "internet",
        forwards: false,
        uplinks: [cable("backbone", INTERNET_NETWORK + INTERNET_HOST, HOST_PREFIX)],
        routes: via(INTERNET_NETWORK + 1),
      },
    ],
  };
}

/** 02:00 and the four bytes of the address. */
function macOf(ip: number): string {
  return formatMac(0x0200 * 2 ** 32 + ip);
}
