import type { CapturedFrame } from "../engine/engine";
import { parseIpv4 } from "../net/ip";
import { readableFrames } from "../observe/frames";
import { type PcapngInterface, writePcapng } from "../observe/pcapng";
import type { CompiledTopology } from "./spec";

/** What some devices saw, as a pcapng file: an interface per device, the containers' names for their addresses. */
export function captureFile(topology: CompiledTopology, devices: ReadonlySet<number>, captured: Iterable<CapturedFrame>, snaplen: number): Uint8Array<ArrayBuffer> {
  const interfaces = [...devices].sort((a, b) => a - b).map((device) => describeInterface(topology, device));
  const frames = readableFrames(captured, topology.program.names);
  return writePcapng({ interfaces, frames, snaplen, hosts: namesOfAddresses(topology), application: "dockwire" });
}

function describeInterface({ program }: CompiledTopology, device: number): PcapngInterface {
  const name = program.names.devices[device] ?? `device ${device}`;
  const address = program.addresses.find((record) => record.device === device);
  const { macHigh = 0, macLow = 0 } = program.devices[device] ?? {};
  return { name, mac: macHigh * 2 ** 32 + macLow, ...(address && { ipv4: { ip: address.ip, prefixLength: address.prefix } }) };
}

function namesOfAddresses(topology: CompiledTopology): { ip: number; name: string }[] {
  const { containers } = topology.describe();
  return containers.flatMap(({ name, networks }) => networks.map(({ ipv4 }) => ({ ip: parseIpv4(ipv4, "ipv4"), name })));
}
