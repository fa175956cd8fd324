/** What `ip addr` and `ip route` show on hosts, as far as Docker decides it, in the form of a recording. */
import { type DockerState, hasParent, type HostState } from "../../../src/model/state";
import { formatCidr, ipv4Cidr, ipv6Cidr, parseCidr } from "../../../src/net/cidr";
import { formatIpv4, formatIpv6 } from "../../../src/net/ip";
import { formatMac } from "../../../src/net/mac";
import { linkLocalOf } from "../names";
import { broadcastOf, connected, type InterfaceView, type NetworkView, type Route, sortRoutes } from "../../../src/programs/container-network";
import type { HostDevice, Kernel } from "./kernel";

/** The world of the recordings is made of veth pairs: so is an uplink. */
const UPLINK_KIND = "veth";
/** Linux include/uapi/linux/ipv6.h: below it a device has no IPv6. */
const IPV6_MIN_MTU = 1280;

export function hostView(state: DockerState, host: HostState, kernel: Kernel): NetworkView {
  const { generation } = state;
  const devices = kernel.devicesOf(host.name);
  const ifaces = devices.map((device) => ({ ...hostInterface(host, device, kernel.hasCarrier(host.name, device), generation), ...takenMac(state, host.name, device.name) }));
  const routes = [...hostRoutes(host), ...devices.flatMap((device) => connectedRoutes(host, device, kernel.hasCarrier(host.name, device)))];
  const routes6 = devices.flatMap((device) => connectedRoutes6(host, device, kernel.hasCarrier(host.name, device))).sort((a, b) => (a.network < b.network ? -1 : a.network > b.network ? 1 : 0));
  return { ifaces, routes: sortRoutes(routes), ...(routes6.length > 0 && { routes6: routes6.map(({ text }) => text) }) };
}

/** A device in mode passthru gives its MAC to the one below it (Linux macvlan_set_mac_address). */
function takenMac({ networks, containers }: DockerState, host: string, device: string): { readonly mac?: string } {
  const network = networks.find((candidate) => candidate.host === host && hasParent(candidate) && candidate.mode === "passthru" && candidate.parent.device === device);
  const endpoint = containers.filter((container) => container.host === host && container.running).flatMap(({ endpoints }) => endpoints).find(({ networkId }) => networkId === network?.id);
  return endpoint === undefined ? {} : { mac: formatMac(endpoint.mac) };
}

function hostInterface(host: HostState, device: HostDevice, hasCarrier: boolean, generation: DockerState["generation"]): InterfaceView {
  const { name, mtu, mac, kind, master } = device;
  const addresses = addressesOf(host, device);
  // The daemon disables IPv6 on the bridge of an isolated network (drivers/bridge/setup_ipv6_linux.go).
  const has6 = host.world.ipv6 && mtu >= IPV6_MIN_MTU && !(device.network?.enableIpv6 === true && device.network.bridge.gatewayMode6 === "isolated");
  const own = has6 && device.hadCarrier ? [`${linkLocalOf(mac)}/64`] : [];
  // Docker 20.10 gives the bridge of a network with IPv6 this address beside the kernel's own.
  const fixed = generation === "20.10" && device.network?.enableIpv6 === true && device.network.gateway6 !== undefined ? ["fe80::1/64"] : [];
  const broadcast = addresses.map(({ ip, prefix }) => broadcastOf(ip, prefix)).find((address) => address !== undefined);
  return {
    name, mtu, state: hasCarrier ? "UP" : "DOWN", mac, kind: kind === "uplink" ? UPLINK_KIND : kind, up: true,
    addrs: [...addresses.map(({ ip, prefix }) => `${formatIpv4(ip)}/${prefix}`), ...globalAddresses6(host, device), ...own, ...fixed],
    ...(master !== undefined && { master }),
    ...(broadcast !== undefined && { broadcast }),
  };
}

