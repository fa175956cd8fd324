import { BRIDGE_NF_IPV4, BRIDGE_NF_IPV6, DEVICE_ROUTE_LOCALNET, DeviceKind } from "../../assembly/abi/program";
import type { XfrmTables } from "../engine/program";
import { rulesOf } from "../model/generations";
import { Identity } from "../model/identity";
import { unsupported } from "../model/refusal";
import { containerLabel } from "../model/labels";
import type { DockerGeneration } from "../model/spec";
import { type BridgeNetworkState, type ContainerState, type DockerState, type EndpointState, hasParent, type HostState, isBridge, type NetworkState } from "../model/state";
import type { UnderlaySpec } from "../model/underlay";
import { addBridgeIpv6, addHostIpv6, addSandboxIpv6, forwardsIpv6 } from "./ipv6";
import { addBridgeCable } from "./cable";
import { bridgeKey, type EndpointPlace, type Laying, nameDevice } from "./laying";
import { hasOverlays, type OverlayLayer } from "./overlays";
import { addChild, addParents, type ParentDevices } from "./parents";
import { Memo } from "./memo";
import { type PreviousLayout, ProgramBuilder } from "./program-builder";
import { addUnderlay, addUplinks } from "./world";

/** The records of hosts, bridges and sandboxes, and where names and addresses ended up. */
export interface CompiledNetwork {
  readonly builder: ProgramBuilder;
  readonly memo: Memo;
  /** Namespace index by name of host, machine or container; a container without a sandbox of its own has its owner's. */
  readonly namespaces: ReadonlyMap<string, number>;
  /** Namespace index by host or machine, and by `host/container`: unambiguous where two hosts have containers of one name. */
  readonly places: ReadonlyMap<string, number>;
  /** Namespace index by address. */
  readonly owners: ReadonlyMap<number | bigint, number>;
  /** First address of hosts and machines with cables, by name. */
  readonly machines: Map<string, number>;
  /** The same of IPv6. */
  readonly machines6: Map<string, bigint>;
  /** Device index by the kernel's name, of each namespace. */
  readonly kernelDevices: ReadonlyMap<number, ReadonlyMap<string, number>>;
  readonly xfrm: XfrmTables | undefined;
}

export interface LayoutOptions {
  readonly seed: number;
  readonly underlay?: UnderlaySpec | undefined;
  /** net.ipv4.ip_forward that new sandboxes have; on unless given. */
  readonly sandboxForwarding?: boolean;
  /** Lays out the overlay networks of swarms; a state that has none can do without. */
  readonly overlays?: OverlayLayer | undefined;
}

/**
 * Lays the network out as the kernel has it: a root namespace per host with `lo`, uplinks and bridges, a namespace per sandbox with
 * `lo` and one device per endpoint: a veth pair whose other end is a port of the bridge, or a device on top of the network's parent.
 */
export function layOut(state: DockerState, { seed, underlay, sandboxForwarding = true, overlays }: LayoutOptions, previous?: PreviousLayout): CompiledNetwork {
  if (overlays === undefined && hasOverlays(state)) unsupported("swarm", "packets on the networks of a swarm that was not announced");
  const laying: Laying = {
    overlays,
    forwards: sandboxForwarding,
    builder: new ProgramBuilder(previous),
    state,
    memo: new Memo(previous?.memo),
    identity: new Identity(seed),
    namespaces: new Map(),
    places: new Map(),
    owners: new Map(),
    machines: new Map(),
    machines6: new Map(),
    kernelDevices: new Map(),
    bridges: new Map(),
    overlayNetworks: new Map(),
  };
  if (underlay) addUnderlay(laying, underlay);
  const parents = new Map(state.hosts.map((host) => [host.name, addHost(laying, host, underlay)]));
  const running = state.containers.filter((container) => container.running);
  for (const container of running) {
    const { mode } = container.network;
    if (mode !== "sandbox" && mode !== "none" && !isOrphan(container)) continue;
    addSandbox(laying, container, parents.get(container.host)!);
  }
  // Those that share the sandbox of another one, which may share a third one's.
  const sharing = running.filter(({ network }) => network.mode === "host" || network.mode === "container");
  for (let left = sharing.length; left > 0; left--) for (const container of sharing) shareNamespace(laying, container);
  return { ...laying, xfrm: overlays?.encryption(laying) };
}

