import type { Field } from "./field";
import type { Notices } from "./notice";

const CPU = "limits the CPU, which does not slow the container's packets here";

/**
 * Keys that Compose knows, that can matter to packets, and that the simulation does not follow. What is neither here nor read has
 * nothing to do with packets (volumes, commands, health checks, build, logging, …) and is accepted in silence.
 */
const UNCOVERED: readonly (readonly [path: string, message: string])[] = [
  ["models", "language models are reached outside of the simulated networks and are left out"],
  ["services.*.models", "language models are reached outside of the simulated networks and are left out"],
  ["services.*.provider", "is not run as a container, so the service is left out"],
  ["services.*.runtime", "a runtime with a network stack of its own is simulated as runc with the kernel's"],
  ["services.*.credential_spec", "Windows containers are simulated as Linux ones"],
  ["services.*.isolation", "Windows containers are simulated as Linux ones"],
  ["services.*.cpus", CPU],
  ["services.*.cpuset", CPU],
  ["services.*.cpu_count", CPU],
  ["services.*.cpu_percent", CPU],
  ["services.*.cpu_quota", CPU],
  ["services.*.deploy.resources.limits.cpus", CPU],
];

/** Reports every such key, once for a kind of key however many services have it. */
export function reportUncovered(root: Field, notices: Notices): void {
  for (const [pattern, message] of UNCOVERED) {
    const [first, ...others] = select([root], pattern.split("."));
    if (!first) continue;
    const also = others.length === 0 ? "" : ` (here and in ${others.length} more ${others.length === 1 ? "place" : "places"})`;
    notices.add("not-simulated", first.keyPlace, `${message}${also}`, pattern);
  }
}

function select(fields: readonly Field[], [key, ...rest]: readonly string[]): Field[] {
  if (key === undefined) return [...fields];
  return select(fields.flatMap((field) => (key === "*" ? field.children() : (field.get(key) ?? []))), rest);
}
