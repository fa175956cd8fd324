/** What a process sees around it: on a machine, or inside a container. */
import { type ContainerState, type DockerState, hasParent, type HostState, isBridge, isOfSwarm } from "../../../src/model/state";
import { withAdded, type AddedRoutes } from "./added-routes";
import { containerView, type NetworkView } from "../../../src/programs/container-network";
import { hostView } from "./interfaces";
import type { Kernel } from "./kernel";
import { STANDARD_HOSTS } from "../../../src/programs";
import type { ProcessView } from "../../../src/programs/process";
import { placeOf } from "./processes";
import type { Traffic } from "../../../src/programs/traffic";

export interface Surroundings {
  readonly state: DockerState;
  readonly kernel: Kernel;
  readonly traffic: Traffic;
  readonly added: AddedRoutes;
}

/** A host, or a machine without an engine: of the latter nothing but the name is known. */
export function machineView(machine: string, around: Surroundings): ProcessView {
  const host = around.state.hosts.find(({ name }) => name === machine);
  const { resolvConf } = host?.world ?? { resolvConf: { nameservers: [], search: [], options: [] } };
  return {
    place: machine,
    hostname: host?.world.hostname ?? machine,
    hosts: [...STANDARD_HOSTS.slice(0, 1), "192.0.2.50\tlan.example.test"],
    resolvConf: resolvConf.nameservers.map((server) => `nameserver ${server}`),
    environment: [],
    network: host === undefined ? { ifaces: [], routes: [] } : hostView(around.state, host, around.kernel),
    interfaceIndex: (name) => around.kernel.devicesOf(machine).find((device) => device.name === name)?.index ?? 0,
    peerMark: () => "@if",
    sysctl: (name) => (name === "net/ipv4/ip_forward" && host !== undefined ? String(Number(host.world.ipForward || host.flags.ipForward)) : undefined),
    addRoute: (words) => around.added.add(machine, words, PLAIN_NETWORKS[machine] ?? { ifaces: [], routes: [] }),
    traffic: around.traffic,
  };
}

/** The networks on which machines without an engine are. */
const PLAIN_NETWORKS: Readonly<Record<string, NetworkView>> = Object.fromEntries(
  [["gw", ["192.0.2.1/24", "198.51.100.1/24"]], ["lan", ["192.0.2.50/24"]], ["inet", ["198.51.100.10/24"]]].map(([name, addresses]) => [
    name as string,
    { routes: [], ifaces: (addresses as string[]).map((address, index) => ({ name: index === 1 ? "wan" : "eth0", mtu: 1500, state: "UP", mac: "", kind: "veth", up: true, addrs: [address] })) },
  ]),
);

export function containerProcess(container: ContainerState, around: Surroundings): ProcessView {
  const { state, kernel, added } = around;
  const place = placeOf(state, container);
  const host = state.hosts.find(({ name }) => name === place);
  const owner = state.containers.find((other) => `${other.host}/${other.name}` === place) ?? container;
  const { hostsFile = [], resolvConf = [], environment = [] } = container;
  const network = host === undefined ? withAdded(containerView(state, owner), added.at(place)) : hostView(state, host, kernel);
  return {
    place,
    hostname: host === undefined ? owner.hostname : (container.spec.hostname ?? host.world.hostname),
    hosts: hostsFile,
    resolvConf,
    environment,
    network,
    interfaceIndex: (name) => indexOf(state, host, owner, name, kernel),
    peerMark: (name) => `@if${peerOf(state, host, owner, name, kernel)}`,
    sysctl: (name) => sysctl(state, owner, network, name),
    addRoute: (words) => added.add(place, words, network),
    traffic: around.traffic,
  };
}

function indexOf({ generation }: DockerState, host: HostState | undefined, owner: ContainerState, name: string, kernel: Kernel): number {
  if (host !== undefined) return kernel.devicesOf(host.name).find((device) => device.name === name)?.index ?? 0;
  const endpoint = owner.endpoints.find(({ interfaceName }) => interfaceName === name);
  if (endpoint === undefined) return 0;
  // Docker 28 and later make the container's end in the sandbox, where it gets the next number after lo; before, it is moved there from the host.
  return generation === "29" ? endpoint.index + 1 : kernel.interfaceIndex(owner, endpoint);
}

/** The other end of a cable is the next device, that below a macvlan or ipvlan its parent; in other namespaces numbers are not followed. */
function peerOf(state: DockerState, host: HostState | undefined, owner: ContainerState, name: string, kernel: Kernel): number | "" {
  const endpoint = host === undefined ? owner.endpoints.find(({ interfaceName }) => interfaceName === name) : undefined;
  const network = state.networks.find(({ id }) => id === endpoint?.networkId);
  if (endpoint === undefined || network === undefined) return "";
  if (hasParent(network)) return kernel.devicesOf(owner.host).find((device) => device.name === network.parent.device)?.index ?? "";
  // Docker 29 makes only the other end on the host.
  if (isBridge(network) && state.generation === "29") return kernel.interfaceIndex(owner, endpoint);
  return isBridge(network) || isOfSwarm(network) ? kernel.interfaceIndex(owner, endpoint) + 1 : "";
}

function sysctl({ generation }: DockerState, { spec, networkDisabled }: ContainerState, network: NetworkView, name: string): string | undefined {
  // libnetwork 20.10 switches IPv6 on in a sandbox only with an interface that has it; without a network runc makes the namespace.
  if (name === "net/ipv6/conf/lo/disable_ipv6") return generation === "29" || networkDisabled || network.ifaces.some(({ addrs }) => addrs.some((address) => address.includes(":"))) ? "0" : "1";
  const given = spec.sysctls?.[name.replaceAll("/", ".")];
  return given ?? (name === "net/ipv4/ip_forward" ? "0" : undefined);
}
