import type { LogLine } from "./log";
import type { RestartPolicy } from "./restart-policy";
import type { ContainerSpec, EndpointSpec, NetworkSpec } from "./spec";
import type { SwarmOperations } from "./swarm/operations";
import type { ContainerState, DockerState, NetworkState } from "./state";

/**
 * What one daemon can be asked for, as its HTTP API has it. Networks and containers are named by name, by ID, or by the start of
 * an ID. Each call either happens whole or throws a `SimulationError`: `details.daemon` is the daemon's sentence, `details.status` the
 * HTTP status. What is refused changes nothing but what Docker itself leaves behind.
 */
export interface DaemonOperations {
  /** `docker network create`. */
  createNetwork(spec: NetworkSpec): { readonly id: string; readonly warning: string };
  /** `docker network rm`. */
  removeNetwork(network: string): void;
  /** `docker network prune`; `labels` as in `--filter label=` and `label!=`. Returns the names that are gone. */
  pruneNetworks(filter?: PruneFilter): string[];
  /** `docker network connect`. */
  connect(container: string, endpoint: EndpointSpec): void;
  /** `docker network disconnect`. */
  disconnect(container: string, network: string, options?: { readonly force?: boolean }): void;
  /** `docker create`. */
  createContainer(spec: ContainerSpec): { readonly id: string; readonly warnings: readonly string[] };
  startContainer(container: string): void;
  stopContainer(container: string): void;
  restartContainer(container: string): void;
  /** `docker kill`; KILL unless a signal is given. */
  killContainer(container: string, signal?: string): void;
  /** `docker update --restart`. */
  updateContainer(container: string, policy: RestartPolicy): void;
  pauseContainer(container: string): void;
  unpauseContainer(container: string): void;
  /** `docker rm`; a running one needs `force`. */
  removeContainer(container: string, options?: { readonly force?: boolean }): void;
  /** `docker rm --link`: the name is `parent/alias`. */
  removeLink(name: string): void;
  renameContainer(container: string, name: string): void;
  /** Its process ends by itself; its policy may start it again. */
  exitContainer(container: string, exitCode: number): void;
  /** What its process has printed, and all that those before it have. */
  logOutput(container: string, printed: { readonly stdout: string; readonly stderr: string }): void;
  logOf(container: string): readonly LogLine[];
  /** What `docker exec` refuses; the name of the container whose sandbox the process gets otherwise. */
  checkExec(container: string): void;
  /** The daemon is stopped in an orderly way and started again. */
  restart(): void;
  /** A process of the host begins to listen, or ends. */
  listen(listener: { readonly protocol: "tcp" | "udp" | "sctp"; readonly address: string; readonly port: number; readonly process: string }): void;
  unlisten(listener: { readonly protocol: "tcp" | "udp" | "sctp"; readonly address: string; readonly port: number }): void;
  /** The network of that name, ID, or start of an ID. */
  findNetwork(network: string): NetworkState;
  findContainer(container: string): ContainerState;
  /** Its part in a swarm, and what the managers of that can be asked for. */
  readonly swarm: SwarmOperations;
  /** A name that no container has, as `docker run` without `--name` gets one. */
  makeName(): string;
  state(): DockerState;
}

export interface PruneFilter {
  readonly labels?: readonly string[];
  readonly withoutLabels?: readonly string[];
}
