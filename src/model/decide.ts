import { SimulationError } from "../errors";
import type { readDaemonFile } from "./daemon-file";
import { Daemon } from "./daemon";
import type { FilesSupport } from "./files";
import type { RuleParser } from "./firewall";
import { rulesOf } from "./generations";
import { unsupported } from "./refusal";
import type { ContainerSpec, DockerGeneration, HostSpec, TopologySpec } from "./spec";
import type { DockerState } from "./state";
import type { SwarmSupport } from "./swarm/operations";

/** The daemons of a description by the names of their hosts. */
export type Daemons = ReadonlyMap<string, Daemon>;

/**
 * What Docker makes of a description: networks are created and containers started, in their order.
 *
 * @throws SimulationError in the daemon's words for the first thing it refuses.
 * @example decide(docker("shop").container("web").spec).containers[0]?.endpoints[0]?.ip // 0xac110002
 */
export function decide(spec: TopologySpec, support?: DaemonSupport): DockerState {
  return stateOf(startDaemons(spec, support));
}

/** What few descriptions take, and who has it. */
export interface DaemonSupport {
  /** For a swarm. */
  readonly swarms?: SwarmSupport;
  /** For rules of hosts' users. */
  readonly parseRules?: RuleParser;
  /** For a daemon.json. */
  readonly readDaemon?: typeof readDaemonFile;
  /** See `DaemonOptions`. */
  readonly files?: FilesSupport;
}

/** The same as daemons that can be asked for more. */
export function startDaemons(spec: TopologySpec, support: DaemonSupport = {}): Daemons {
  const { swarms } = support;
  if (spec.hosts.length === 0) throw new SimulationError("INVALID_INPUT", "hosts: expected at least one host, found none");
  const daemons = new Map(spec.hosts.map((host, index) => [host.name, daemonOf(spec, host, index, support)]));
  if (spec.swarm) (swarms ?? unsupported("swarm", "a description with a swarm that is compiled at once (start it instead)")).found(spec.swarm, daemons);
  for (const network of spec.networks) {
    for (const [host, daemon] of daemons) if (network.host === undefined || network.host === host) daemon.createNetwork(network);
  }
  for (const container of spec.containers) {
    const details = container.position && { position: container.position };
    const daemon = daemons.get(container.host);
    if (!daemon) throw new SimulationError("NOT_FOUND", `container ${container.name}: no host is called ${JSON.stringify(container.host)}`, details);
    // Traffic and devices name hosts and containers alike.
    if (daemons.has(container.name)) throw new SimulationError("CONFLICT", `container ${container.name}: the host has the same name`, details);
    run(daemon, container, spec.generation);
  }
  return daemons;
}

/** What all of them know together. */
export function stateOf(daemons: Daemons): DockerState {
  const states = [...daemons.values()].map((daemon) => daemon.state());
  return {
    generation: states[0]!.generation,
    hosts: states.flatMap(({ hosts }) => hosts),
    networks: states.flatMap(({ networks }) => networks),
    containers: states.flatMap(({ containers }) => containers),
  };
}

/** Each daemon draws its own random numbers; the first one those of the seed itself. */
function daemonOf({ generation, seed }: TopologySpec, host: HostSpec, index: number, { parseRules, readDaemon, files }: DaemonSupport): Daemon {
  const read = host.daemon && (readDaemon ?? unsupported(`host ${host.name}`, "a description with a daemon.json that is compiled at once (start it instead)"));
  const flags = host.flags ?? (host.daemon && read?.(host.daemon, generation));
  const daemon = new Daemon({ host, ...(flags && { flags }), rules: rulesOf(generation), seed: (seed + Math.imul(index, 0x9e3779b1)) >>> 0, ...(files && { files }) });
  for (const { text, ...options } of host.rules ?? []) {
    const parse = parseRules ?? unsupported(`host ${host.name}`, "a description with rules that is compiled at once (start it instead)");
    daemon.firewall.apply(parse(text, options));
  }
  return daemon;
}

/** As Compose does it: created on its first network, which is all that the API of 20.10 takes, and connected to the others; on all at once since; then started. */
function run(daemon: Daemon, container: ContainerSpec, generation: DockerGeneration): void {
  const count = generation === "20.10" ? 1 : container.networks.length;
  const [first, others] = [container.networks.slice(0, count), container.networks.slice(count)];
  daemon.createContainer({ ...container, networks: first });
  for (const endpoint of others) daemon.connect(container.name, endpoint);
  daemon.startContainer(container.name);
}
