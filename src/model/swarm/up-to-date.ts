import { meetsConstraints, readConstraint, type Constraint } from "./constraints";
import { placementOf, type ServiceSpec } from "./service-spec";
import type { ClusterTask } from "./task";

/**
 * Whether a task is made of what its service asks for now (swarmkit manager/orchestrator/task.go: IsTaskDirty). Where it may be is no
 * matter as long as it may stay where it is.
 */
export function isUpToDate({ spec, node }: Pick<ClusterTask, "spec" | "node">, service: { readonly spec: ServiceSpec }): boolean {
  if (spec === undefined || spec === service.spec) return spec !== undefined;
  if (templateOf(spec) !== templateOf(service.spec)) return false;
  const [before, now] = [placementOf(spec), placementOf(service.spec)];
  return JSON.stringify(before) === JSON.stringify(now) || (node !== undefined && meetsConstraints(node, readConstraints(now.constraints)));
}

export function readConstraints(texts: readonly string[]): Constraint[] {
  return texts.map(readConstraint).filter((read): read is Constraint => typeof read !== "string");
}

function templateOf({ name: _, replicas: __, job: ___, labels: ____, update: _____, rollback: ______, placement: _______, ...template }: ServiceSpec): string {
  return JSON.stringify(template);
}
