import { Identity } from "../identity";
import type { AddressBlock } from "../network-addresses";
import { Network } from "../network";
import { formatIp } from "../../net/ip";
import { formatCidr } from "../../net/cidr";
import { addressOf } from "../block";
import type { NetworkSpec } from "../spec";
import type { PeerState } from "../state";
import type { Cluster } from "./cluster";
import type { ClusterNetwork, ClusterNode, ClusterSubnet } from "./objects";

/** What an overlay network is on one node. */
export interface OverlaySetup {
  readonly subnets: readonly ClusterSubnet[];
  readonly mtu: number;
  /** UDP port of VXLAN. */
  readonly port: number;
  readonly encrypted: boolean;
  /** The number of the next cable into the network's namespace; numbers are not used again. */
  nextCable(): number;
  /** The nodes that have the network. */
  peers(): readonly PeerState[];
}

/** libnetwork drivers/overlay: vxlanEncap: Ethernet, IPv4, UDP and VXLAN headers. */
const VXLAN_BYTES = 50;
/** libnetwork drivers/overlay: maxMTU's ESP part: header, IV, padding's length and next header, ICV. */
const ESP_BYTES = 26;
const DEFAULT_MTU = 1500;
export const OPTION_VNI = "com.docker.network.driver.overlay.vxlanid_list";
const OPTION_MTU = "com.docker.network.driver.mtu";

/** The MTU inside (libnetwork drivers/overlay/ov_network.go: maxMTU). */
export function overlayMtu({ options }: NetworkSpec): number {
  const underlay = Number(options[OPTION_MTU] ?? 0) || DEFAULT_MTU;
  const plain = underlay - VXLAN_BYTES;
  return options.encrypted === undefined ? plain : (plain - ESP_BYTES) & ~3;
}

/** The network as one node's daemon makes it, with the addresses that the managers give. */
export function overlayNetwork(network: ClusterNetwork, cluster: Cluster, host: string): Network {
  const { spec, id } = network;
  const subnets = network.subnets ?? [];
  let cables = 0;
  const overlay: OverlaySetup = {
    subnets,
    mtu: overlayMtu(spec),
    port: cluster.dataPathPort,
    encrypted: spec.options.encrypted !== undefined,
    nextCable: () => cables++,
    peers: () => peersOf(network, cluster),
  };
  // Nodes are not told the labels of the ingress network (moby daemon/cluster/executor/container/executor.go: Configure).
  const shown = spec.ingress === true ? { ...shownSpec(network), labels: {} } : shownSpec(network);
  return new Network({ id, host, driver: "overlay", spec: shown, isDefault: false, blocks: subnets.map(blockOf), showsGateways: true, overlay });
}

/** With what the managers chose. */
export function shownSpec({ spec, subnets }: ClusterNetwork): NetworkSpec {
  const ipam = (subnets ?? []).map(({ subnet, range, gateway }) => ({
    subnet: formatCidr(subnet),
    gateway: formatIp(addressOf(subnet.family, gateway)),
    ...(range && { ipRange: formatCidr(range) }),
    auxAddresses: {},
  }));
  const numbers = (subnets ?? []).map(({ vni }) => vni).join(",");
  return { ...spec, ipam, options: numbers === "" ? spec.options : { ...spec.options, [OPTION_VNI]: numbers } };
}

/** Each node is one peer, on however many networks. */
const peers = new WeakMap<ClusterNode, PeerState>();

/** Names that all nodes know each other by (libnetwork networkdb: the first digits of a random number). */
export function peerOf(node: ClusterNode): PeerState {
  const known = peers.get(node) ?? { name: new Identity(0).id("peer", node.id).slice(0, 12), address: node.address };
  peers.set(node, known);
  return known;
}

/** In the order in which they joined the swarm. */
function peersOf({ joined }: ClusterNetwork, { nodes }: Cluster): PeerState[] {
  return nodes.filter((node) => joined.has(node)).map(peerOf);
}

/** The node's own daemon gives no addresses out. */
function blockOf({ subnet, range, gateway }: ClusterSubnet): AddressBlock {
  const pool = { subnet, isFull: false, take: () => undefined, claim: () => true, release: () => undefined };
  return { family: 4, subnet, pool, given: true, range, gateway, gatewayGiven: true, auxGateway: undefined };
}
