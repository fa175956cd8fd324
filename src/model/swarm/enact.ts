import { SimulationError, type SourcePosition } from "../../errors";
import { parseCidr } from "../../net/cidr";
import type { Daemon } from "../daemon";
import type { Daemons } from "../decide";
import type { SwarmSupport } from "./operations";
import { SwarmRegistry } from "./registry";
import type { SwarmNodeSpec, SwarmServiceSpec, SwarmSpec } from "./swarm-spec";

/** What `startDaemons` and labs are handed where there are swarms. */
export const swarmSupport: SwarmSupport = { meet, found };

/**
 * As its administrator would: the first node makes the swarm, the others join, then networks and services are created.
 *
 * @throws SimulationError in the words of Docker for the first thing that is refused.
 */
function found({ nodes, pools, maskLength, dataPathPort, ipsec, networks, services }: SwarmSpec, daemons: Daemons): void {
  meet(daemons);
  const [first, ...others] = nodes;
  if (first?.role !== "manager") throw new SimulationError("INVALID_INPUT", `swarm: expected a manager as the first node, found ${first ? `the worker ${first.host}` : "none"}`);
  const leader = daemonAt(daemons, first);
  leader.swarm.init({
    ...(pools && { pools: pools.map((pool) => parseCidr(pool, "swarm: pools")) }), ...(maskLength !== undefined && { maskLength }), ...(dataPathPort !== undefined && { dataPathPort }),
    ...(ipsec && { ipsec }),
  });
  for (const node of others) daemonAt(daemons, node).swarm.join(leader.swarm.token(node.role));
  leader.swarm.settle();
  for (const { host, availability, labels } of nodes) {
    const id = daemons.get(host)?.swarm.ownId ?? "";
    if (availability !== undefined || labels !== undefined) leader.swarm.updateNode(id, () => ({ ...(availability && { availability }), ...(labels && { labels }) }));
  }
  for (const network of networks) {
    if (network.ingress === true) for (const { name } of leader.networks().filter(({ ingress }) => ingress)) leader.removeNetwork(name);
    at(network.position, () => leader.createNetwork(network));
    leader.swarm.settle();
  }
  for (const service of services) at(service.position, () => leader.swarm.createService(withIds(service, leader)));
  leader.swarm.settle();
}

/** Says where what is refused was written. */
function at(position: SourcePosition | undefined, act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof SimulationError) || position === undefined || error.details.position !== undefined) throw error;
    throw new SimulationError(error.code, error.message, { ...error.details, position });
  }
}

/** Lets daemons find one another, unless they have before. */
export function meet(daemons: Daemons): void {
  const strangers = [...daemons.values()].filter(({ hasSwarms }) => !hasSwarms);
  if (strangers.length === 0) return;
  const world = new SwarmRegistry();
  for (const daemon of strangers) daemon.meet(world);
}

function daemonAt(daemons: Daemons, { host, position }: SwarmNodeSpec): Daemon {
  const daemon = daemons.get(host);
  if (daemon) return daemon;
  throw new SimulationError("NOT_FOUND", `swarm: no host is called ${JSON.stringify(host)}`, position && { position });
}

/** Managers know the networks of the swarm by their IDs; those of each node stay names. */
function withIds(service: SwarmServiceSpec, manager: Daemon): SwarmServiceSpec {
  const networks = service.networks.map((used) => {
    const found = manager.findNetwork(used.network);
    return { ...used, network: found.scope === "swarm" ? found.id : found.name };
  });
  return { ...service, networks };
}
