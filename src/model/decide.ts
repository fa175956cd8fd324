import { SimulationError } from "../errors";
import { Daemon } from "./daemon";
import { rulesOf } from "./generations";
import { unsupported } from "./refusal";
import type { ContainerSpec, TopologySpec } from "./spec";
import type { DockerState } from "./state";

/**
 * What Docker makes of a description: networks are created and containers started, in their order.
 *
 * @throws SimulationError in the daemon's words for the first thing it refuses.
 * @example decide(docker("shop").container("web").spec).containers[0]?.endpoints[0]?.ip // 0xac110002
 */
export function decide(spec: TopologySpec): DockerState {
  const host = spec.hosts[0];
  if (!host) throw new SimulationError("INVALID_INPUT", "hosts: expected at least one host, found none");
  if (spec.hosts.length > 1) unsupported(`host ${spec.hosts[1]?.name}`, "more than one host", spec.hosts[1]?.position);
  const daemon = new Daemon({ host, rules: rulesOf(spec.generation), seed: spec.seed });
  for (const network of spec.networks) daemon.createNetwork(network);
  for (const container of spec.containers) {
    const details = container.position && { position: container.position };
    if (container.host !== host.name) {
      throw new SimulationError("NOT_FOUND", `container ${container.name}: no host is called ${JSON.stringify(container.host)}`, details);
    }
    // Traffic and devices name hosts and containers alike.
    if (container.name === host.name) throw new SimulationError("CONFLICT", `container ${container.name}: the host has the same name`, details);
    run(daemon, container);
  }
  return daemon.state();
}

/** As Compose does it: created on its first network, connected to the others, started. */
function run(daemon: Daemon, container: ContainerSpec): void {
  const [first, ...others] = container.networks;
  daemon.createContainer({ ...container, networks: first ? [first] : [] });
  for (const endpoint of others) daemon.connect(container.name, endpoint);
  daemon.startContainer(container.name);
}
