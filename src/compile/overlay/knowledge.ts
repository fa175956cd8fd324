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

/** Of a network: what all hosts have there. */
interface Remotes {
  readonly byHost: ReadonlyMap<string, readonly Remote[]>;
  /** MACs that several endpoints have, or seem to have. */
  readonly shared: ReadonlySet<number>;
  /** Endpoints that are gone, which nobody has heard yet. */
  readonly past: ReadonlySet<Remote>;
}

const remotes = new NetworkMemo<Remotes>();

/** What a host has been told of a network: the endpoints of containers and load balancers on the other hosts. */
export function remotesKnownTo(view: DockerState, host: string, { id }: SwarmNetworkState): Remote[] {
  const { byHost, shared, past } = remotes.of(view, id, (state) => remotesOn(state, id));
  const others = [...byHost].flatMap(([name, own]) => (name === host ? [] : own));
  if (shared.size === 0) return others;
  // Of two peers with one address the first stays until it is known to be gone (libnetwork drivers/overlay/peerdb.go: peerAddOp).
  const chosen = new Map<number, Remote>();
  for (const remote of [...others.filter((each) => past.has(each)), ...others]) if (!chosen.has(remote.mac)) chosen.set(remote.mac, remote);
  return others.filter((remote) => chosen.get(remote.mac) === remote);
}

function remotesOn(state: DockerState, networkId: string): Remotes {
  const ghosts = differenceOf(state)?.past;
  const ends = new Map(state.hosts.map(({ name, swarm }) => [name, swarm?.dataPathAddress ?? ""]));
  const byHost = new Map<string, Remote[]>();
  const [seen, shared, past] = [new Set<number>(), new Set<number>(), new Set<Remote>()];
  for (const { host, endpoint } of endpointsOf(state).get(networkId) ?? []) {
    const end = ends.get(host) ?? "";
    if (end === "") continue;
    const remote = remoteOf(endpoint, host, end);
    const own = byHost.get(host) ?? [];
    byHost.set(host, own);
    own.push(remote);
    if (seen.has(remote.mac)) shared.add(remote.mac);
    seen.add(remote.mac);
    if (ghosts?.has(endpoint)) past.add(remote);
  }
  return { byHost, shared, past };
}

const made = new WeakMap<EndpointState, Remote & { readonly end: string }>();

/** Always the same of the same endpoint. */
function remoteOf(endpoint: EndpointState, host: string, end: string): Remote {
  const known = made.get(endpoint);
  if (known?.host === host && known.end === end) return known;
  const remote = { ip: endpoint.ip, mac: endpoint.mac, host, end, tunnelEnd: parseIpv4(end, `${host}: data path address`) };
  made.set(endpoint, remote);
  return remote;
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
