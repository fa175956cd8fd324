import { SERVICE_ID_LABEL } from "../labels";
import type { ContainerState, DockerState, EndpointState } from "../state";
import type { SwarmNetworkState } from "./state";

/** A name of a service, and where it leads. */
export interface ServiceName {
  readonly name: string;
  readonly addresses: readonly number[];
}

/**
 * The endpoints of a network of a swarm that have names on it, on whatever host: by host, in the order in which they started.
 */
export function membersOfSwarm(state: DockerState, { id }: SwarmNetworkState): EndpointState[] {
  const started = [...state.containers].sort((a, b) => (a.host === b.host ? a.startOrder - b.startOrder : 0));
  return started.flatMap(({ endpoints }) => endpoints.filter(({ networkId }) => networkId === id));
}

/** `web`: its virtual address, or all its tasks'; `tasks.web`: all its tasks; aliases likewise (libnetwork service_common.go: addEndpointNameResolution). */
export function serviceNames(state: DockerState, network: SwarmNetworkState): ServiceName[] {
  const services = state.hosts.find(({ name }) => name === network.host)?.swarm?.services ?? [];
  return services.flatMap(({ id, name, aliases, virtualIps }) => {
    const tasks = state.containers.filter((container) => container.running && container.spec.labels?.[SERVICE_ID_LABEL] === id).flatMap((task) => addressOn(task, network));
    if (tasks.length === 0) return [];
    const virtual = virtualIps.find(({ networkId }) => networkId === network.id);
    const names = [name, ...(aliases.find(({ networkId }) => networkId === network.id)?.names ?? [])];
    return names.flatMap((each) => [{ name: each, addresses: virtual ? [virtual.ip] : tasks }, { name: `tasks.${each}`, addresses: tasks }]);
  });
}

function addressOn({ endpoints }: ContainerState, { id }: SwarmNetworkState): number[] {
  return endpoints.filter(({ networkId }) => networkId === id).map(({ ip }) => ip);
}
