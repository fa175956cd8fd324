import type { Identity } from "../model/identity";
import type { DockerState } from "../model/state";
import type { ProgramBuilder } from "./program-builder";

/** What is laid out so far. */
export interface Laying {
  readonly builder: ProgramBuilder;
  readonly state: DockerState;
  readonly identity: Identity;
  readonly loopbackMtu: number;
  readonly namespaces: Map<string, number>;
  readonly places: Map<string, number>;
  readonly owners: Map<number | bigint, number>;
  /** First address of hosts and machines with cables, by name. */
  readonly machines: Map<string, number>;
  readonly kernelDevices: Map<number, Map<string, number>>;
  readonly bridges: Map<string, number>;
}

/** Where an endpoint's device goes. */
export interface EndpointPlace {
  readonly namespace: number;
  readonly label: string;
  readonly key: string;
}

/** Knows a device by the name that the kernel of its namespace has for it. */
export function nameDevice({ kernelDevices, builder }: Pick<Laying, "kernelDevices" | "builder">, device: number, name: string): void {
  const { namespace } = builder.devices[device]!;
  const names = kernelDevices.get(namespace) ?? new Map<string, number>();
  kernelDevices.set(namespace, names.set(name, device));
}
