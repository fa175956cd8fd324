import { DEVICE_HAIRPIN } from "../../../assembly/abi/program";
import { NONE } from "../../../assembly/abi/version";
import { devicesOf, interfaceNumber, localName, type RenderedProgram } from "./device-names";

/** `bridge link`: one line per port. */
export function renderBridgePorts(program: RenderedProgram, namespace: number): string[] {
  return devicesOf(program, namespace).flatMap((port) => {
    const { master, mtu, peer, flags } = program.devices[port]!;
    if (master === NONE) return [];
    const other = peer === NONE ? "" : `@if${interfaceNumber(program, peer)}`;
    const hairpin = (flags & DEVICE_HAIRPIN) === 0 ? "" : " hairpin on";
    const head = `${interfaceNumber(program, port)}: ${localName(program, port)}${other}`;
    return [`${head}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu ${mtu} master ${localName(program, master)} state forwarding${hairpin}`];
  });
}
