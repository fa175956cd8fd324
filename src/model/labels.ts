import type { ContainerState, DockerState } from "./state";

/** moby daemon/cluster/executor/container: labels of a task's container. */
export const SERVICE_ID_LABEL = "com.docker.swarm.service.id";
export const SERVICE_NAME_LABEL = "com.docker.swarm.service.name";
export const TASK_NAME_LABEL = "com.docker.swarm.task.name";

const known = new WeakMap<DockerState, ReadonlyMap<ContainerState, string>>();

/**
 * What a container is called among all hosts: its name, with its host in front where an earlier host has one of that name. A task of a
 * service is called as `docker service ps` calls it, `web.1`, or by the host where there is one on each: `web.m1`.
 */
export function containerLabel(state: DockerState, container: ContainerState): string {
  const labels = known.get(state) ?? labelsOf(state);
  known.set(state, labels);
  return labels.get(container) ?? `${container.host}/${container.name}`;
}

function labelsOf({ hosts, containers }: DockerState): ReadonlyMap<ContainerState, string> {
  const taken = new Set(hosts.map(({ name }) => name));
  const labels = new Map<ContainerState, string>();
  const inOrder = hosts.flatMap(({ name }) => containers.filter(({ host }) => host === name));
  // Those that run come first to a name.
  for (const container of [...inOrder.filter(({ running }) => running), ...inOrder.filter(({ running }) => !running)]) {
    const name = taskName(container) ?? container.name;
    const label = taken.has(name) ? `${container.host}/${container.name}` : name;
    taken.add(label);
    labels.set(container, label);
  }
  return labels;
}

/** Whether a container is a task of a service. */
export function isTask({ spec: { labels } }: ContainerState): boolean {
  return labels?.[TASK_NAME_LABEL] !== undefined;
}

/** `web.1` or `web.m1`; undefined for a container that is no task. */
function taskName({ spec: { labels = {} }, host }: ContainerState): string | undefined {
  const [full, service] = [labels[TASK_NAME_LABEL], labels[SERVICE_NAME_LABEL]];
  if (full === undefined || service === undefined) return undefined;
  const [place = ""] = full.slice(service.length + 1).split(".");
  return `${service}.${/^\d+$/.test(place) ? place : host}`;
}

/** `key` or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>> | undefined, wanted: string): boolean {
  const [name = "", ...value] = wanted.split("=");
  const found = labels?.[name];
  return found !== undefined && (value.length === 0 || found === value.join("="));
}
