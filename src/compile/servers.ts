import { SERVICE_ID_LABEL } from "../model/labels";
import type { TargetSpec } from "../model/spec";
import { type DockerState, publishersOf, servicesOf } from "../model/state";
import type { Destination } from "./destination";
import type { CompiledNetwork } from "./topology";

/** A port of a namespace. */
export interface Listener {
  readonly namespace: number;
  readonly port: number;
}

/** Where containers are. */
interface Places {
  readonly state: DockerState;
  readonly network: Pick<CompiledNetwork, "places" | "owners">;
}

/** The containers that published a port of the host that a namespace is of; each may have done so on another address. */
export function publishedListeners({ state, network: { places } }: Places, to: TargetSpec, namespace: number): Listener[] {
  return state.containers.flatMap(({ host, name, ports }) => {
    const inside = places.get(`${host}/${name}`);
    if (inside === undefined || places.get(host) !== namespace) return [];
    const published = ports.filter(({ active, hostPort, protocol }) => active && hostPort === to.port && protocol === to.protocol);
    return published.map(({ containerPort }) => ({ namespace: inside, port: containerPort }));
  });
}

/** Whether a container publishes the port of the host that a namespace is of, or would if it ran: then nothing else of the host listens there. */
export function isPublishersPort({ state, network: { places } }: Places, { port, protocol }: TargetSpec, namespace: number): boolean {
  const host = state.hosts.find(({ name }) => places.get(name) === namespace);
  return host !== undefined && port !== undefined && protocol !== "icmp" && publishersOf(state, host.name, port, protocol).length > 0;
}

/** The tasks behind the virtual address of a service, or behind a port that the routing mesh has on every node. */
export function balancedListeners({ state, network: { places, owners } }: Places, to: TargetSpec, destination: Destination): Listener[] {
  const owner = owners.get(destination);
  const isNode = state.hosts.some(({ name, swarm }) => swarm?.role !== undefined && places.get(name) === owner);
  return servicesOf(state).flatMap(({ id, ports, virtualIps }) => {
    const isVirtual = virtualIps.some(({ ip }) => ip === destination);
    const published = isNode ? ports.find(({ mode, published: port, protocol }) => mode === "ingress" && port === to.port && protocol === to.protocol) : undefined;
    const port = isVirtual ? to.port : published?.target;
    if (port === undefined) return [];
    const tasks = state.containers.filter(({ running, spec }) => running && spec.labels?.[SERVICE_ID_LABEL] === id);
    return tasks.flatMap(({ host, name }) => places.get(`${host}/${name}`) ?? []).map((namespace) => ({ namespace, port }));
  });
}
