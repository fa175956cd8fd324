import { DeviceKind } from "../../assembly/abi/program";
import type { DatapathProgram } from "../engine/program";
import { SimulationError } from "../errors";
import type { CompiledTopology } from "./spec";

/** What has become of the machines of a lab and of the network between them; daemons know nothing of it. */
export class Conditions {
  /** Hosts that still reach one another, if the network is in parts. */
  sides: readonly (readonly string[])[] = [];
  /** Hosts whose machine has failed. */
  readonly failed = new Set<string>();
  #isChanged = false;

  /** The network falls apart: nothing passes between hosts of different sides. */
  partition(topology: Pick<CompiledTopology, "spec" | "state">, sides: readonly (readonly string[])[]): void {
    const named = sides.flat();
    for (const host of named) checkHost(topology, host);
    const twice = named.find((host, index) => named.indexOf(host) !== index);
    if (twice !== undefined) throw new SimulationError("INVALID_INPUT", `partition: expected each host on one side, found ${JSON.stringify(twice)} on two`);
    if (sides.length < 2) throw new SimulationError("INVALID_INPUT", `partition: expected at least two sides, found ${sides.length}`);
    if (topology.spec.underlay === undefined) throw new SimulationError("UNSUPPORTED", "partition: expected hosts with cables between them, found none");
    this.sides = sides.map((side) => [...side]);
    this.#isChanged = true;
  }

  heal(): void {
    this.sides = [];
    this.#isChanged = true;
  }

  fail(topology: Pick<CompiledTopology, "spec" | "state">, host: string): void {
    checkHost(topology, host);
    this.failed.add(host);
    this.#isChanged = true;
  }

  recover(topology: Pick<CompiledTopology, "spec" | "state">, host: string): void {
    checkHost(topology, host);
    this.failed.delete(host);
    this.#isChanged = true;
  }

  /** Whether something has changed since this was asked last. */
  takeChange(): boolean {
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return isChanged;
  }

  /** The devices at which cables of failed machines end. */
  deadDevices({ devices, names }: DatapathProgram): number[] {
    if (this.failed.size === 0) return [];
    return devices.flatMap(({ kind, namespace }, index) => (kind === DeviceKind.Physical && this.failed.has(names.namespaces[namespace] ?? "") ? [index] : []));
  }
}

function checkHost({ state }: Pick<CompiledTopology, "state">, name: string): void {
  const known = state.hosts.map((host) => host.name);
  if (!known.includes(name)) throw new SimulationError("NOT_FOUND", `host: expected one of ${known.join(", ")}, found ${JSON.stringify(name)}`, { name, known });
}