/**
 * The MTU of a bridge is the smallest of its ports, 1500 without ports (Linux net/bridge/br_if.c: br_mtu_auto_adjust), but where
 * Docker has set one, which keeps Linux from adjusting it.
 */
export function bridgeMtu(state: DockerState, { host, name, mtu }: BridgeNetworkState): number {
  if (mtu > 0 && rulesOf(state.generation).networks.bridgeTakesMtu) return mtu;
  const known = smallestMtus.get(state) ?? findSmallestMtus(state);
  smallestMtus.set(state, known);
  return known.get(bridgeKey({ host, name })) ?? 1500;
}

const smallestMtus = new WeakMap<DockerState, ReadonlyMap<string, number>>();

/** Looked up once for a state: every bridge asks. */
function findSmallestMtus({ containers, hosts }: DockerState): ReadonlyMap<string, number> {
  const smallest = new Map<string, number>();
  const sandboxes = hosts.flatMap(({ name: host, swarm }) => (swarm?.sandboxes ?? []).map(({ endpoints }) => ({ host, endpoints })));
  for (const { host, endpoints } of [...containers, ...sandboxes]) {
    for (const { network, mtu } of endpoints) {
      const key = bridgeKey({ host, name: network });
      smallest.set(key, Math.min(mtu, smallest.get(key) ?? mtu));
    }
  }
  return smallest;
}

function isOrphan({ network }: ContainerState): boolean {
  return network.mode === "container" && network.orphaned;
}

function addHost(laying: Laying, host: HostState, underlay: UnderlaySpec | undefined): ParentDevices {
  const { builder, state, namespaces, places, bridges, owners } = laying;
  const { name, cpus, backlog } = host;
  const networks = state.networks.filter((network) => network.host === name && !network.configOnly);
  const bridgeNf = filtersBridges(host, networks, state.generation) ? BRIDGE_NF_IPV4 | BRIDGE_NF_IPV6 : 0;
  const settings = { forwarding: Number(host.world.ipForward), bridgeNf, forwarding6: forwardsIpv6(laying, host) };
  const namespace = builder.namespace(name, builder.host(name, { cpus, backlog }), settings);
  namespaces.set(name, namespace);
  places.set(name, namespace);
  nameDevice(laying, builder.loopback(namespace, name), "lo");
  addUplinks(laying, namespace, host, underlay);
  addHostIpv6(laying, namespace, host);
  const [taken, own] = [true, false].map((isTaken) => networks.filter(isBridge).filter(({ bridge }) => "taken" in bridge === isTaken)) as [BridgeNetworkState[], BridgeNetworkState[]];
  for (const network of own) {
    bridges.set(bridgeKey(network), addBridge(laying, namespace, network, host));
    if (!network.bridge.inhibitIpv4) owners.set(network.gateway, namespace);
  }
  for (const network of taken) {
    const taker = own.find(({ bridge }) => bridge.device === network.bridge.device);
    bridges.set(bridgeKey(network), taker ? bridges.get(bridgeKey(taker))! : addBridge(laying, namespace, network, host));
  }
  const parents = addParents(laying, namespace, name, networks.filter(hasParent));
  laying.overlays?.addHost(laying, host);
  return parents;
}

/** libnetwork endpoint.go: linkLocalMask. */
const LINK_LOCAL_PREFIX = 16;

/** Whether bridged packets meet iptables and ip6tables, as they do both once br_netfilter is there: the daemon turns it on where its rules would be idle otherwise (libnetwork setup_bridgenetfiltering.go). */
function filtersBridges({ world, flags }: HostState, networks: readonly NetworkState[], generation: DockerGeneration): boolean {
  if (world.bridgeNetfilter) return true;
  const isNeeded = !flags.userlandProxy || networks.some((network) => isBridge(network) && !network.bridge.icc);
  return flags.iptables && (isNeeded || rulesOf(generation).loadsBridgeNetfilter);
}

