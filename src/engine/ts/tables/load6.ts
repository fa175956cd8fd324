import { ADDRESS6_NODAD } from "../../../../assembly/abi/program";
import { NONE } from "../../../../assembly/abi/version";
import type { Address6Record, DatapathProgram } from "../../program";
import { pushDad } from "../ipv6/dad";
import type { Kernel } from "../kernel";
import { Address6 } from "./address6";
import type { Device } from "./device";
import { Fib6 } from "./fib6";
import { NeighbourState } from "./neighbour";

/** Gives devices and namespaces their IPv6 addresses and routes. Returns the devices that had an address before. */
export function loadIpv6(kernel: Kernel, program: DatapathProgram, restarted: ReadonlySet<Device>): Set<Device> {
  const { devices, namespaces, addresses } = kernel;
  const addressed = new Set(devices.filter(({ addresses6 }) => addresses6.length > 0));
  const before = new Map(devices.map((device) => [device, device.addresses6] as const));
  for (const device of devices) device.addresses6 = [];
  for (const namespace of namespaces) {
    namespace.addresses6 = [];
    namespace.fib6 = program.routes6.length === 0 ? null : new Fib6(addresses);
  }
  for (const record of program.addresses6) {
    const device = devices[record.device];
    const known = restarted.has(device) ? undefined : before.get(device)?.find(({ ip }) => ip === addresses.note(record.ip));
    const address = appear(kernel, record, device, known);
    device.addresses6.push(address);
    device.addresses.push(address.ip);
    device.namespace.addresses6.push(address);
  }
  for (const record of program.routes6) {
    namespaces[record.namespace].fib6?.learn(record, record.device === NONE ? null : devices[record.device]);
  }
  pushDad(kernel);
  return addressed;
}

/** A new address is tentative unless it says otherwise; one that was there stays what it is. */
function appear(kernel: Kernel, { ip, prefix, flags }: Address6Record, device: Device, known: Address6 | undefined): Address6 {
  const address = new Address6(kernel.addresses.note(ip), device, prefix, known?.since ?? kernel.clock);
  address.isTentative = known?.isTentative ?? ((flags & ADDRESS6_NODAD) === 0 && !device.isNoArp);
  address.hasFailed = known?.hasFailed ?? false;
  address.hasSolicited = known?.hasSolicited ?? false;
  return address;
}

export function loadNeighbours6({ devices, neighbours, addresses }: Kernel, program: DatapathProgram): void {
  for (const { device: index, ip, macHigh, macLow } of program.neighbours6) {
    const device = devices[index];
    const number = addresses.note(ip);
    const entry = neighbours.find(device, number) ?? neighbours.create(device, number);
    if (entry === null) continue;
    entry.state = NeighbourState.Permanent;
    entry.macHigh = macHigh;
    entry.macLow = macLow | 0;
  }
}
