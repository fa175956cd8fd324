import { type DockerState, type EndpointState, type HostState, isOfSwarm, type SwarmNetworkState } from "../../model/state";
import { differenceOf, NetworkMemo } from "../../model/views";
import { parseIpv4 } from "../../net/ip";

/** An endpoint of an overlay network on another host, and the address at which that host's tunnels end. */
export interface Remote {
  readonly ip: number;
  readonly mac: number;
  readonly host: string;
  readonly tunnelEnd: number;
}

/** The overlay networks that a host has set up, in the order of their creation. */
export function overlaysOf({ networks }: DockerState, host: string): SwarmNetworkState[] {
  return networks.filter(isOfSwarm).filter((network) => network.host === host && network.isLocal);
}

/** Of a network: what all hosts have there, by host. */
type Remotes = ReadonlyMap<string, readonly Remote[]>;

const remotes = new NetworkMemo<Remotes>();

/** What a host has been told of a network: the endpoints of containers and load balancers on the other hosts. */
export function remotesKnownTo(view: DockerState, host: string, { id }: SwarmNetworkState): Remote[] {
  const known = remotes.of(view, id, (state) => remotesOn(state, id));
  return [...known].flatMap(([name, own]) => (name === host ? [] : own));
}

function remotesOn(state: DockerState, networkId: string): Remotes {
  const { past } = differenceOf(state) ?? {};
  const all = endpointsOf(state).get(networkId) ?? [];
  // Of two peers with one address the first stays until it is known to be gone (libnetwork drivers/overlay/peerdb.go: peerAddOp).
  const chosen = new Map<number, EndpointState>();
  for (const { endpoint } of [...all.filter((each) => past?.has(each.endpoint)), ...all]) if (!chosen.has(endpoint.mac)) chosen.set(endpoint.mac, endpoint);
  const ends = new Map(state.hosts.map(({ name, swarm }) => [name, swarm?.dataPathAddress ?? ""]));
  const byHost = new Map<string, Remote[]>();
  for (const { host, endpoint } of all) {
    const end = ends.get(host) ?? "";
    if (end === "" || chosen.get(endpoint.mac) !== endpoint) continue;
    const own = byHost.get(host) ?? [];
    byHost.set(host, own);
    own.push({ ip: endpoint.ip, mac: endpoint.mac, host, tunnelEnd: parseIpv4(end, `${host}: data path address`) });
  }
  return byHost;
}

interface Placed {
  readonly host: string;
  readonly endpoint: EndpointState;
}

const placed = new WeakMap<DockerState, ReadonlyMap<string, readonly Placed[]>>();

/** Endpoints by network. Looked up once for a state: every host asks for every network. */
function endpointsOf(state: DockerState): ReadonlyMap<string, readonly Placed[]> {
  const found = placed.get(state);
  if (found) return found;
  const byNetwork = new Map<string, Placed[]>();
  const add = (host: string, endpoint: EndpointState) => {
    if (endpoint.cable === undefined) return;
    const others = byNetwork.get(endpoint.networkId);
    if (others) others.push({ host, endpoint });
    else byNetwork.set(endpoint.networkId, [{ host, endpoint }]);
  };
  for (const { running, host, endpoints } of state.containers) if (running) for (const endpoint of endpoints) add(host, endpoint);
  for (const host of state.hosts) for (const { endpoints } of openSandboxes(host)) for (const endpoint of endpoints) add(host.name, endpoint);
  placed.set(state, byNetwork);
  return byNetwork;
}

/** The load balancers of a host. */
export function openSandboxes({ swarm }: HostState) {
  return (swarm?.sandboxes ?? []).filter(({ isOpen }) => isOpen);
}
