import { DeviceKind } from "../../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../assembly/abi/protocol";
import { ABI_VERSION, NONE } from "../../../assembly/abi/version";
import { SimulationError } from "../../errors";
import { checkIpvs } from "../check-ipvs";
import { checkVxlans } from "../check-vxlans";
import { eventsOfRecords } from "../event-room";
import type { InjectedFrame } from "../engine";
import type { Capacity, DatapathProgram, FlowRecord, ProgramPatch } from "../program";
import type { Kernel } from "./kernel";
import { checkRules } from "./netfilter/check";
import { DATAGRAM_MAX } from "./memory/memory";
import { ETHERNET_HEADER } from "./wire/ethernet";
import { ICMP_HEADER } from "./wire/icmp";
import { IPV4_HEADER } from "./wire/ipv4";
import { TAG } from "./wire/vlan";

/** The largest UDP payload, and the largest data of an echo: both headers have 8 bytes. */
const MESSAGE_MAX = DATAGRAM_MAX - IPV4_HEADER - ICMP_HEADER;
/** A segment of the smallest MSS with its headers, rounded up. */
const FRAME_MIN = 128;
/** Events that belong to no table, such as those of replaced flows. */
const SPARE_EVENTS = 64;

/** The tables whose size the capacity bounds by the same name. */
const TABLES = [
  "hosts",
  "namespaces",
  "devices",
  "addresses",
  "routes",
  "neighbours",
  "links",
  "sockets",
  "flows",
  "chains",
  "rules",
] as const;

/** Refuses what the engine could not hold or would not understand. */
export function checkProgram(program: DatapathProgram): void {
  const { capacity } = program;
  checkTables(program, capacity);
  limit("events", eventsOfRecords(capacity) + SPARE_EVENTS, capacity.events);
}

/** Refuses new tables that do not fit the ones that were made at load, or in which an index would become another thing. */
export function checkReload(program: DatapathProgram, kernel: Kernel, capacity: Capacity): void {
  checkTables(program, capacity);
  const { hosts, namespaces, devices, links } = kernel;
  for (const [field, found, least] of [
    ["hosts", program.hosts.length, hosts.length],
    ["namespaces", program.namespaces.length, namespaces.length],
    ["devices", program.devices.length, devices.length],
    ["links", program.links.length, links.length],
  ] as const) {
    if (found < least) throw new SimulationError("INVALID_INPUT", `${field}: expected at least the ${least} that there are, found ${found}`);
  }
  hosts.forEach(({ cpus, backlog, costless }, index) => {
    const record = program.hosts[index];
    const isSame = record.cpus === cpus.length && record.backlog === backlog && (record.costless ?? 0) === costless;
    if (!isSame) changed(`hosts[${index}]`, "the same CPUs, backlog and cost");
  });
  namespaces.forEach(({ host }, index) => {
    if (hosts[program.namespaces[index].host] !== host) changed(`namespaces[${index}].host`, "the same host");
  });
  devices.forEach(({ kind, namespace }, index) => {
    const record = program.devices[index];
    if (kind === DeviceKind.Gone || record.kind === DeviceKind.Gone) return;
    if (record.kind !== kind || record.namespace !== namespace.index) changed(`devices[${index}]`, "the same kind in the same namespace, or none");
  });
}

function changed(field: string, expected: string): never {
  throw new SimulationError("INVALID_INPUT", `${field}: expected ${expected} as before, found another`);
}

function checkTables(program: DatapathProgram, capacity: Capacity): void {
  const { abi, devices, flows } = program;
  if (abi !== ABI_VERSION) throw new SimulationError("INVALID_INPUT", `abi: expected version ${ABI_VERSION}, found ${abi}`);
  for (const table of TABLES) limit(table, program[table].length, capacity[table]);
  limit("addresses", program.addresses6.length, capacity.addresses);
  limit("routes", program.routes6.length, capacity.routes);
  limit("neighbours", program.neighbours.length + program.neighbours6.length, capacity.neighbours);
  const tag = devices.some(({ kind }) => kind === DeviceKind.Vlan) ? TAG : 0;
  const mtus = devices.filter(({ kind }) => kind !== DeviceKind.Loopback && kind !== DeviceKind.Gone).map(({ mtu }) => mtu + ETHERNET_HEADER + tag);
  limit("frameBytes", Math.max(FRAME_MIN, ...mtus), capacity.frameBytes);
  devices.forEach((_, index) => checkMaster(devices, index));
  flows.forEach(checkFlow);
  checkRules(program);
  checkIpvs(program, capacity);
  checkVxlans(program, capacity);
}

