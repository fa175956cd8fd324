import type { Chance } from "../chance";
import { meetsConstraints, spreadValueOf } from "./constraints";
import type { ClusterNode, ClusterService, ClusterTask } from "./objects";
import { placementOf, type ResourceSpec, type ServicePort } from "./service-spec";
import { readConstraints } from "./up-to-date";

/** Why nodes cannot have a task. */
interface Filter {
  readonly passes: (node: ClusterNode) => boolean;
  readonly explain: (nodes: number) => string;
}

const counted = (text: string) => (count: number) => `${text} on ${count} node${count === 1 ? "" : "s"}`;

/** Chooses nodes for tasks (swarmkit manager/scheduler). */
export class Scheduler {
  readonly #nodes: () => readonly ClusterNode[];
  readonly #chance: Chance;

  constructor(nodes: () => readonly ClusterNode[], chance: Chance) {
    this.#nodes = nodes;
    this.#chance = chance;
  }

  /**
   * The node with the fewest tasks of the service, then with the fewest tasks, of those that pass every filter; a text says why none
   * does. Preferences come first: the branch with the fewest tasks of the service.
   *
   * Among equals chance decides; what it takes unless told otherwise is the first node for a single task, the last for the first of several.
   */
  choose(task: ClusterTask, count: number): ClusterNode | string {
    const filters = filtersOf(task);
    const failures = filters.map(() => 0);
    const fits = (node: ClusterNode): boolean => {
      const at = filters.findIndex(({ passes }) => !passes(node));
      if (at >= 0) failures[at]!++;
      return at < 0;
    };
    const candidates = (task.place ? [task.place] : this.#nodes()).filter(fits);
    if (candidates.length === 0) {
      const told = filters.map(({ explain }, index) => ({ explain, failed: failures[index] ?? 0 })).filter(({ failed }) => failed > 0);
      const reasons = told.sort((a, b) => b.failed - a.failed).map(({ explain, failed }) => explain(failed)).join("; ");
      if (task.place) return reasons;
      return reasons === "" ? "no suitable node" : `no suitable node (${reasons})`;
    }
    const { service, spec } = task;
    const preferred = spec && service ? branchOf(candidates, placementOf(spec).preferences, service) : candidates;
    const equals = leastLoaded(count > 1 ? [...preferred].reverse() : preferred, service);
    return equals[equals.length === 1 ? 0 : this.#chance.choose(equals.length)]!;
  }

  /** Whether a task may stay where it is: its node may have changed since (swarmkit manager/orchestrator/constraintenforcer). */
  mayStay(task: ClusterTask): boolean {
    const { node, spec } = task;
    if (!node || !spec) return true;
    return meetsConstraints(node, readConstraints(placementOf(spec).constraints));
  }

  /** Whether a global service has a task on a node: it waits there for nothing but room. */
  isEligible(node: ClusterNode, service: ClusterService): boolean {
    return meetsConstraints(node, readConstraints(placementOf(service.spec).constraints));
  }
}

function filtersOf(task: ClusterTask): Filter[] {
  const { spec, service } = task;
  const ready: Filter = {
    passes: (node) => node.status === "ready" && node.availability === "active",
    explain: (count) => `${count} node${count === 1 ? "" : "s"} not available for new tasks`,
  };
  if (!spec || !service) return [ready];
  const { constraints, maxPerNode } = placementOf(spec);
  const hostPorts = service.ports.filter(({ mode, published }) => mode === "host" && published !== 0);
  const read = readConstraints(constraints);
  return [
    ready,
    { passes: (node) => hasRoom(node, spec.reservations), explain: counted("insufficient resources") },
    { passes: (node) => meetsConstraints(node, read), explain: counted("scheduling constraints not satisfied") },
    { passes: (node) => hostPorts.every((port) => !holdsPort(node, port)), explain: counted("host-mode port already in use") },
    { passes: (node) => maxPerNode === 0 || countOf(node, service) < maxPerNode, explain: () => "max replicas per node limit exceed" },
  ];
}

function hasRoom({ resources, tasks }: ClusterNode, wanted: ResourceSpec | undefined): boolean {
  const { nanoCpus = 0, memoryBytes = 0 } = wanted ?? {};
  if (nanoCpus === 0 && memoryBytes === 0) return true;
  let [cpusLeft, memoryLeft] = [resources.nanoCpus ?? Number.POSITIVE_INFINITY, resources.memoryBytes ?? Number.POSITIVE_INFINITY];
  for (const { spec, hasEnded } of tasks) {
    if (hasEnded) continue;
    cpusLeft -= spec?.reservations?.nanoCpus ?? 0;
    memoryLeft -= spec?.reservations?.memoryBytes ?? 0;
  }
  return nanoCpus <= cpusLeft && memoryBytes <= memoryLeft;
}

function holdsPort({ tasks }: ClusterNode, { published, protocol }: ServicePort): boolean {
  for (const { hasEnded, service } of tasks) {
    if (!hasEnded && service?.ports.some((port) => port.mode === "host" && port.published === published && port.protocol === protocol)) return true;
  }
  return false;
}

function countOf({ tasks }: ClusterNode, service: ClusterService | undefined): number {
  let count = 0;
  for (const task of tasks) if (task.isLive && task.service === service) count++;
  return count;
}

/** All that have least. */
function leastLoaded(nodes: readonly ClusterNode[], service: ClusterService | undefined): ClusterNode[] {
  let best: ClusterNode[] = [];
  let least = { own: Number.POSITIVE_INFINITY, all: 0 };
  for (const node of nodes) {
    const load = loadOf(node, service);
    const difference = load.own - least.own || load.all - least.all;
    if (difference < 0) {
      best = [node];
      least = load;
    } else if (difference === 0) {
      best.push(node);
    }
  }
  return best;
}

function loadOf(node: ClusterNode, service: ClusterService | undefined): { readonly own: number; readonly all: number } {
  let all = 0;
  for (const { isLive } of node.tasks) if (isLive) all++;
  return { own: countOf(node, service), all };
}

/** The nodes of the branch that has the fewest tasks of the service, level by level. */
function branchOf(nodes: readonly ClusterNode[], preferences: readonly string[], service: ClusterService): readonly ClusterNode[] {
  const [descriptor, ...rest] = preferences;
  if (descriptor === undefined) return nodes;
  const branches = new Map<string, ClusterNode[]>();
  for (const node of nodes) {
    const value = spreadValueOf(node, descriptor);
    const branch = branches.get(value);
    if (branch) branch.push(node);
    else branches.set(value, [node]);
  }
  const weigh = (branch: readonly ClusterNode[]) => branch.reduce((sum, node) => sum + countOf(node, service), 0);
  const [first] = [...branches.values()].map((branch) => ({ branch, weight: weigh(branch) })).sort((a, b) => a.weight - b.weight);
  return branchOf(first!.branch, rest, service);
}
