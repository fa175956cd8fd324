import { DeviceKind } from "../../assembly/abi/program";
import { isBridge, type BridgeNetworkState, type ContainerState, type DockerState, type EndpointState } from "../model/state";
import { linkRecord, shapes } from "./link";
import { ProgramBuilder } from "./program-builder";
import { Identity } from "../model/identity";

/** The records of hosts, bridges and sandboxes, and where names and addresses ended up. */
export interface CompiledNetwork {
  readonly builder: ProgramBuilder;
  /** Namespace index by name of host or container; a container without a sandbox of its own has its owner's. */
  readonly namespaces: ReadonlyMap<string, number>;
  /** Namespace index by address. */
  readonly owners: ReadonlyMap<number, number>;
}

/**
 * Lays the network out as the kernel has it: a root namespace per host with `lo` and its bridges, a namespace per sandbox with
 * `lo` and one veth pair per endpoint, whose other end is a port of the bridge.
 */
export function layOut(state: DockerState, seed: number): CompiledNetwork {
  const builder = new ProgramBuilder();
  const namespaces = new Map<string, number>();
  const owners = new Map<number, number>();
  const bridges = new Map<string, number>();
  const identity = new Identity(seed);
  const loopbackMtu = largestMtu(state);
  for (const { name, cpus, backlog } of state.hosts) {
    const namespace = builder.namespace(name, builder.host(name, { cpus, backlog }));
    namespaces.set(name, namespace);
    builder.loopback(namespace, name, loopbackMtu);
    for (const network of state.networks.filter(isBridge).filter(({ host }) => host === name)) {
      bridges.set(bridgeKey(network), addBridge(builder, namespace, network, bridgeMtu(state, network)));
      owners.set(network.gateway, namespace);
    }
  }
  for (const container of state.containers.filter(({ running }) => running)) {
    if (container.network.mode === "host") namespaces.set(container.name, namespaces.get(container.host)!);
    if (container.network.mode === "container") namespaces.set(container.name, namespaces.get(container.network.container)!);
    if (container.network.mode !== "sandbox" && container.network.mode !== "none") continue;
    const namespace = builder.namespace(container.name, state.hosts.findIndex(({ name }) => name === container.host));
    namespaces.set(container.name, namespace);
    builder.loopback(namespace, container.name, loopbackMtu);
    for (const endpoint of container.endpoints) {
      const bridge = bridges.get(bridgeKey({ host: container.host, name: endpoint.network }))!;
      addEndpoint(builder, container, endpoint, { namespace, bridge, hostNamespace: namespaces.get(container.host)!, identity });
      owners.set(endpoint.ip, namespace);
    }
  }
  return { builder, namespaces, owners };
}

/** The MTU of a bridge is the smallest of its ports, 1500 without ports (Linux net/bridge/br_if.c: br_mtu_auto_adjust). */
export function bridgeMtu(state: DockerState, network: BridgeNetworkState): number {
  const ports = state.containers
    .filter(({ host }) => host === network.host)
    .flatMap(({ endpoints }) => endpoints.filter((endpoint) => endpoint.network === network.name));
  return ports.length === 0 ? 1500 : Math.min(...ports.map(({ mtu }) => mtu));
}

/**
 * Differs from Linux: `lo` has the largest MTU of the other devices, not 65536, because every packet slot would have to be
 * as long as that.
 */
function largestMtu({ containers }: DockerState): number {
  return containers.flatMap(({ endpoints }) => endpoints).reduce((largest, { mtu }) => Math.max(largest, mtu), 1500);
}

function addBridge(builder: ProgramBuilder, namespace: number, { bridge, host, gateway, subnet }: BridgeNetworkState, mtu: number): number {
  const displayName = `${host}:${bridge.displayName}`;
  const device = builder.device({ namespace, kind: DeviceKind.Bridge, displayName, mtu, mac: bridge.mac });
  builder.address(device, gateway, subnet.prefixLength);
  return device;
}

interface EndpointPlace {
  readonly namespace: number;
  readonly hostNamespace: number;
  readonly bridge: number;
  readonly identity: Identity;
}

function addEndpoint(builder: ProgramBuilder, container: ContainerState, endpoint: EndpointState, place: EndpointPlace): void {
  const { mtu, link } = endpoint;
  const inside = builder.device({
    namespace: place.namespace,
    kind: DeviceKind.Veth,
    displayName: `${container.name}:${endpoint.interfaceName}`,
    mtu,
    mac: endpoint.mac,
  });
  const outside = builder.device({
    namespace: place.hostNamespace,
    kind: DeviceKind.Veth,
    displayName: `${container.host}:${endpoint.vethName}`,
    mtu,
    // The kernel's choice for a new veth (Linux eth_hw_addr_random), in both generations.
    mac: place.identity.randomMac("veth", container.host, endpoint.vethName),
    master: place.bridge,
  });
  const field = `containers.${container.name}.networks.${endpoint.network}.link`;
  builder.pair(inside, outside, shapes(link) ? linkRecord(link, field, container.spec.position) : undefined);
  builder.address(inside, endpoint.ip, endpoint.prefixLength);
  if (container.gateway?.network === endpoint.network) builder.defaultRoute(inside, container.gateway.ip);
}

function bridgeKey({ host, name }: { readonly host: string; readonly name: string }): string {
  return `${host}/${name}`;
}
