import { VXLAN_FRAME_ROOM } from "../../assembly/abi/limits";
import { DeviceKind } from "../../assembly/abi/program";
import { SimulationError } from "../errors";
import type { Capacity, DatapathProgram, DeviceRecord } from "./program";

const VNI_MAX = 2 ** 24 - 1;
const PORT_MAX = 65535;
/** 224.0.0.0. */
const GROUPS = 0xe0000000;

/** Refuses VXLAN devices that no host could have, and entries of their forwarding databases that mean nothing. */
export function checkVxlans(program: DatapathProgram, capacity: Capacity): void {
  const { devices, vxlanRemotes = [] } = program;
  const tunnels = new Set<string>();
  devices.forEach((record, index) => {
    if (record.kind !== DeviceKind.Vxlan) return;
    checkDevice(program, record, `devices[${index}]`);
    const tunnel = [record.underlay, record.port, record.vni].join();
    // vxlan_dev_configure: EEXIST.
    if (tunnels.has(tunnel)) refuse(`devices[${index}].vni`, "a number that no other device has in this underlay", record.vni ?? 0);
    tunnels.add(tunnel);
    limit("frameBytes", record.mtu + VXLAN_FRAME_ROOM, capacity.frameBytes);
  });
  limit("vxlanRemotes", vxlanRemotes.length, capacity.vxlanRemotes ?? 0);
  const macs = new Map<number, Set<number>>();
  vxlanRemotes.forEach(({ device, macHigh, macLow, remote }, index) => {
    if (devices[device]?.kind !== DeviceKind.Vxlan) refuse(`vxlanRemotes[${index}].device`, "a VXLAN device", device);
    if (remote >>> 0 === 0 || remote >>> 0 >= GROUPS) refuse(`vxlanRemotes[${index}].remote`, "an address of one host", remote);
    const mac = macHigh * 2 ** 32 + (macLow >>> 0);
    const own = macs.get(device) ?? new Set();
    if (own.size === 0) macs.set(device, own);
    if (own.has(mac)) refuse(`vxlanRemotes[${index}]`, "one entry for each MAC", index);
    own.add(mac);
  });
}

function checkDevice({ namespaces }: DatapathProgram, { namespace, underlay = 0, port = 0, vni = 0 }: DeviceRecord, field: string): void {
  if (namespaces[underlay]?.host !== namespaces[namespace]?.host) refuse(`${field}.underlay`, "a namespace of the same host", underlay);
  if (!Number.isInteger(port) || port < 1 || port > PORT_MAX) refuse(`${field}.port`, "a UDP port", port);
  if (!Number.isInteger(vni) || vni < 0 || vni > VNI_MAX) refuse(`${field}.vni`, "a number of 24 bits", vni);
}

function refuse(field: string, expected: string, found: number): never {
  throw new SimulationError("INVALID_INPUT", `${field}: expected ${expected}, found ${found}`);
}

function limit(name: string, needed: number, available: number): void {
  if (needed <= available) return;
  throw new SimulationError("LIMIT_EXCEEDED", `capacity.${name}: expected at least ${needed}, found ${available}`, { limit: name, needed });
}
