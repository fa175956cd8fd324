import type { ContainerSpec, PortProtocol } from "../spec";
import type { ProcessSpec } from "./process-spec";

export interface ServicePort {
  readonly protocol: PortProtocol;
  readonly target: number;
  /** 0: one that the managers choose. */
  readonly published: number;
  readonly mode: "ingress" | "host";
}

/** How the tasks of a service are replaced, `--update-*` and `--rollback-*`; times in nanoseconds. */
export interface UpdatePolicy {
  /** Tasks at a time; 0: all at once. */
  readonly parallelism: number;
  readonly delay: number;
  readonly failureAction: "pause" | "continue" | "rollback";
  /** How long a new task is watched. */
  readonly monitor: number;
  /** Of the tasks, may fail: 0 to 1. */
  readonly maxFailureRatio: number;
  readonly order: "stop-first" | "start-first";
}

/** What happens when a task ends, `--restart-*`; times in nanoseconds. */
export interface RestartRules {
  readonly condition: "none" | "on-failure" | "any";
  readonly delay: number;
  /** 0: no limit. */
  readonly maxAttempts: number;
  /** Only attempts this long ago count; 0: all. */
  readonly window: number;
}

/** Where tasks may run, `--constraint`, `--placement-pref`, `--replicas-max-per-node`. */
export interface PlacementRules {
  /** `node.role==manager`, as written. */
  readonly constraints: readonly string[];
  /** What to spread over: `node.labels.zone`. */
  readonly preferences: readonly string[];
  /** 0: no limit. */
  readonly maxPerNode: number;
}

/** `--limit-*`, `--reserve-*`: 10⁻⁹ of CPUs, bytes, processes; 0 or absent: none. */
export interface ResourceSpec {
  readonly nanoCpus?: number;
  readonly memoryBytes?: number;
  readonly pids?: number;
}

/** A secret or config in the containers of a service. */
export interface FileReference {
  readonly id: string;
  readonly name: string;
  /** Where it is to be found. */
  readonly target: string;
  readonly uid: string;
  readonly gid: string;
  readonly mode: number;
}

/** A service as `docker service create` asks for it. */
export interface ServiceSpec {
  readonly name: string;
  /** How many tasks; undefined for a global service: one on each node. */
  readonly replicas: number | undefined;
  /** Its tasks run to their end: `--mode replicated-job`, `global-job`. 0 at a time: all. */
  readonly job?: { readonly maxConcurrent: number };
  readonly endpointMode: "vip" | "dnsrr";
  readonly ports: readonly ServicePort[];
  /** IDs of swarm networks, or names of networks of each node. */
  readonly networks: readonly { readonly network: string; readonly aliases: readonly string[] }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly container: Partial<Pick<ContainerSpec, "image" | "command" | "env" | "labels" | "hostname" | "capAdd" | "dns" | "dnsSearch" | "dnsOptions" | "extraHosts" | "sysctls" | "expose">>;
  readonly process?: ProcessSpec;
  readonly restart?: Partial<RestartRules>;
  readonly update?: Partial<UpdatePolicy>;
  readonly rollback?: Partial<UpdatePolicy>;
  readonly placement?: Partial<PlacementRules>;
  readonly limits?: ResourceSpec;
  readonly reservations?: ResourceSpec;
  readonly secrets?: readonly FileReference[];
  readonly configs?: readonly FileReference[];
  /** Counts `docker service update --force`. */
  readonly forced?: number;
}

const SECOND = 1e9;

/** swarmkit api/defaults/service.go. */
export const DEFAULT_UPDATE: UpdatePolicy = { parallelism: 1, delay: 0, failureAction: "pause", monitor: 5 * SECOND, maxFailureRatio: 0, order: "stop-first" };
export const DEFAULT_RESTART: RestartRules = { condition: "any", delay: 5 * SECOND, maxAttempts: 0, window: 0 };
export const DEFAULT_PLACEMENT: PlacementRules = { constraints: [], preferences: [], maxPerNode: 0 };

/** How long a process has to end before it is killed. */
const DEFAULT_STOP_GRACE = 10 * SECOND;

export const stopGraceOf = ({ process }: ServiceSpec): number => process?.stopGrace ?? DEFAULT_STOP_GRACE;
export const updatePolicyOf = (policy: Partial<UpdatePolicy> | undefined): UpdatePolicy => ({ ...DEFAULT_UPDATE, ...policy });
/** As it is shown: a job says what it was asked. */
export const restartRulesAsSaid = ({ restart }: ServiceSpec): RestartRules => ({ ...DEFAULT_RESTART, ...restart });
/** A task of a job that ended well is done (swarmkit manager/orchestrator/jobs). */
export function restartRulesOf(spec: ServiceSpec): RestartRules {
  const rules = restartRulesAsSaid(spec);
  return spec.job && rules.condition === "any" ? { ...rules, condition: "on-failure" } : rules;
}
export const placementOf = ({ placement }: ServiceSpec): PlacementRules => ({ ...DEFAULT_PLACEMENT, ...placement });
