import { SERVICE_ID_LABEL } from "../labels";
import type { ContainerState, DockerState, EndpointState } from "../state";
import type { SwarmNetworkState } from "./state";

/** A name of a service, and where it leads. */
export interface ServiceName {
  readonly name: string;
  readonly addresses: readonly number[];
}

/** What is on the networks of swarms, and which containers are whose tasks. */
interface Census {
  /** By network: endpoints by host, in the order in which they started. */
  readonly members: ReadonlyMap<string, readonly EndpointState[]>;
  /** By service: its tasks that run. */
  readonly tasks: ReadonlyMap<string, readonly ContainerState[]>;
}

/** States are values: what was counted once holds. */
const counted = new WeakMap<DockerState, Census>();

function censusOf(state: DockerState): Census {
  const known = counted.get(state);
  if (known) return known;
  const members = new Map<string, EndpointState[]>();
  const tasks = new Map<string, ContainerState[]>();
  for (const container of [...state.containers].sort((a, b) => (a.host === b.host ? a.startOrder - b.startOrder : 0))) {
    if (container.isDisabled) continue;
    for (const endpoint of container.endpoints) append(members, endpoint.networkId, endpoint);
  }
  for (const container of state.containers) {
    const service = container.spec.labels?.[SERVICE_ID_LABEL];
    if (service !== undefined && container.running) append(tasks, service, container);
  }
  counted.set(state, { members, tasks });
  return { members, tasks };
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** The endpoints of a network of a swarm that have names on it, on whatever host: by host, in the order in which they started. */
export function membersOfSwarm(state: DockerState, { id }: SwarmNetworkState): readonly EndpointState[] {
  return censusOf(state).members.get(id) ?? [];
}

/** `web`: its virtual address, or all its tasks'; `tasks.web`: all its tasks; aliases likewise (libnetwork service_common.go: addEndpointNameResolution). */
export function serviceNames(state: DockerState, network: SwarmNetworkState): ServiceName[] {
  const services = state.hosts.find(({ name }) => name === network.host)?.swarm?.services ?? [];
  const { tasks } = censusOf(state);
  return services.flatMap(({ id, name, aliases, virtualIps }) => {
    const all = (tasks.get(id) ?? []).filter((task) => addressOn(task, network).length > 0);
    const addresses = all.filter(({ isDisabled }) => isDisabled !== true).flatMap((task) => addressOn(task, network));
    const virtual = virtualIps.find(({ networkId }) => networkId === network.id);
    const names = [name, ...(aliases.find(({ networkId }) => networkId === network.id)?.names ?? [])];
    // The virtual address stays as long as a task is there that goes.
    const own = virtual && all.length > 0 ? [virtual.ip] : addresses;
    return names.flatMap((each) => [{ name: each, addresses: own }, { name: `tasks.${each}`, addresses }]).filter((each) => each.addresses.length > 0);
  });
}

function addressOn({ endpoints }: ContainerState, { id }: SwarmNetworkState): number[] {
  return endpoints.filter(({ networkId }) => networkId === id).map(({ ip }) => ip);
}
