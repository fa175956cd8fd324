import type { RealServerRecord, VirtualServiceRecord, XfrmTables } from "../engine/program";
import type { FirewallState } from "../model/firewall";
import type { DockerState, EndpointState, HostState } from "../model/state";
import type { EndpointPlace, Laying } from "./laying";
import type { Memo } from "./memo";

/** What compiles the overlay networks of swarms. A page that has none need not load it: it is handed in (`overlay/index.ts`). */
export interface OverlayLayer {
  /** The network namespaces that a host has for its overlay networks, and those of its load balancers. */
  addHost(laying: Laying, host: HostState): void;
  /** The device of an endpoint in a sandbox, whose cable leads into the network's namespace. */
  join(laying: Laying, endpoint: EndpointState, place: EndpointPlace): number;
  /** What hosts encrypt; undefined: nothing. */
  encryption(laying: Laying): XfrmTables | undefined;
  /** The state as a host knows it: what gossip tells of others may not have come yet. Absent: everybody knows everything at once. */
  readonly view?: (state: DockerState, host: string) => DockerState;
  /** The packet filters of namespaces that are no container's and no host's, and of containers that have more than their name server's rules. */
  firewalls(state: DockerState): readonly PlacedFirewall[];
  /** What IPVS does in the load balancers' namespaces. */
  balancing(state: DockerState, places: ReadonlyMap<string, number>, memo: Memo): Balancing;
}

export interface PlacedFirewall {
  readonly place: string;
  readonly firewall: FirewallState;
}

/** Records of load balancing, with their names. */
export interface Balancing {
  readonly virtualServices: readonly VirtualServiceRecord[];
  readonly realServers: readonly RealServerRecord[];
  readonly serviceNames: readonly string[];
  readonly serverNames: readonly string[];
}

/** A state as one of its hosts knows it. */
export function viewOf(state: DockerState, host: string, overlays: OverlayLayer | undefined): DockerState {
  return overlays?.view?.(state, host) ?? state;
}

/** Whether a state has networks that only an `OverlayLayer` can lay out. */
export function hasOverlays({ hosts }: DockerState): boolean {
  return hosts.some(({ swarm }) => swarm !== undefined);
}
