import { type DockerState, type EndpointState, type HostState, isOfSwarm, type SwarmNetworkState } from "../../model/state";
import { parseIpv4 } from "../../net/ip";

/** An endpoint of an overlay network on another host, and the address at which that host's tunnels end. */
export interface Remote {
  readonly ip: number;
  readonly mac: number;
  readonly host: string;
  readonly tunnelEnd: number;
}

/** Endpoints by network, and below that by host. */
type Endpoints = ReadonlyMap<string, ReadonlyMap<string, readonly EndpointState[]>>;

const known = new WeakMap<DockerState, Endpoints>();

/** The overlay networks that a host has set up, in the order of their creation. */
export function overlaysOf({ networks }: DockerState, host: string): SwarmNetworkState[] {
  return networks.filter(isOfSwarm).filter((network) => network.host === host && network.isLocal);
}

/** What a host has been told of a network: the endpoints of containers and load balancers on the other hosts. */
export function remotesKnownTo(state: DockerState, host: string, { id }: SwarmNetworkState): Remote[] {
  const others = [...(endpointsOf(state).get(id) ?? [])].filter(([name]) => name !== host);
  return others.flatMap(([name, endpoints]) => {
    const end = state.hosts.find((other) => other.name === name)?.swarm?.dataPathAddress ?? "";
    if (end === "") return [];
    const tunnelEnd = parseIpv4(end, `${name}: data path address`);
    return endpoints.map(({ ip, mac }) => ({ ip, mac, host: name, tunnelEnd }));
  });
}

/** Looked up once for a state: every host asks for every network. */
function endpointsOf(state: DockerState): Endpoints {
  const found = known.get(state);
  if (found) return found;
  const byNetwork = new Map<string, Map<string, EndpointState[]>>();
  const add = (host: string, endpoint: EndpointState) => {
    if (endpoint.cable === undefined) return;
    const byHost = byNetwork.get(endpoint.networkId) ?? new Map<string, EndpointState[]>();
    byNetwork.set(endpoint.networkId, byHost);
    byHost.set(host, [...(byHost.get(host) ?? []), endpoint]);
  };
  for (const { running, host, endpoints } of state.containers) if (running) for (const endpoint of endpoints) add(host, endpoint);
  for (const host of state.hosts) for (const { endpoints } of openSandboxes(host)) for (const endpoint of endpoints) add(host.name, endpoint);
  known.set(state, byNetwork);
  return byNetwork;
}

/** The load balancers of a host. */
export function openSandboxes({ swarm }: HostState) {
  return (swarm?.sandboxes ?? []).filter(({ isOpen }) => isOpen);
}
