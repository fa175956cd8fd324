/** What kills packets between the nodes of a swarm, in words. */
import type { DropName } from "../observe/names";
import type { TraceHop } from "../observe/trace";
import type { Ending } from "./reach-ending";
import type { CompiledTopology } from "./spec";

/** The tunnel that a packet was in. */
interface Tunnel {
  /** The overlay network. */
  readonly network: string;
  /** The node that put the packet in. */
  readonly node: string;
  /** UDP port of VXLAN. */
  readonly port: number;
  readonly isSealed: boolean;
}

type Explanation = (ending: Ending, tunnel: Tunnel, topology: CompiledTopology) => string | undefined;

const IP_AT = 14;

const EXPLANATIONS: Readonly<Partial<Record<DropName, Explanation>>> = {
  PktTooBig: ({ place, length }, { network }, { program, devices }) => {
    const mtu = program.devices[devices.get(place) ?? -1]?.mtu;
    return mtu === undefined
      ? undefined
      : `with the headers of its tunnel a packet of network ${network} has ${length - IP_AT} bytes, ${place} passes ${mtu} on and tells nobody: ` +
          `create the network with --opt com.docker.network.driver.mtu=${mtu}`;
  },
  NetfilterDrop: ({ place, rule = "" }, { network, port, isSealed }) => {
    const machine = machineOf(place);
    if (rule.includes("--pol none")) return `${machine} takes frames of network ${network} only encrypted, and this one came in the clear: NAT has changed its addresses, or its node has no key`;
    const what = isSealed ? "ESP (IP protocol 50), in which encrypted overlay networks" : `VXLAN (UDP port ${port}), in which overlay networks`;
    return `the packet filter of ${machine} stops ${what} go from node to node`;
  },
  UdpCsum: ({ place }, { node, network }) =>
    `${machineOf(place)} throws VXLAN of network ${network} away because its checksum is wrong: the NIC of ${node} breaks it (checksum offload); ethtool -K eth0 tx off there`,
  VxlanEntryExists: ({ place }, { node, network }) =>
    `${machineOf(place)} knows ${node} by another address than the one that its frames of network ${network} come from (another route, or NAT): ` +
    "advertise that one (docker swarm init --advertise-addr, --data-path-addr)",
  NeighFailed: ({ place }, { network }) => `${machineOf(place)} finds no way to the node at the other end of network ${network}: it is down, or cut off`,
};

/** Why a packet died in a tunnel; undefined if it was in none, or if its reason says enough. */
export function explainInTunnel(ending: Ending, topology: CompiledTopology): string | undefined {
  const tunnel = tunnelOf(ending.hops, topology);
  return tunnel && EXPLANATIONS[ending.reason]?.(ending, tunnel, topology);
}

/** The underlay has been cut in two (`lab.partition`): its switches have rules that say so. */
export function explainPartition(rule: string | undefined): string | undefined {
  const [, sides] = /--comment "?partition ([^"]+)"?/.exec(rule ?? "") ?? [];
  return sides && `the network between the machines is partitioned: ${sides}`;
}

/** Why a packet did not get into one. */
export function explainUnknown({ place, address }: Ending, topology: CompiledTopology): string | undefined {
  const [, node, network] = /^([^/]+)\/overlay\/(.+):vxlan\d+$/.exec(place) ?? [];
  if (node === undefined) return undefined;
  if (isGroup(address)) return `broadcasts and multicast of network ${network} do not leave ${node}: only containers of the same node hear them`;
  const owner = topology.describe().containers.find(({ networks }) => networks.some((endpoint) => endpoint.network === network && endpoint.ipv4 === address));
  if (owner === undefined) return `nobody on network ${network} has the address ${address}: who still asks there remembers a container that is gone`;
  return `${node} has not heard that ${owner.name} on ${owner.host} has ${address}: does gossip come through (7946/tcp and udp)?`;
}

/** Multicast of a container on an overlay takes its default route. */
export function explainGroup({ place, address }: Ending): string | undefined {
  if (!isGroup(address) || !place.endsWith(":docker_gwbridge")) return undefined;
  return "multicast takes the default route, which leads to docker_gwbridge and not into an overlay network; between nodes no overlay carries it";
}

/** 224/4, the limited broadcast, and what looks like the last address of a network. */
function isGroup(address: string): boolean {
  const first = Number(address.split(".")[0]);
  return (first >= 224 && first < 240) || address.endsWith(".255");
}

/** The tunnel that the last of the hops are in. */
function tunnelOf(hops: readonly TraceHop[], { program, devices }: CompiledTopology): Tunnel | undefined {
  const lastAt = (node: string) => hops.reduce((last, hop, index) => (hop.kind === "hop" && hop.node === node ? index : last), -1);
  const entered = lastAt("vxlan-output");
  const [, node, network] = /^([^/]+)\/overlay\/(.+):vxlan\d+$/.exec(hops[entered]?.device ?? "") ?? [];
  const left = lastAt("vxlan-input");
  // What dies where it should come out has not left it.
  const isOut = left > entered && left < hops.length - 1;
  if (node === undefined || network === undefined || isOut) return undefined;
  const port = program.devices[devices.get(hops[entered]!.device) ?? -1]?.port ?? 0;
  return { network, node, port, isSealed: lastAt("esp-output") > Math.max(entered, lastAt("esp-input")) };
}

/** `w1` of `w1:eth0`; of a switch's port, who is at its other end. */
function machineOf(place: string): string {
  const [machine = "", port = ""] = place.split(":");
  return port.includes(".") ? (port.split(".")[0] ?? machine) : machine;
}
