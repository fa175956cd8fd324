import type { Ending } from "./reach-ending";
import { parseTarget } from "./traffic";
import { type CompiledTopology, type DockerState, publishersOf } from "./spec";

type ContainerState = DockerState["containers"][number];

/**
 * Why nobody listens at a port of a host, where a container was to publish it.
 *
 * @returns undefined for other machines
 */
export function explainRefusal({ place, to }: Ending, { state }: CompiledTopology): string | undefined {
  const [machine = ""] = place.split(":");
  const { port, protocol } = parseTarget(to);
  if (port === undefined || protocol === "icmp" || !state.hosts.some(({ name }) => name === machine)) return undefined;
  const reasons = publishersOf(state, machine, port, protocol).map((container) => `${container.name} ${whyNotHere(container, port)}`);
  return reasons.length > 0 ? reasons.join(", ") : "nobody listens on the port, and no container publishes it";
}

function whyNotHere({ running, ports, gateway }: ContainerState, port: number): string {
  if (!running) return "publishes it, but does not run";
  const addresses = ports.flatMap(({ active, hostPort, hostIp }) => (active && hostPort === port ? [hostIp] : []));
  if (addresses.length > 0) return `publishes it on ${addresses.join(" and ")} alone`;
  return gateway === undefined ? "publishes it, but has no gateway now, so that no network maps its ports" : `publishes it, but its way out is network ${gateway.network} now, where no ports are mapped`;
}
