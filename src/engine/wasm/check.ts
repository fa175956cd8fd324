import { EXPONENTIAL_ENTRIES } from "../../../assembly/abi/limits";
import { NODE_COUNT } from "../../../assembly/abi/node";
import { DeviceKind, RouteType } from "../../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../assembly/abi/protocol";
import { ABI_VERSION, NONE } from "../../../assembly/abi/version";
import { SimulationError } from "../../errors";
import { checkIpvs } from "../check-ipvs";
import { checkVxlans } from "../check-vxlans";
import { eventsOfRecords } from "../event-room";
import { checkRules } from "./check-rules";
import type { InjectedFrame, ObserveOptions } from "../engine";
import type { Capacity, DatapathProgram, FlowRecord, ProgramPatch, SocketRecord } from "../program";

const ETHERNET_HEADER = 14;
/** Of 802.1Q. */
const TAG = 4;
const VLANS = 4096;
/** Of macvlan; ipvlan has fewer. */
const MODES = 4;
/** 65,535 without an IPv4 header and eight bytes of UDP or ICMP. */
const MESSAGE_MAX = 65_507;
/** A segment of the smallest MSS with its headers, rounded up. */
const FRAME_MIN = 128;
/** Events that belong to no table, such as those of replaced flows. */
const SPARE_EVENTS = 64;

/** How many of each a loaded engine has. */
export interface Sizes {
  namespaces: number;
  devices: number;
  links: number;
  rules: number;
  flows: number;
  sockets: number;
}

/** What a program must leave as it is when it replaces another one. */
export type Network = Pick<DatapathProgram, "hosts" | "namespaces" | "devices" | "links">;

export function networkOf({ hosts, namespaces, devices, links }: DatapathProgram): Network {
  return { hosts, namespaces, devices, links };
}

/** Sizes once a program is in force; of flows and sockets there may be more than it has. */
export function sizesOf({ namespaces, devices, links, flows, sockets, rules }: DatapathProgram, before?: Sizes): Sizes {
  return {
    namespaces: namespaces.length,
    devices: devices.length,
    links: links.length,
    flows: Math.max(flows.length, before?.flows ?? 0),
    sockets: Math.max(sockets.length, before?.sockets ?? 0),
    rules: rules.length,
  };
}

/** Refuses what would not fit its own capacity, and indices that lead nowhere: the engine itself trusts them. */
export function checkProgram(program: DatapathProgram): void {
  const { capacity } = program;
  checkCapacity(capacity);
  checkLength("costs", program.costs, NODE_COUNT);
  checkLength("exponential", program.exponential, EXPONENTIAL_ENTRIES);
  checkTables(program, capacity);
}

/** Refuses a program that the tables made at load cannot hold, or in which an index would become another thing. */
export function checkReload(program: DatapathProgram, before: Network, capacity: Capacity): void {
  checkTables(program, capacity);
  for (const table of ["hosts", "namespaces", "devices", "links"] as const) {
    const [least, found] = [before[table].length, program[table].length];
    if (found < least) throw new SimulationError("INVALID_INPUT", `${table}: expected at least the ${least} that there are, found ${found}`);
  }
  before.hosts.forEach(({ cpus, backlog, costless = 0 }, index) => {
    const host = program.hosts[index]!;
    checkSame(() => `hosts[${index}].cpus`, cpus, host.cpus);
    checkSame(() => `hosts[${index}].backlog`, backlog, host.backlog);
    checkSame(() => `hosts[${index}].costless`, costless, host.costless ?? 0);
  });
  before.namespaces.forEach(({ host }, index) => checkSame(() => `namespaces[${index}].host`, host, program.namespaces[index]!.host));
  before.devices.forEach(({ kind, namespace }, index) => {
    const device = program.devices[index]!;
    if (kind === DeviceKind.Gone || device.kind === DeviceKind.Gone) return;
    checkSame(() => `devices[${index}].kind`, kind, device.kind);
    checkSame(() => `devices[${index}].namespace`, namespace, device.namespace);
  });
}

function checkSame(name: () => string, before: number, now: number): void {
  if (before !== now) throw new SimulationError("INVALID_INPUT", `${name()}: expected ${before} as before, found ${now}`);
}

