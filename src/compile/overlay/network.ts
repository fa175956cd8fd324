import { DEVICE_VXLAN_L2MISS, DEVICE_VXLAN_L3MISS, DEVICE_VXLAN_LEARNING, DEVICE_VXLAN_PROXY, DeviceKind } from "../../../assembly/abi/program";
import { SimulationError } from "../../errors";
import type { EndpointState, HostState, OverlaySubnetState, SwarmNetworkState } from "../../model/state";
import { ipv4Mask } from "../../net/cidr";
import { addVethCable } from "../cable";
import { type EndpointPlace, type Laying, nameDevice } from "../laying";
import { viewOf } from "../overlays";
import type { Made } from "../memo";
import { type PeerRecords, peerRecords } from "../program-builder";
import { type Remote, remotesKnownTo } from "./knowledge";

/** libnetwork drivers/overlay/ov_utils.go: createVxlan. */
const TUNNEL_FLAGS = DEVICE_VXLAN_LEARNING | DEVICE_VXLAN_PROXY | DEVICE_VXLAN_L2MISS | DEVICE_VXLAN_L3MISS;

/** Of namespaces by host and network. */
export function overlayKey(host: string, networkId: string): string {
  return `${host}/${networkId}`;
}

/** What the namespace of a network is called by people. */
export function overlayName(host: string, network: string): string {
  return `${host}/overlay/${network}`;
}

/**
 * The namespace of an overlay network on one host: for each subnet a bridge that has the gateway's address and a VXLAN device as a port
 * (libnetwork drivers/overlay/ov_network.go: setupSubnetSandbox), whose packets leave from the host's namespace, where it was made.
 */
export function addOverlayNamespace(laying: Laying, host: HostState, network: SwarmNetworkState): void {
  const { builder, places, overlayNetworks, forwards } = laying;
  const name = overlayName(host.name, network.name);
  const key = `overlay ${overlayKey(host.name, network.id)}`;
  const underlay = places.get(host.name)!;
  const namespace = builder.namespace(name, builder.namespaces[underlay]!.host, { forwarding: Number(forwards), key });
  places.set(`${host.name}/overlay:${network.name}`, namespace);
  nameDevice(laying, builder.loopback(namespace, name, `${key}:lo`), "lo");
  const place = { name, key, namespace, underlay };
  const subnets = network.subnets.map((subnet, index) => addSubnet(laying, host, { network, subnet, index }, place));
  const tunnels = subnets.map(({ tunnel }) => tunnel);
  overlayNetworks.set(overlayKey(host.name, network.id), { network, namespace, bridges: subnets.map(({ bridge }) => bridge), tunnels });
  const known = remotesKnownTo(viewOf(laying.state, host.name, laying.overlays), host.name, network);
  builder.peers(laying.memo.of<unknown, PeerRecords[]>(`peers ${key}`, [network.subnets, ...tunnels, ...known], (before) => peersOf(network, tunnels, known, before)));
}

/** What is known of others as before has the same records as before. */
function peersOf(network: SwarmNetworkState, tunnels: readonly number[], known: readonly Remote[], before: Made<unknown, PeerRecords[]> | undefined): PeerRecords[] {
  const own = [network.subnets, ...tunnels];
  const isComparable = before !== undefined && own.every((input, index) => input === before.inputs[index]);
  const made = new Map(isComparable ? before.inputs.slice(own.length).map((remote, index) => [remote, before.value[index]!]) : []);
  return known.map((remote) => made.get(remote) ?? peerRecords(tunnels[subnetOf(network, remote.ip)]!, remote));
}

interface NetworkPlace {
  readonly name: string;
  readonly key: string;
  readonly namespace: number;
  readonly underlay: number;
}

interface NumberedSubnet {
  readonly network: SwarmNetworkState;
  readonly subnet: OverlaySubnetState;
  readonly index: number;
}

function addSubnet(laying: Laying, host: HostState, { network, subnet, index }: NumberedSubnet, { name, key, namespace, underlay }: NetworkPlace) {
  const { builder, identity } = laying;
  const { mtu, port, id } = network;
  const [bridgeName, tunnelName] = [`br${index}`, `vxlan${index}`];
  const randomMac = (device: string) => identity.randomMac("overlay", host.name, id, device);
  const bridge = builder.device({ namespace, kind: DeviceKind.Bridge, displayName: `${name}:${bridgeName}`, mtu, mac: randomMac(bridgeName), key: `${key}:${bridgeName}` });
  nameDevice(laying, bridge, bridgeName);
  builder.address(bridge, subnet.gateway, subnet.prefixLength);
  const tunnel = builder.device({
    namespace, kind: DeviceKind.Vxlan, displayName: `${name}:${tunnelName}`, mtu, mac: randomMac(tunnelName), master: bridge, key: `${key}:${tunnelName}`,
    tunnel: { vni: subnet.vni, port, underlay }, flags: TUNNEL_FLAGS,
  });
  nameDevice(laying, tunnel, tunnelName);
  return { bridge, tunnel };
}

/** The cable of an endpoint into its network's namespace, `vethN` there, and the routes to the network's other subnets (joinleave.go: Join). */
export function addOverlayCable(laying: Laying, endpoint: EndpointState, place: EndpointPlace): number {
  const { builder, identity, overlayNetworks } = laying;
  const { host, label } = place;
  const { networkId, cable, ip } = endpoint;
  const found = overlayNetworks.get(overlayKey(host, networkId));
  if (!found) throw new Error(`${label} is on ${endpoint.network}, which its host does not have`);
  const { network, bridges } = found;
  const own = subnetOf(network, ip);
  const name = `veth${cable}`;
  const device = addVethCable(laying, endpoint, place, {
    bridge: bridges[own]!,
    displayName: `${overlayName(host, network.name)}:${name}`,
    name,
    mac: identity.randomMac("overlay", host, networkId, name),
    field: `${label}: networks.${network.name}.link`,
  });
  for (const { network: destination, prefixLength: prefix } of network.subnets.filter((_, index) => index !== own)) {
    builder.routeVia(device, destination, prefix, network.subnets[own]!.gateway);
  }
  if (network.options.dsr !== undefined) addDirectAddress(laying, endpoint, place, device);
  return device;
}

/**
 * With `dsr` a task takes the virtual address of its service as its own, without a word to others (libnetwork sandbox.go:
 * populateNetworkResources): it gets packets to it from load balancers, and answers to clients directly.
 */
function addDirectAddress({ builder, state, kernelDevices }: Laying, { networkId, ip }: EndpointState, { host, namespace }: EndpointPlace, device: number): void {
  const { swarm } = state.hosts.find(({ name }) => name === host)!;
  const services = (swarm?.sandboxes ?? []).flatMap((sandbox) => (sandbox.networkId === networkId ? sandbox.services : []));
  const service = services.find(({ servers }) => servers.some((server) => server.ip === ip));
  const loopback = kernelDevices.get(namespace)?.get("lo");
  if (service === undefined || loopback === undefined) return;
  builder.address(loopback, service.virtualIp, 32);
  builder.ignoreArp(device);
}

function subnetOf({ subnets, name }: SwarmNetworkState, ip: number): number {
  const index = subnets.findIndex(({ network, prefixLength }) => ((ip & ipv4Mask(prefixLength)) >>> 0) === network);
  if (index === -1) throw new SimulationError("INVALID_INPUT", `network ${name}: an endpoint has an address of none of its subnets`);
  return index;
}
