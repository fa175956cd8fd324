import { formatIp } from "../../net/ip";
import { addressOf } from "../block";
import type { Attachment } from "../container";
import { SERVICE_ID_LABEL, SERVICE_NAME_LABEL, TASK_NAME_LABEL } from "../labels";
import type { ContainerSpec } from "../spec";
import type { ClusterNetwork, ClusterNode, ClusterTask } from "./objects";
import { PLATFORM } from "./constraints";
import { type ServiceSpec, stopGraceOf } from "./service-spec";

const PREDEFINED = ["bridge", "host", "none"] as const;

/** The container that a task is (moby daemon/cluster/executor/container). */
export function taskContainer(task: ClusterTask, host: string, node: ClusterNode): ContainerSpec {
  const { id, spec, service } = task;
  if (!spec || !service) throw new TypeError("expected the task of a service");
  const mode = PREDEFINED.find((name) => spec.networks.some(({ network }) => network === name));
  const { hostname, env } = spec.container;
  const fill = (text: string) => filled(text, task, node);
  return {
    ...spec.container,
    ...(spec.process?.entrypoint && { command: commandOf(spec) }),
    ...(hostname !== undefined && { hostname: fill(hostname) }),
    ...(env && { env: env.map(fill) }),
    name: task.nameOn(node),
    host,
    service: spec.name,
    labels: {
      ...spec.container.labels,
      "com.docker.swarm.node.id": node.id,
      [SERVICE_ID_LABEL]: service.id,
      [SERVICE_NAME_LABEL]: spec.name,
      "com.docker.swarm.task": "",
      "com.docker.swarm.task.id": id,
      [TASK_NAME_LABEL]: task.nameOn(node),
    },
    ...(mode && { networkMode: mode }),
    networks: [],
    publish: service.ports
      .filter((port) => port.mode === "host")
      .map(({ target, published, protocol }) => ({ containerPort: target, protocol, ...(published !== 0 && { hostPort: { from: published, to: published } }) })),
    expose: spec.container.expose ?? [],
    links: [],
    extraHosts: spec.container.extraHosts ?? [],
  };
}

/**
 * `{{.Node.Hostname}}` in the host name and the environment (swarmkit template/context.go).
 *
 * Differs from Docker: of Go's templates only names of values are known.
 */
function filled(text: string, { id, spec, service, slot }: ClusterTask, node: ClusterNode): string {
  const place = slot === 0 ? node.id : String(slot);
  const values: Readonly<Record<string, string>> = {
    "Service.ID": service?.id ?? "", "Service.Name": spec?.name ?? "", "Node.ID": node.id, "Node.Hostname": node.hostname, "Node.Platform.Architecture": PLATFORM.arch,
    "Node.Platform.OS": PLATFORM.os, "Task.ID": id, "Task.Name": `${spec?.name}.${place}.${id}`, "Task.Slot": place,
  };
  const labels = (name: string) => (name.startsWith("Service.Labels.") ? spec?.labels[name.slice("Service.Labels.".length)] : undefined);
  return text.replace(/\{\{\s*\.([\w.]+)\s*\}\}/g, (whole, name: string) => values[name] ?? labels(name) ?? whole);
}

/** The networks that it joins: overlays with the addresses that the managers gave it, and the node's own that the service asks for. */
export function taskAttachments({ addresses, spec }: ClusterTask, order: readonly ClusterNetwork[]): [string, Attachment][] {
  const own = PREDEFINED.filter((name) => spec?.networks.some(({ network }) => network === name)).map((network): [string, Attachment] => [
    network,
    { spec: { network, aliases: [], gwPriority: 0 }, networkId: "", aliases: undefined, viaConnect: false, isManaged: true },
  ]);
  const overlays = order.map((network) => {
    // The aliases of a service are names that lead to all its tasks.
    const endpoint = { network: network.spec.name, ipv4: formatIp(addressOf(4, addresses.get(network)!)), aliases: [], gwPriority: 0 };
    return [network.spec.name, { spec: endpoint, networkId: network.id, aliases: undefined, viaConnect: false, isManaged: true }] as [string, Attachment];
  });
  return [...own, ...overlays];
}

/**
 * How long the process of a task takes to end once it is told to: servers end at once, as far as their images say or nobody knows better. A
 * command of somebody's own is the first process of its container, which ignores the signal, and is killed after the grace period.
 */
export function stopTimeOf(spec: ServiceSpec): number {
  const { image } = spec.container;
  const command = commandOf(spec);
  const obeys = command.length === 0 && (image?.exitOnTerm !== undefined || (image?.command ?? []).length === 0);
  return obeys ? 0 : stopGraceOf(spec);
}

/** With the entrypoint that replaces the image's. */
function commandOf({ container, process }: ServiceSpec): readonly string[] {
  return [...(process?.entrypoint ?? []), ...(container.command ?? [])];
}