function checkTables(program: DatapathProgram, capacity: Capacity): void {
  const { abi, hosts, namespaces, devices, flows, sockets, neighbours } = program;
  if (abi !== ABI_VERSION) throw new SimulationError("INVALID_INPUT", `abi: expected version ${ABI_VERSION}, found ${abi}`);
  checkRoom(program, capacity);
  if (namespaces.length === 0 || hosts.length === 0) throw new SimulationError("INVALID_INPUT", "namespaces: expected at least one, found none");
  hosts.forEach(({ cpus }, index) => checkIndex(() => `hosts[${index}].cpus`, cpus - 1, 1024));
  namespaces.forEach(({ host }, index) => checkIndex(() => `namespaces[${index}].host`, host, hosts.length));
  checkDevices(program);
  checkRoutes(program);
  checkIpv6(program);
  checkRules(program);
  checkIpvs(program, capacity);
  checkVxlans(program, capacity);
  const sizes = sizesOf(program);
  flows.forEach((record, index) => checkFlow(record, index, sizes));
  sockets.forEach((record, index) => checkSocket(record, index, sizes, capacity));
  neighbours.forEach(({ device }, index) => checkIndex(() => `neighbours[${index}].device`, device, devices.length));
}

export function checkPatch(patch: ProgramPatch, sizes: Sizes, capacity: Capacity): void {
  const { flows = [], sockets = [], devices = [], links = [], conntrack = [] } = patch;
  conntrack.forEach(({ namespace }, index) => checkIndex(`conntrack[${index}].namespace`, namespace, sizes.namespaces));
  checkLimit("flows", checkAppended("flows", flows, sizes.flows), capacity.flows);
  checkLimit("sockets", checkAppended("sockets", sockets, sizes.sockets), capacity.sockets);
  for (const { index } of devices) checkIndex("devices", index, sizes.devices);
  for (const { index } of links) checkIndex("links", index, sizes.links);
  for (const { index, record } of flows) checkFlow(record, index, sizes);
  for (const { index, record } of sockets) checkSocket(record, index, sizes, capacity);
}

export function checkFrames(frames: readonly InjectedFrame[], sizes: Sizes, capacity: Capacity): void {
  for (const { device, bytes } of frames) {
    checkIndex("device", device, sizes.devices);
    if (bytes.length > capacity.frameBytes) {
      throw new SimulationError("INVALID_INPUT", `bytes: expected a frame of at most ${capacity.frameBytes} bytes, found ${bytes.length}`);
    }
  }
}

export function checkObserve({ captureDevices }: ObserveOptions, sizes: Sizes): void {
  for (const device of captureDevices) checkIndex("captureDevices", device, sizes.devices);
}

function checkCapacity(capacity: Capacity): void {
  for (const [name, value] of Object.entries(capacity)) {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
      throw new SimulationError("INVALID_INPUT", `capacity.${name}: expected a count below 2^32, found ${value}`);
    }
  }
  checkLimit("events", eventsOfRecords(capacity) + SPARE_EVENTS, capacity.events);
}

/** The tables whose size the capacity bounds by the same name. */
const BOUNDED = ["hosts", "namespaces", "devices", "addresses", "routes", "neighbours", "links", "sockets", "flows", "chains", "rules"] as const;

function checkRoom(program: DatapathProgram, capacity: Capacity): void {
  const { devices } = program;
  for (const table of BOUNDED) checkLimit(table, program[table].length, capacity[table]);
  checkLimit("addresses", program.addresses6.length, capacity.addresses);
  checkLimit("routes", program.routes6.length, capacity.routes);
  checkLimit("neighbours", program.neighbours.length + program.neighbours6.length, capacity.neighbours);
  const header = ETHERNET_HEADER + (devices.some(({ kind }) => kind === DeviceKind.Vlan) ? TAG : 0);
  const frames = devices.filter(({ kind }) => kind !== DeviceKind.Loopback && kind !== DeviceKind.Gone).map(({ mtu }) => mtu + header);
  checkLimit("frameBytes", Math.max(FRAME_MIN, ...frames), capacity.frameBytes);
}

function checkDevices({ devices, namespaces, links }: DatapathProgram): void {
  devices.forEach(({ namespace, peer, master, link, mode = 0, vlan = 0 }, index) => {
    checkIndex(() => `devices[${index}].namespace`, namespace, namespaces.length);
    checkIndex(() => `devices[${index}].mode`, mode, MODES);
    checkIndex(() => `devices[${index}].vlan`, vlan, VLANS);
    checkOptional(() => `devices[${index}].peer`, peer, devices.length);
    checkOptional(() => `devices[${index}].master`, master, devices.length);
    checkOptional(() => `devices[${index}].link`, link, links.length);
    if (master !== NONE && (devices[master]!.kind !== DeviceKind.Bridge || devices[master]!.namespace !== namespace)) {
      throw new SimulationError("INVALID_INPUT", `devices[${index}].master: expected a bridge of the same namespace, found device ${master}`);
    }
  });
  // The number of a bridge has 16 bits beside a MAC in the keys of the forwarding databases.
  checkLimit("bridges", devices.filter(({ kind }) => kind === DeviceKind.Bridge).length, 0xffff);
}

