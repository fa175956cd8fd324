/** IPv6 of hosts and sandboxes, as the kernel and the daemons set it up. */
import { DeviceKind } from "../../assembly/abi/program";
import { type BridgeNetworkState, type ContainerState, type HostState, isBridge } from "../model/state";
import type { MachineSpec } from "../model/underlay";
import type { HostWorld } from "../model/world";
import { parseCidr } from "../net/cidr";
import { ipvlanLinkLocal, linkLocalAddress, parseIpv6 } from "../net/ip";
import type { Laying } from "./laying";

const LOOPBACK = 1n;
const LINK_LOCAL = 0xfe80n << 112n;
/** What Docker gives the bridge of a network with IPv6 beside the kernel's own address (libnetwork setup_ipv6_linux.go: bridgeIPv6). */
const BRIDGE_LINK_LOCAL = LINK_LOCAL | 1n;
/** Of a default route that names no metric (Linux IP6_RT_PRIO_USER). */
const DEFAULT_METRIC = 1024;

/** A host's loopback device, cables and routes. */
export function addHostIpv6(laying: Laying, namespace: number, { name, world }: HostState): void {
  if (world.ipv6) addCablesIpv6(laying, namespace, name, world);
}

/** The same of a machine of the underlay, where it has IPv6 addresses. */
export function addMachineIpv6(laying: Laying, namespace: number, machine: MachineSpec): void {
  if (hasIpv6(machine)) addCablesIpv6(laying, namespace, machine.name, machine);
}

export function hasIpv6({ uplinks }: Pick<MachineSpec, "uplinks">): boolean {
  return uplinks.some(({ addresses }) => addresses.some((address) => address.includes(":")));
}

function addCablesIpv6(laying: Laying, namespace: number, name: string, { uplinks, routes }: Pick<HostWorld, "uplinks" | "routes">): void {
  const { builder, kernelDevices, owners, machines6 } = laying;
  const devices = kernelDevices.get(namespace);
  addAddress(laying, devices?.get("lo"), LOOPBACK, 128);
  for (const uplink of uplinks) {
    const device = devices?.get(uplink.name);
    for (const text of uplink.addresses.filter((address) => address.includes(":"))) {
      const [address = "", prefix = "128"] = text.split("/");
      const ip = parseIpv6(address, `${name}:${uplink.name}: address`);
      addAddress(laying, device, ip, Number(prefix));
      owners.set(ip, namespace);
      if (!machines6.has(name)) machines6.set(name, ip);
    }
    addLinkLocal(laying, device);
  }
  for (const { destination, via, device: deviceName, type } of routes) {
    const isDefault = destination === "default" && via?.includes(":") === true;
    const device = devices?.get(deviceName ?? uplinks.find(({ addresses }) => addresses.some((address) => via !== undefined && isOnLink(address, via)))?.name ?? "");
    if (type !== "unicast" || device === undefined || (!isDefault && !destination.includes(":"))) continue;
    const target = parseCidr(isDefault ? "::/0" : destination, `${name}: route ${destination}`);
    const gateway = via === undefined ? 0n : parseIpv6(via, `${name}: route ${destination}`);
    if (target.family === 6) builder.route6(device, target.network, target.prefixLength, { gateway, metric: DEFAULT_METRIC });
  }
}

/** Whether a gateway is on the network of an IPv6 address. */
function isOnLink(address: string, via: string): boolean {
  if (!address.includes(":") || !via.includes(":")) return false;
  const { network, prefixLength } = parseCidr(address, "address");
  return parseCidr(`${via}/${prefixLength}`, "via").network === network;
}

/** The bridge of a network, whose own address the kernel makes, and those that the daemon gives it. */
export function addBridgeIpv6(laying: Laying, device: number, { subnet6, gateway6, enableIpv6 }: BridgeNetworkState, { world }: HostState): void {
  if (!world.ipv6) return;
  if (gateway6 !== undefined && subnet6 !== undefined) {
    addAddress(laying, device, gateway6, subnet6.prefixLength);
    if (enableIpv6) addAddress(laying, device, BRIDGE_LINK_LOCAL, 64);
  }
  addLinkLocal(laying, device);
}

/** Docker turns `net.ipv6.conf.all.forwarding` on for the first network with IPv6 (libnetwork setup_ipv6_linux.go, setup_ip_forwarding.go). */
export function forwardsIpv6(laying: Laying, host: HostState): number {
  return host.world.ipv6 && laying.state.networks.some((network) => network.host === host.name && isBridge(network) && network.enableIpv6) ? 1 : 0;
}

/** Devices without an address of a network have no IPv6 at all; the loopback device has it if another one does, since Docker 26 always. */
export function addSandboxIpv6(laying: Laying, namespace: number, { endpoints, gateway6, host }: ContainerState): void {
  const { builder, kernelDevices, state, owners } = laying;
  const devices = kernelDevices.get(namespace);
  const isKnown = state.hosts.find(({ name }) => name === host)?.world.ipv6 === true;
  if (isKnown && (state.generation !== "20.10" || endpoints.some(({ ipv6 }) => ipv6 !== undefined))) addAddress(laying, devices?.get("lo"), LOOPBACK, 128);
  for (const { interfaceName, ipv6, prefixLength6, network } of endpoints) {
    const device = devices?.get(interfaceName);
    if (device === undefined) continue;
    if (ipv6 === undefined || !isKnown) {
      builder.disableIpv6(device);
      continue;
    }
    addAddress(laying, device, ipv6, prefixLength6);
    addLinkLocal(laying, device);
    owners.set(ipv6, namespace);
    if (gateway6?.network === network) builder.route6(device, 0n, 0, { gateway: gateway6.ip, metric: DEFAULT_METRIC });
  }
}

function addAddress({ builder }: Laying, device: number | undefined, address: bigint, prefix: number): void {
  if (device !== undefined) builder.address6(device, address, prefix);
}

/** The kernel's own address. */
function addLinkLocal(laying: Laying, device: number | undefined): void {
  if (device === undefined) return;
  const { builder } = laying;
  const { macHigh, macLow, kind, peer } = builder.devices[device]!;
  const mac = macHigh * 2 ** 32 + macLow;
  const sharing = builder.devices.slice(0, device + 1).filter((other) => other.kind === DeviceKind.Ipvlan && other.peer === peer);
  addAddress(laying, device, kind === DeviceKind.Ipvlan ? ipvlanLinkLocal(mac, sharing.length) : linkLocalAddress(mac), 64);
}
