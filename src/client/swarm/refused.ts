import type { Command } from "../command";
import { Failure } from "../outcome";
import { ask } from "../refusals";

/** Refuses what only a manager answers. */
export function checkManager(call: { readonly daemon: Parameters<Command["run"]>[0]["daemon"] }): void {
  ask(() => call.daemon.swarm.nodes());
}

/** Refuses filters that the daemon does not know (moby daemon/cluster/filters.go). */
export function checkFilters(filters: ReadonlyMap<string, readonly string[]>, known: readonly string[]): void {
  const unknown = [...filters.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Failure(`Error response from daemon: Invalid filter '${unknown}'`);
}

