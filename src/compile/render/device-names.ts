import { DeviceKind } from "../../../assembly/abi/program";
import type { DatapathProgram } from "../../engine/program";

/** As much of a program as can be seen with the tools of iproute2. */
export type RenderedProgram = Pick<DatapathProgram, "names" | "devices" | "addresses" | "routes">;

/** A device's name inside its namespace: the display name without the container or host. */
export function localName({ names }: RenderedProgram, device: number): string {
  const name = names.devices[device] ?? `if${device}`;
  return name.slice(name.indexOf(":") + 1);
}

/** The devices of a namespace, in the order in which they were made. */
export function devicesOf({ devices }: RenderedProgram, namespace: number): number[] {
  return devices.flatMap((device, index) => (device.namespace === namespace && device.kind !== DeviceKind.Gone ? [index] : []));
}

/** Interface indices as the kernel counts them: from 1 in each namespace. */
export function interfaceNumber(program: RenderedProgram, device: number): number {
  return devicesOf(program, program.devices[device]!.namespace).indexOf(device) + 1;
}