/** br_add_if: a port is where its bridge is. */
function checkMaster(devices: DatapathProgram["devices"], index: number): void {
  const { master, namespace } = devices[index];
  if (master === NONE) return;
  const bridge = devices[master];
  if (bridge?.kind === DeviceKind.Bridge && bridge.namespace === namespace) return;
  throw new SimulationError("INVALID_INPUT", `devices[${index}].master: expected a bridge of the same namespace, found device ${master}`);
}

export function checkPatch(patch: ProgramPatch, kernel: Kernel, capacity: Capacity): void {
  const { program } = patch;
  if (program !== undefined) checkReload(program, kernel, capacity);
  const count = (field: "flows" | "sockets" | "devices" | "links", now: number) => Math.max(now, program?.[field].length ?? 0);
  const flows = checkIndices("flows", patch.flows ?? [], count("flows", kernel.flows.length));
  const sockets = checkIndices("sockets", patch.sockets ?? [], count("sockets", kernel.sockets.sockets.length));
  limit("flows", flows, capacity.flows);
  limit("sockets", sockets, capacity.sockets);
  for (const { index } of patch.devices ?? []) checkIndex("devices", index, count("devices", kernel.devices.length));
  for (const { index } of patch.links ?? []) checkIndex("links", index, count("links", kernel.links.length));
  for (const { index, record } of patch.flows ?? []) checkFlow(record, index);
  const namespaces = program?.namespaces.length ?? kernel.namespaces.length;
  (patch.conntrack ?? []).forEach(({ namespace }, index) => checkIndex(`conntrack[${index}].namespace`, namespace, namespaces));
}

export function checkFrames(frames: readonly InjectedFrame[], kernel: Kernel, capacity: Capacity): void {
  for (const { device, bytes } of frames) {
    checkIndex("device", device, kernel.devices.length);
    if (bytes.length > capacity.frameBytes) {
      throw new SimulationError("INVALID_INPUT", `bytes: expected a frame of at most ${capacity.frameBytes} bytes, found ${bytes.length}`);
    }
  }
}

/** Indices in use or one past the end, each. Returns how many there are afterwards. */
function checkIndices(field: string, entries: readonly { readonly index: number }[], length: number): number {
  let size = length;
  for (const { index } of entries) {
    checkIndex(field, index, size + 1);
    size = Math.max(size, index + 1);
  }
  return size;
}

function checkIndex(field: string, index: number, size: number): void {
  if (Number.isInteger(index) && index >= 0 && index < size) return;
  throw new SimulationError("INVALID_INPUT", `${field}: expected an index below ${size}, found ${index}`);
}

function checkFlow({ protocol, bytes, responseBytes }: FlowRecord, index: number): void {
  const isDatagram = protocol === PROTOCOL_UDP || protocol === PROTOCOL_ICMP;
  const longest = protocol === PROTOCOL_UDP ? Math.max(bytes, responseBytes) : bytes;
  if (isDatagram && longest > MESSAGE_MAX) {
    throw new SimulationError("INVALID_INPUT", `flows[${index}].bytes: expected at most ${MESSAGE_MAX} in a datagram, found ${longest}`);
  }
  if (protocol === PROTOCOL_TCP && bytes < 1) {
    throw new SimulationError("INVALID_INPUT", `flows[${index}].bytes: expected at least 1 in a TCP message, found ${bytes}`);
  }
}

function limit(name: string, needed: number, available: number): void {
  if (needed <= available) return;
  throw new SimulationError("LIMIT_EXCEEDED", `capacity.${name}: expected at least ${needed}, found ${available}`, { limit: name, needed });
}