function addressesOf(host: HostState, { kind, name, network }: HostDevice): { readonly ip: number; readonly prefix: number }[] {
  if (kind === "bridge" && network !== undefined) {
    const { taken } = network.bridge;
    if (taken) return [{ ip: Number(taken.address), prefix: taken.prefixLength }];
    return network.bridge.inhibitIpv4 || !network.enableIpv4 || network.gateway === 0 ? [] : [{ ip: network.gateway, prefix: network.subnet.prefixLength }];
  }
  const uplink = host.world.uplinks.find((candidate) => candidate.name === name);
  return (uplink?.addresses ?? []).filter((text) => !text.includes(":")).map((text) => {
    const [address = "", prefix = "32"] = text.split("/");
    const cidr = parseCidr(`${address}/32`, "address");
    return { ip: Number(cidr.network), prefix: Number(prefix) };
  });
}

function globalAddresses6(host: HostState, { kind, name, network }: HostDevice): string[] {
  if (kind === "bridge") return network?.gateway6 === undefined || network.subnet6 === undefined ? [] : [`${formatIpv6(network.gateway6)}/${network.subnet6.prefixLength}`];
  return (host.world.uplinks.find((candidate) => candidate.name === name)?.addresses ?? []).filter((text) => text.includes(":"));
}

function hostRoutes({ world }: HostState): Route[] {
  return world.routes.flatMap(({ destination, type, via, device, scope, source, metric }) => {
    if (destination.includes(":")) return [];
    const cidr = destination === "default" ? ipv4Cidr(0, 0) : parseCidr(destination.includes("/") ? destination : `${destination}/32`, "route");
    const target = destination === "default" ? "default" : cidr.prefixLength === 32 ? formatIpv4(Number(cidr.network)) : formatCidr(cidr);
    const where = device ?? world.uplinks.find(({ addresses }) => addresses.some((address) => via !== undefined && holds(address, via)))?.name;
    const parts = [
      ...(type === "unicast" ? [] : [type]), target,
      ...(via === undefined ? [] : ["via", via]),
      ...(where === undefined || type !== "unicast" ? [] : ["dev", where]),
      ...(via === undefined && type === "unicast" ? ["scope", scope] : []),
      ...(source === undefined ? [] : ["src", source]),
      ...(metric === undefined ? [] : ["metric", String(metric)]),
    ];
    return [{ network: Number(cidr.network), prefix: cidr.prefixLength, text: parts.join(" ") }];
  });
}

function holds(address: string, via: string): boolean {
  if (address.includes(":") || via.includes(":")) return false;
  const block = parseCidr(address, "address");
  return formatCidr(parseCidr(`${via}/${block.prefixLength}`, "via")) === formatCidr(block);
}

function connectedRoutes(host: HostState, device: HostDevice, hasCarrier: boolean): Route[] {
  const routes = addressesOf(host, device).map(({ ip, prefix }) => connected(ip, prefix, device.name, hasCarrier ? "" : " linkdown"));
  // Linux net/ipv4/fib_frontend.c: fib_add_ifaddr. No route comes of a network of one address or a secondary address, and a group is no source for one.
  return routes.filter(({ network, prefix }, at) => prefix < 32 && network >>> 28 !== 0xe && routes.findIndex((other) => other.network === network && other.prefix === prefix) === at);
}

function connectedRoutes6(host: HostState, device: HostDevice, hasCarrier: boolean): { readonly network: bigint; readonly text: string }[] {
  const { kind, name, network, wasFound } = device;
  if (kind === "uplink") {
    const blocks = globalAddresses6(host, device).map((text) => parseCidr(text, "address"));
    return blocks.map((block) => ({ network: BigInt(block.network), text: `${formatCidr({ ...block, address: block.network } as typeof block)} dev ${name} proto kernel metric 256` }));
  }
  if (network?.subnet6 === undefined || network.gateway6 === undefined) return [];
  const block = formatCidr(ipv6Cidr(network.subnet6.network, network.subnet6.prefixLength));
  const state = hasCarrier ? "" : " linkdown";
  const texts = [`${block} dev ${name} proto kernel metric 256${state}`, ...(wasFound === true ? [`${block} dev ${name} metric 1024${state}`] : [])];
  return texts.map((text) => ({ network: network.subnet6!.network, text }));
}