function checkRoutes({ addresses, routes, devices, namespaces }: DatapathProgram): void {
  addresses.forEach(({ device }, index) => checkIndex(() => `addresses[${index}].device`, device, devices.length));
  routes.forEach(({ namespace, type, device, prefix }, index) => {
    checkIndex(() => `routes[${index}].namespace`, namespace, namespaces.length);
    checkIndex(() => `routes[${index}].prefix`, prefix, 33);
    const leadsSomewhere = type === RouteType.Unicast || type === RouteType.Broadcast;
    if (leadsSomewhere) checkIndex(() => `routes[${index}].device`, device, devices.length);
    else checkOptional(() => `routes[${index}].device`, device, devices.length);
  });
}

/** The records of IPv6. */
function checkIpv6({ addresses6, routes6, neighbours6, devices, namespaces }: DatapathProgram): void {
  addresses6.forEach(({ device, prefix }, index) => {
    checkIndex(() => `addresses6[${index}].device`, device, devices.length);
    checkIndex(() => `addresses6[${index}].prefix`, prefix, 129);
  });
  routes6.forEach(({ namespace, type, device, prefix }, index) => {
    checkIndex(() => `routes6[${index}].namespace`, namespace, namespaces.length);
    checkIndex(() => `routes6[${index}].prefix`, prefix, 129);
    if (type === RouteType.Unicast) checkIndex(() => `routes6[${index}].device`, device, devices.length);
    else checkOptional(() => `routes6[${index}].device`, device, devices.length);
  });
  neighbours6.forEach(({ device }, index) => checkIndex(() => `neighbours6[${index}].device`, device, devices.length));
}

function checkFlow({ protocol, namespace, bytes, responseBytes }: FlowRecord, index: number, sizes: Sizes): void {
  checkIndex(() => `flows[${index}].namespace`, namespace, sizes.namespaces);
  const isDatagram = protocol === PROTOCOL_UDP || protocol === PROTOCOL_ICMP;
  const longest = protocol === PROTOCOL_UDP ? Math.max(bytes, responseBytes) : bytes;
  if (isDatagram && longest > MESSAGE_MAX) {
    throw new SimulationError("INVALID_INPUT", `flows[${index}].bytes: expected at most ${MESSAGE_MAX} in a datagram, found ${longest}`);
  }
  if (protocol === PROTOCOL_TCP && bytes < 1) {
    throw new SimulationError("INVALID_INPUT", `flows[${index}].bytes: expected at least 1 in a TCP message, found ${bytes}`);
  }
}

/** A client's flow may come later, with a patch. */
function checkSocket({ namespace, port, protocol, flow }: SocketRecord, index: number, sizes: Sizes, capacity: Capacity): void {
  checkIndex(() => `sockets[${index}].namespace`, namespace, sizes.namespaces);
  checkIndex(() => `sockets[${index}].port`, port, 65536);
  checkIndex(() => `sockets[${index}].protocol`, protocol, 256);
  checkOptional(() => `sockets[${index}].flow`, flow, capacity.flows);
}

/** Indices in use or one past the end, each. Returns how many there are afterwards. */
function checkAppended(field: string, entries: readonly { readonly index: number }[], length: number): number {
  let size = length;
  for (const { index } of entries) {
    checkIndex(field, index, size + 1);
    size = Math.max(size, index + 1);
  }
  return size;
}

function checkOptional(field: FieldName, index: number, size: number): void {
  if (index !== NONE) checkIndex(field, index, size);
}

/** Most checks pass: a name is put together where it is told. */
type FieldName = string | (() => string);

function checkIndex(name: FieldName, index: number, size: number): void {
  if (Number.isInteger(index) && index >= 0 && index < size) return;
  const field = typeof name === "string" ? name : name();
  throw new SimulationError("INVALID_INPUT", `${field}: expected an index below ${size}, found ${index}`);
}

function checkLength(field: string, entries: readonly unknown[], length: number): void {
  if (entries.length === length) return;
  throw new SimulationError("INVALID_INPUT", `${field}: expected ${length} entries, found ${entries.length}`);
}

function checkLimit(name: string, needed: number, available: number): void {
  if (needed <= available) return;
  throw new SimulationError("LIMIT_EXCEEDED", `capacity.${name}: expected at least ${needed}, found ${available}`, { limit: name, needed });
}
