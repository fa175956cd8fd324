import { BRIDGE_NF_IPV4, DEVICE_BAD_OFFLOAD, DEVICE_PORT_SECURITY, DeviceKind, RouteType } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import { SimulationError } from "../errors";
import type { HostState } from "../model/state";
import type { MachineSpec, SegmentSpec, UnderlaySpec } from "../model/underlay";
import type { HostRouteSpec, UplinkSpec } from "../model/world";
import { parseCidr } from "../net/cidr";
import { parseIpv4 } from "../net/ip";
import { parseMac } from "../net/mac";
import { type Laying, nameDevice } from "./laying";
import { addMachineIpv6, hasIpv6 } from "./ipv6";
import { linkRecord } from "./link";

/** Enough for a machine that is not looked at. */
const MACHINE_BACKLOG = 1000;
/** Of the switch's own device, which sends nothing. */
const SWITCH_MTU = 1500;
const TYPES: Readonly<Record<HostRouteSpec["type"], RouteType>> = {
  unicast: RouteType.Unicast,
  blackhole: RouteType.Blackhole,
  unreachable: RouteType.Unreachable,
  prohibit: RouteType.Prohibit,
};

/** Apart from hosts and machines, which may be called as they like. */
export function placeOfSwitch(segment: string): string {
  return `/switch ${segment}`;
}

/** The switches and machines around the hosts, cabled together; a switch is a bridge that takes no time. */
export function addUnderlay(laying: Laying, { segments, machines }: UnderlaySpec): void {
  const { builder, identity, places } = laying;
  for (const { name } of segments) {
    // What passes a switch meets rules if it has some: those of a partition.
    const namespace = builder.namespace(name, builder.host(name, { cpus: 1, backlog: MACHINE_BACKLOG, costless: 1 }), { forwarding: 0, bridgeNf: BRIDGE_NF_IPV4 });
    places.set(placeOfSwitch(name), namespace);
    const device = builder.device({ namespace, kind: DeviceKind.Bridge, displayName: `${name}:switch`, mtu: SWITCH_MTU, mac: identity.randomMac("switch", name) });
    nameDevice(laying, device, "switch");
  }
  for (const machine of machines) addMachine(laying, machine, segments);
}

function addMachine(laying: Laying, machine: MachineSpec, segments: readonly SegmentSpec[]): void {
  const { builder, namespaces, places } = laying;
  const { name, forwards, uplinks, routes } = machine;
  const namespace = builder.namespace(name, builder.host(name, { cpus: 1, backlog: MACHINE_BACKLOG }), { forwarding: forwards ? 1 : 0, forwarding6: forwards && hasIpv6(machine) ? 1 : 0 });
  namespaces.set(name, namespace);
  places.set(name, namespace);
  nameDevice(laying, builder.loopback(namespace, name), "lo");
  for (const uplink of uplinks) addUplink(laying, { namespace, name, uplink, segment: segmentOf(segments, uplink.segment) });
  for (const route of routes) addRoute(laying, namespace, name, route);
  addMachineIpv6(laying, namespace, machine);
}

/** A host's own cables and routes. */
export function addUplinks(laying: Laying, namespace: number, { name, world }: HostState, underlay: UnderlaySpec | undefined): void {
  for (const uplink of world.uplinks) {
    addUplink(laying, { namespace, name, uplink, segment: underlay && segmentOf(underlay.segments, uplink.segment ?? underlay.hostSegment) });
  }
  for (const route of world.routes) addRoute(laying, namespace, name, route);
}

interface UplinkPlace {
  readonly namespace: number;
  /** Of the host or machine. */
  readonly name: string;
  readonly uplink: UplinkSpec;
  /** Absent: the cable is not plugged in. */
  readonly segment: SegmentSpec | undefined;
}

function addUplink(laying: Laying, { namespace, name, uplink, segment }: UplinkPlace): void {
  const { builder, identity, kernelDevices, owners, machines } = laying;
  const { mtu } = uplink;
  const displayName = `${name}:${uplink.name}`;
  const flags = uplink.badOffload === true ? DEVICE_BAD_OFFLOAD : 0;
  const device = builder.device({ namespace, kind: DeviceKind.Physical, displayName, mtu, flags, mac: parseMac(uplink.mac, `${displayName}: mac`) });
  nameDevice(laying, device, uplink.name);
  for (const text of uplink.addresses) {
    const cidr = parseCidr(text, `${displayName}: address`);
    if (cidr.family !== 4) continue;
    builder.address(device, cidr.address, cidr.prefixLength);
    owners.set(cidr.address, namespace);
    if (!machines.has(name)) machines.set(name, cidr.address);
  }
  if (!segment) return;
  const fabric = builder.namespaces.findIndex((_, index) => builder.namespaceNames[index] === segment.name);
  const master = kernelDevices.get(fabric)!.get("switch")!;
  const port = builder.device({
    namespace: fabric,
    kind: DeviceKind.Physical,
    displayName: `${segment.name}:${name}.${uplink.name}`,
    // A switch tells nobody of frames that are too long for a port.
    mtu: Math.min(mtu, uplink.pathMtu ?? mtu),
    mac: identity.randomMac("port", segment.name, displayName),
    master,
    flags: segment.portSecurity ? DEVICE_PORT_SECURITY : 0,
  });
  // Frames leave a host through a link, even one that does nothing to them.
  builder.pair(device, port, linkRecord({ ...segment.link, ...uplink.link }, `underlay ${segment.name}`));
}

function segmentOf(segments: readonly SegmentSpec[], name: string): SegmentSpec {
  const segment = segments.find((candidate) => candidate.name === name);
  if (!segment) throw new SimulationError("INVALID_INPUT", `segment: expected one of ${segments.map((each) => each.name).join(", ")}, found ${name}`);
  return segment;
}

function addRoute({ builder, kernelDevices }: Laying, namespace: number, name: string, route: HostRouteSpec): void {
  const { destination, type, via, device: deviceName, source, metric = 0 } = route;
  const field = `${name}: route ${destination}`;
  const target = parseCidr(destination === "default" ? "0.0.0.0/0" : destination, field);
  // IPv6 has routes of its own (ipv6.ts).
  if (target.family !== 4 || via?.includes(":") === true) return;
  const gateway = via === undefined ? 0 : parseIpv4(via, field);
  const named = deviceName === undefined ? undefined : kernelDevices.get(namespace)?.get(deviceName);
  const device = named ?? (via === undefined ? NONE : deviceTowards(builder, namespace, gateway));
  if (type === "unicast" && device === NONE) throw new SimulationError("INVALID_INPUT", `${field}: expected a device or a gateway on a subnet of ${name}, found ${via ?? deviceName ?? "neither"}`);
  const source4 = source === undefined ? 0 : parseIpv4(source, field);
  builder.route({ namespace, destination: target.network, prefix: target.prefixLength, type: TYPES[type], device, gateway, source: source4, metric });
}

function deviceTowards({ addresses, devices }: Laying["builder"], namespace: number, ip: number): number {
  const found = addresses.find(({ device, ip: own, prefix }) => devices[device]!.namespace === namespace && prefix > 0 && (own ^ ip) >>> (32 - prefix) === 0);
  return found?.device ?? NONE;
}