function addBridge(laying: Laying, namespace: number, network: BridgeNetworkState, owner: HostState): number {
  const { flags } = owner;
  const { builder, state } = laying;
  const { bridge, host, gateway, subnet, id } = network;
  const displayName = `${host}:${bridge.displayName}`;
  const mtu = bridgeMtu(state, network);
  // Without the userland proxy the host's own connections to 127.0.0.1 are translated and routed here (libnetwork setup_device.go: setupLoopbackAddressesRouting).
  const routesLoopback = flags.userlandProxy ? 0 : DEVICE_ROUTE_LOCALNET;
  const device = builder.device({ namespace, kind: DeviceKind.Bridge, displayName, mtu, mac: bridge.mac, flags: routesLoopback, key: `${host}/${id}` });
  nameDevice(laying, device, bridge.device);
  if ("taken" in bridge) {
    if (bridge.taken) builder.address(device, Number(bridge.taken.address), bridge.taken.prefixLength);
    return device;
  }
  if (!bridge.inhibitIpv4) builder.address(device, gateway, subnet.prefixLength);
  addBridgeIpv6(laying, device, network, owner);
  return device;
}

function addSandbox(laying: Laying, container: ContainerState, parents: ParentDevices): void {
  const { builder, state, namespaces, places, owners, forwards } = laying;
  const { name, host, startOrder, spec } = container;
  const label = containerLabel(state, container);
  // A container that was started again is in another namespace, with none of the neighbours and connections of the one before.
  const key = `${host}/${name}#${startOrder}`;
  const forwarding = Number(spec.sysctls?.["net.ipv4.ip_forward"] ?? (forwards ? 1 : 0));
  const forwarding6 = Number(spec.sysctls?.["net.ipv6.conf.all.forwarding"] ?? 0);
  const namespace = builder.namespace(label, builder.namespaces[places.get(host)!]!.host, { forwarding, forwarding6, key });
  if (!namespaces.has(label)) namespaces.set(label, namespace);
  places.set(`${host}/${name}`, namespace);
  nameDevice(laying, builder.loopback(namespace, label, `${key}:lo`), "lo");
  for (const endpoint of container.endpoints) {
    const device = addEndpoint(laying, container, endpoint, parents, { host, namespace, label, key: `${key}:${endpoint.networkId}:${endpoint.interfaceName}` });
    if (endpoint.ip !== 0) {
      builder.address(device, endpoint.ip, endpoint.prefixLength);
      owners.set(endpoint.ip, namespace);
    }
    for (const address of endpoint.linkLocal ?? []) {
      builder.address(device, address, LINK_LOCAL_PREFIX);
      owners.set(address, namespace);
    }
    if (container.gateway?.network === endpoint.network) builder.defaultRoute(device, container.gateway.ip);
  }
  addSandboxIpv6(laying, namespace, container);
}

function addEndpoint(laying: Laying, { spec, name }: ContainerState, endpoint: EndpointState, parents: ParentDevices, place: EndpointPlace): number {
  const { bridges, overlays } = laying;
  if (endpoint.cable !== undefined && overlays) return overlays.join(laying, endpoint, place);
  const bridge = bridges.get(bridgeKey({ host: place.host, name: endpoint.network }));
  if (bridge !== undefined) return addBridgeCable(laying, endpoint, place, { bridge, field: `containers.${name}.networks.${endpoint.network}.link`, position: spec.position });
  const device = addChild(laying, parents, endpoint, place);
  nameDevice(laying, device, endpoint.interfaceName);
  return device;
}

function shareNamespace({ namespaces, places, state }: Laying, container: ContainerState): void {
  const { network, host, name } = container;
  if (network.mode !== "host" && (network.mode !== "container" || network.orphaned)) return;
  const namespace = places.get(network.mode === "host" ? host : `${host}/${network.container}`);
  if (namespace === undefined) return;
  places.set(`${host}/${name}`, namespace);
  const label = containerLabel(state, container);
  if (!namespaces.has(label)) namespaces.set(label, namespace);
}
