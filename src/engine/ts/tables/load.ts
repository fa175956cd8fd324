import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { Family } from "../../../../assembly/abi/netfilter";
import { DEVICE_UP, DeviceKind } from "../../../../assembly/abi/program";
import { NONE } from "../../../../assembly/abi/version";
import { type DatapathProgram, type FlowRecord, NO_ADDRESS6 } from "../../program";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { loadServices } from "../ipvs/service";
import { loadRules } from "../netfilter/load";
import { isIpv6 } from "../memory/address-table";
import { Cpu } from "../simulation/clock";
import { Link } from "../simulation/link";
import { Random, RandomKind } from "../simulation/random";
import { loadXfrm } from "../xfrm/policies";
import { Device } from "./device";
import { LocalMacs } from "./fdb";
import { Fib } from "./fib";
import { Host, Namespace } from "./namespace";
import { loadIpv6, loadNeighbours6 } from "./load6";
import { type Neighbour, NeighbourState } from "./neighbour";

/** Makes hosts, devices and what belongs to them of a program's records. On a running kernel what has the same index goes on. */
export function loadTables(kernel: Kernel, program: DatapathProgram): void {
  loadHosts(kernel, program);
  const restarted = loadDevices(kernel, program);
  const addressed = loadAddresses(kernel, program);
  const addressed6 = loadIpv6(kernel, program, restarted);
  kernel.localMacs = new LocalMacs(kernel.devices);
  kernel.vxlanFdb.load(program.vxlanRemotes ?? []);
  kernel.fdb.forgetStrays(kernel.localMacs, kernel.vxlanFdb);
  const isStray = ({ device, ip, state }: Neighbour) =>
    restarted.has(device) ||
    device.lostCarrier ||
    (isIpv6(ip) ? addressed6.has(device) && device.addresses6.length === 0 : addressed.has(device) && device.ip === 0) ||
    state === NeighbourState.Permanent ||
    program.neighbours.some((record) => record.device === device.index && (record.ip | 0) === ip) ||
    program.neighbours6.some((record) => record.device === device.index && kernel.addresses.note(record.ip) === ip);
  kernel.neighbours.removeStrays(isStray, (entry) => dropWaiting(kernel, entry));
  loadNeighbours(kernel, program);
  loadNeighbours6(kernel, program);
  loadServices(kernel, program);
  loadRules(kernel, program);
  loadXfrm(kernel.namespaces, program);
}

/** New tables while the network runs (docs/ENGINE.md, section 16). */
export function reload(kernel: Kernel, program: DatapathProgram): void {
  loadTables(kernel, program);
  kernel.dns.load(program.dns, kernel.namespaces, kernel.addresses);
  program.flows.forEach((record, index) => {
    const known = kernel.flows[index];
    if (known === undefined || !isSameFlow(known.record, record)) kernel.writeFlow(index, record);
  });
  program.sockets.forEach((record, index) => kernel.writeSocket(index, record));
  kernel.sockets.index(kernel.namespaces);
}

function loadHosts({ hosts, namespaces, links, seed }: Kernel, program: DatapathProgram): void {
  for (const { cpus, backlog, costless = 0 } of program.hosts.slice(hosts.length)) {
    hosts.push(new Host(Array.from({ length: cpus }, () => new Cpu(backlog, costless !== 0)), backlog, costless));
  }
  program.namespaces.forEach(({ host, forwarding, ttl, bridgeNf, forwarding6 = 0, hopLimit = 64 }, index) => {
    const namespace = namespaces[index] ?? new Namespace(index, hosts[host]);
    namespaces[index] = namespace;
    namespace.forwarding = forwarding !== 0;
    namespace.ttl = ttl;
    namespace.bridgeNf = bridgeNf;
    namespace.forwarding6 = forwarding6 !== 0;
    namespace.hopLimit = hopLimit;
  });
  program.links.forEach((record, index) => {
    const link = links[index] ?? new Link(record, Random.of(seed, RandomKind.Link, index));
    link.record = record;
    links[index] = link;
  });
}

