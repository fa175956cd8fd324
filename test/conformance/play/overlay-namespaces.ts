/** The network namespaces that a daemon has for the overlay networks of its swarm, in the form of a recording. */
import { remotesKnownTo } from "../../../src/compile/overlay/knowledge";
import { sandboxFirewall, saveLines } from "../../../src/model/firewall";
import { isOfSwarm, type DockerState, type EndpointState, type HostState, type OverlaySubnetState, type ServiceSandboxState, type SwarmNetworkState } from "../../../src/model/state";
import { ipv4Mask } from "../../../src/net/cidr";
import { formatIpv4 } from "../../../src/net/ip";
import { formatMac } from "../../../src/net/mac";
import { routesToSubnets } from "../../../src/programs/container-network";
import type { Json } from "../recording";

const EMPTY = { ifaces: [], routes: [], neigh: [], fdb: [] };
/** libnetwork drivers/overlay/ov_network.go: `<epoch>-<id>`, cut to 12 characters. */
const NAME_LENGTH = 12;

export function overlayNamespaces(state: DockerState, host: HostState): Json {
  const namespaces: Record<string, Json> = {};
  for (const sandbox of host.swarm?.sandboxes ?? []) {
    const network = state.networks.find(({ id, host: owner }) => id === sandbox.networkId && owner === host.name);
    const name = `1-${sandbox.networkId}`.slice(0, NAME_LENGTH);
    namespaces[name] = sandbox.isOpen && network && isOfSwarm(network) ? networkNamespace(state, host, network) : EMPTY;
    // A later network may have the same one.
    if (sandbox.isOpen || namespaces[sandbox.namespace] === undefined) namespaces[sandbox.namespace] = sandboxNamespace(state, sandbox);
  }
  return namespaces;
}

/** `br0` with the gateway's address, the tunnel, and a cable for each endpoint; random MACs left out. */
function networkNamespace(state: DockerState, host: HostState, network: SwarmNetworkState): Json {
  const { mtu, port, subnets } = network;
  const endpoints = [...state.containers.filter((container) => container.host === host.name && container.running), ...(host.swarm?.sandboxes ?? [])]
    .flatMap(({ endpoints: own }) => own.filter(({ networkId }) => networkId === network.id))
    .sort((a, b) => (a.cable ?? 0) - (b.cable ?? 0));
  const bridges = subnets.map((subnet, index) => ({
    name: `br${index}`, mtu, state: "UP", kind: "bridge", up: true, addrs: [`${formatIpv4(subnet.gateway)}/${subnet.prefixLength}`], broadcast: broadcastOf(subnet.gateway, subnet.prefixLength),
  }));
  const tunnel = (index: number) => ({
    name: `vxlan${index}`, mtu, state: "UNKNOWN", kind: "vxlan", up: true, addrs: [], master: `br${index}`,
    vxlan: { id: subnets[index]!.vni, port, learning: true, proxy: true, l2miss: true, l3miss: true },
  });
  // The tunnel of a subnet is made when somebody joins it, here or elsewhere.
  const opened = new Set<number>();
  const cables = endpoints.flatMap(({ cable, ip }) => {
    const subnet = subnetOf(subnets, ip);
    const isNew = !opened.has(subnet);
    opened.add(subnet);
    return [...(isNew ? [tunnel(subnet)] : []), { name: `veth${cable}`, mtu, state: "UP", kind: "veth", up: true, addrs: [], master: `br${subnet}` }];
  });
  const remotes = remotesKnownTo(state, host.name, network).map(({ ip, mac, tunnelEnd }) => ({ ip, mac: formatMac(mac), tunnel: `vxlan${subnetOf(subnets, ip)}`, end: formatIpv4(tunnelEnd) }));
  const distant = [...new Set(remotes.map(({ ip }) => subnetOf(subnets, ip)))].filter((subnet) => !opened.has(subnet)).map(tunnel);
  const neigh = remotes.map(({ ip, mac, tunnel }) => `${formatIpv4(ip)} dev ${tunnel} lladdr ${mac} PERMANENT`);
  const fdb = remotes.map(({ mac, tunnel, end }) => `${mac} dev ${tunnel} dst ${end} permanent`);
  return { neigh, fdb, ifaces: [...bridges, ...cables, ...distant], routes: subnets.map((subnet, index) => routeOf(subnet.gateway, subnet.prefixLength, `br${index}`)) };
}

function subnetOf(subnets: readonly OverlaySubnetState[], ip: number): number {
  return Math.max(0, subnets.findIndex(({ network, prefixLength }) => ((ip & ipv4Mask(prefixLength)) >>> 0) === network));
}

function sandboxNamespace(state: DockerState, { endpoints, gateway, isOpen }: ServiceSandboxState): Json {
  if (!isOpen) return EMPTY;
  const ifaces = endpoints.map(interfaceOf);
  const routes = endpoints.flatMap((endpoint) => [routeOf(endpoint.ip, endpoint.prefixLength, endpoint.interfaceName), ...routesToSubnets(state, endpoint).map(({ text }) => text)]);
  const exit = endpoints.find((endpoint) => endpoint.vethName !== "")?.interfaceName ?? "";
  const chains = sandboxFirewall({ udp: 32768, tcp: 32769 }).v4.filter(({ name }) => name === "nat");
  return {
    ...EMPTY,
    ifaces: ifaces as Json,
    routes: [...(gateway === undefined ? [] : [`default via ${formatIpv4(gateway)} dev ${exit}`]), ...routes],
    iptables: Object.fromEntries(chains.map((table) => [table.name, saveLines(table)])),
  };
}

function interfaceOf({ interfaceName: name, mtu, mac, ip, prefixLength }: EndpointState) {
  return { name, mtu, state: "UP", mac: formatMac(mac), kind: "veth", up: true, addrs: [`${formatIpv4(ip)}/${prefixLength}`], broadcast: broadcastOf(ip, prefixLength) };
}

function broadcastOf(ip: number, prefixLength: number): string {
  return formatIpv4((ip | ~ipv4Mask(prefixLength)) >>> 0);
}

function routeOf(ip: number, prefixLength: number, device: string): string {
  return `${formatIpv4((ip & ipv4Mask(prefixLength)) >>> 0)}/${prefixLength} dev ${device} proto kernel scope link src ${formatIpv4(ip)}`;
}
