/** What `ip addr` and `ip route` show inside a container, as far as Docker decides it. */
import { isBridge, isOfSwarm, hasParent, type ContainerState, type DockerState, type EndpointState } from "../model/state";
import { formatCidr, ipv4Mask, ipv6Cidr } from "../net/cidr";
import { formatIpv4, formatIpv6, ipvlanLinkLocal, linkLocalAddress } from "../net/ip";
import { formatMac } from "../net/mac";

export interface InterfaceView {
  readonly name: string;
  readonly mtu: number;
  readonly state: string;
  readonly mac: string;
  readonly kind: string;
  readonly up: boolean;
  readonly addrs: readonly string[];
  readonly mode?: string;
  readonly master?: string;
  readonly broadcast?: string;
}

export interface NetworkView {
  readonly ifaces: readonly InterfaceView[];
  readonly routes: readonly string[];
  readonly routes6?: readonly string[];
}

/** Docker and `ip addr add … brd +` set it; a host's second address without `brd` would have none. */
export function broadcastOf(ip: number, prefix: number): string | undefined {
  return prefix >= 31 ? undefined : formatIpv4((ip | ~ipv4Mask(prefix)) >>> 0);
}

/** A line of a table, and what it is sorted by. */
export interface Route {
  readonly network: number;
  readonly prefix: number;
  readonly text: string;
}

/** The route that an address brings with it. */
export function connected(ip: number, prefix: number, device: string, suffix = ""): Route {
  const network = (ip & ipv4Mask(prefix)) >>> 0;
  return { network, prefix, text: `${formatIpv4(network)}/${prefix} dev ${device} proto kernel scope link src ${formatIpv4(ip)}${suffix}` };
}

/** To the other subnets of an overlay network, by way of the gateway in its own (libnetwork drivers/overlay/joinleave.go: Join). */
export function routesToSubnets(state: DockerState, { networkId, ip, interfaceName }: EndpointState): Route[] {
  const network = state.networks.find(({ id }) => id === networkId);
  if (network === undefined || !isOfSwarm(network)) return [];
  const own = network.subnets.find(({ network: start, prefixLength }) => ((ip & ipv4Mask(prefixLength)) >>> 0) === start);
  const others = network.subnets.filter((subnet) => subnet !== own);
  return others.map(({ network: start, prefixLength: prefix }) => ({ network: start, prefix, text: `${formatIpv4(start)}/${prefix} via ${formatIpv4(own?.gateway ?? 0)} dev ${interfaceName}` }));
}

/** As the kernel dumps its table. */
export function sortRoutes(routes: readonly Route[]): string[] {
  return [...routes].sort((a, b) => a.network - b.network || a.prefix - b.prefix).map(({ text }) => text);
}

/** libnetwork endpoint.go: linkLocalMask. */
const LINK_LOCAL_PREFIX = 16;

/** A container's interfaces and routes. */
export function containerView(state: DockerState, container: ContainerState): NetworkView {
  const { endpoints, gateway, gateway6 } = container;
  const ifaces = [...endpoints].sort(byName).map((endpoint) => containerInterface(state, container, endpoint));
  const device = (network: string) => endpoints.find((endpoint) => endpoint.network === network)?.interfaceName ?? "";
  const routes: Route[] = endpoints.filter(({ ip }) => ip !== 0).map(({ ip, prefixLength, interfaceName }) => connected(ip, prefixLength, interfaceName));
  routes.push(...endpoints.flatMap(({ linkLocal = [], interfaceName }) => linkLocal.map((ip) => connected(ip, LINK_LOCAL_PREFIX, interfaceName))));
  routes.push(...endpoints.flatMap((endpoint) => routesToSubnets(state, endpoint)));
  if (gateway !== undefined) routes.push({ network: 0, prefix: 0, text: `default ${gateway.ip === 0 ? "" : `via ${formatIpv4(gateway.ip)} `}dev ${device(gateway.network)}${gateway.ip === 0 ? " scope link" : ""}` });
  const subnets6 = endpoints.flatMap(({ ipv6, prefixLength6, interfaceName }) => (ipv6 === undefined ? [] : [{ subnet: ipv6Cidr(ipv6, prefixLength6), interfaceName }]));
  const routes6 = subnets6
    .sort((a, b) => (a.subnet.network < b.subnet.network ? -1 : a.subnet.network > b.subnet.network ? 1 : 0))
    .map(({ subnet, interfaceName }) => `${formatCidr(subnet)} dev ${interfaceName} proto kernel metric 256`);
  if (gateway6 !== undefined) routes6.push(`default ${gateway6.ip === 0n ? "" : `via ${formatIpv6(gateway6.ip)} `}dev ${device(gateway6.network)} metric 1024`);
  return { ifaces, routes: sortRoutes(routes), ...(routes6.length > 0 && { routes6 }) };
}

function containerInterface(state: DockerState, { host }: ContainerState, endpoint: EndpointState): InterfaceView {
  const { interfaceName, mtu, mac, ip, prefixLength, linkLocal = [], ipv6, prefixLength6, networkId } = endpoint;
  const network = state.networks.find(({ id }) => id === networkId);
  const text = formatMac(mac);
  const broadcast = ip === 0 ? undefined : broadcastOf(ip, prefixLength);
  return {
    name: interfaceName, mtu, state: "UP", mac: text, kind: network === undefined || isBridge(network) || isOfSwarm(network) ? "veth" : network.driver, up: true,
    addrs: [...(ip === 0 ? [] : [`${formatIpv4(ip)}/${prefixLength}`]), ...linkLocal.map((address) => `${formatIpv4(address)}/${LINK_LOCAL_PREFIX}`), ...(ipv6 === undefined ? [] : [`${formatIpv6(ipv6)}/${prefixLength6}`, `${formatIpv6(linkLocalOf(state, host, endpoint))}/64`])],
    ...(network !== undefined && "mode" in network && { mode: network.mode }),
    ...(broadcast !== undefined && { broadcast }),
  };
}

/** The kernel's own address; ipvlan devices, which share a MAC, have their number on the parent in it (Linux addrconf_ifid_eui48: dev_id). */
function linkLocalOf({ networks, containers }: DockerState, host: string, { mac, networkId, id }: EndpointState): bigint {
  const parents = new Map(networks.flatMap((network) => (hasParent(network) && network.driver === "ipvlan" ? [[network.id, network.parent.device] as const] : [])));
  const parent = parents.get(networkId);
  if (parent === undefined) return linkLocalAddress(mac);
  const sharing = containers.filter((other) => other.host === host && other.running).flatMap(({ endpoints }) => endpoints.filter((other) => parents.get(other.networkId) === parent));
  return ipvlanLinkLocal(mac, 1 + sharing.findIndex((other) => other.id === id));
}

function byName(a: EndpointState, b: EndpointState): number {
  return a.interfaceName.length - b.interfaceName.length || (a.interfaceName < b.interfaceName ? -1 : 1);
}