/** Returns the devices that do not know their neighbours any more: gone, come back, down, or with another MAC. */
function loadDevices({ devices, namespaces, links, deviceDrops, datagramBytes }: Kernel, program: DatapathProgram): Set<Device> {
  const restarted = new Set<Device>();
  deviceDrops.grow(program.devices.length);
  for (const namespace of namespaces) namespace.loopback = null;
  program.devices.forEach((record, index) => {
    const device = devices[index] ?? new Device(index, namespaces[record.namespace]);
    devices[index] = device;
    const isSame = device.kind === record.kind && device.macHigh === record.macHigh && device.macLow === (record.macLow | 0);
    if (!isSame || (record.flags & DEVICE_UP) === 0) restarted.add(device);
    device.configure(record, namespaces[record.namespace]);
    if (device.isLoopback) device.mtu = Math.min(device.mtu, datagramBytes);
    device.ports = [];
    device.above = [];
  });
  program.devices.forEach(({ peer, master, link }, index) => {
    const device = devices[index];
    device.peer = peer === NONE ? null : devices[peer];
    device.link = link === NONE ? null : links[link];
    device.master = master === NONE ? null : devices[master];
    device.master?.ports.push(device);
    if (device.isOnTop) device.peer?.above.push(device);
    if (device.kind === DeviceKind.Loopback) device.namespace.loopback ??= device;
  });
  for (const device of devices) device.chooseHandler();
  for (const bridge of devices) {
    const hadCarrier = bridge.hasCarrier;
    bridge.hasCarrier = bridge.ports.some(({ up }) => up);
    bridge.lostCarrier = hadCarrier && !bridge.hasCarrier;
  }
  loadTunnels(program, devices, namespaces);
  return restarted;
}

/** Opens the sockets of VXLAN devices. */
function loadTunnels(program: DatapathProgram, devices: readonly Device[], namespaces: readonly Namespace[]): void {
  for (const { vxlans } of namespaces) vxlans.clear();
  program.devices.forEach(({ kind, underlay = 0, port = 0 }, index) => {
    const device = devices[index];
    device.underlay = kind === DeviceKind.Vxlan ? namespaces[underlay] : null;
    if (device.underlay === null) return;
    const { vxlans } = device.underlay;
    vxlans.set(port, [...(vxlans.get(port) ?? []), device]);
  });
}

/** Returns the devices that had an address before. */
function loadAddresses({ devices, namespaces }: Kernel, program: DatapathProgram): Set<Device> {
  const addressed = new Set(devices.filter(({ ip }) => ip !== 0));
  for (const device of devices) {
    device.ip = 0;
    device.addresses = [];
    device.networks = [];
  }
  for (const namespace of namespaces) {
    namespace.addresses.clear();
    namespace.fib = new Fib();
  }
  for (const { device: index, ip, prefix } of program.addresses) {
    const device = devices[index];
    device.networks.push({ ip: ip | 0, mask: prefix === 0 ? 0 : -1 << (32 - prefix) });
    if (device.ip === 0) device.ip = ip | 0;
    device.addresses.push(ip | 0);
    device.namespace.addresses.add(ip | 0);
  }
  for (const record of program.routes) {
    namespaces[record.namespace].fib.learn(record, record.device === NONE ? null : devices[record.device]);
  }
  return addressed;
}

function loadNeighbours({ devices, neighbours }: Kernel, program: DatapathProgram): void {
  for (const { device: index, ip, macHigh, macLow } of program.neighbours) {
    const device = devices[index];
    const entry = neighbours.find(device, ip | 0) ?? neighbours.create(device, ip | 0);
    if (entry === null) continue;
    entry.state = NeighbourState.Permanent;
    entry.macHigh = macHigh;
    entry.macLow = macLow | 0;
  }
}

/** neigh_flush_dev: nobody is told. */
function dropWaiting(kernel: Kernel, entry: Neighbour): void {
  for (const packet of entry.queue) drop(kernel, packet, Drop.DevReady, Node.NeighbourOutput);
  entry.queue.length = 0;
}

function isSameFlow(known: FlowRecord, record: FlowRecord): boolean {
  const fields = Object.keys({ ...known, ...record }) as (keyof FlowRecord)[];
  const defaults = { name: NONE, queryType: 0, sourcePorts: 1, udpSize: 0, untilAnswer: 0, ttl: 0, firstSequence: 0, family: Family.Ipv4, destination6: NO_ADDRESS6 };
  const [before, after]: FlowRecord[] = [{ ...defaults, ...known }, { ...defaults, ...record }];
  return fields.every((field) => String(before![field]) === String(after![field]));
}
