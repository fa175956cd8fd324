import { dropText } from "../report/drop-text";
import { cidrContains, parseCidr } from "../net/cidr";
import { isIp, isIpv4, parseIp, parseIpv4 } from "../net/ip";
import type { DropName } from "../observe/names";
import type { PacketTrace } from "../observe/trace";
import type { ReachResult } from "./reach";
import type { Ending } from "./reach-ending";
import { explainRefusal } from "./reach-refusal";
import { explainGroup, explainInTunnel, explainPartition, explainUnknown } from "./reach-tunnel";
import type { CompiledTopology, EndpointDescription, TopologyDescription } from "./spec";

type Explanation = (ending: Ending, topology: CompiledTopology) => string | undefined;

/** Reasons that mean more in a network that is known. */
const EXPLANATIONS: Readonly<Partial<Record<DropName, Explanation>>> = {
  NeighFailed: explainSilence,
  NoSocket: explainRefusal,
  DevReady: explainOutage,
  OtherHost: (ending, topology) => explainTwins(ending, topology) ?? explainStranger(ending, topology),
  BridgeNoEgressPort: explainTwins,
  VxlanEntryExists: explainTwins,
  LocalMac: explainTwins,
  IpInAddrErrors: explainGroup,
  NoTxTarget: explainUnknown,
  VxlanArpUnknown: explainUnknown,
  PktTooBig: ({ place, length }, { program, devices }) => {
    const mtu = program.devices[devices.get(place) ?? -1]?.mtu;
    return mtu === undefined ? undefined : `a frame of ${length} bytes does not fit the MTU of ${mtu}, and it must not be fragmented`;
  },
};

/**
 * Why a packet died, in words: with the names of this network where that helps, else what the reason means anywhere. Undefined if a
 * rule says it all.
 */
export function causeOf(ending: Ending, topology: CompiledTopology): string | undefined {
  const { reason, place, rule } = ending;
  const special = explainPartition(rule) ?? explainInTunnel(ending, topology) ?? EXPLANATIONS[reason]?.(ending, topology);
  return special ?? (rule === undefined ? dropText(reason, place).meaning : undefined);
}

/** Why nothing came back although nothing is known to have died. */
export function causeOfSilence(asked: Pick<Ending, "from" | "address">, topology: CompiledTopology): string | undefined {
  return explainTwins(asked, topology);
}

/** Two containers of one network with one MAC: who asks or who is asked is one of them. */
function explainTwins({ from, address }: Pick<Ending, "from" | "address">, topology: CompiledTopology): string | undefined {
  const ends = topology.describe().containers.flatMap(({ name, networks }) => networks.map(({ network, mac, ipv4 }) => ({ name, network, mac, ipv4 })));
  for (const end of ends) {
    const twin = end.ipv4 === address || end.name === from ? ends.find((other) => other !== end && other.network === end.network && other.mac === end.mac) : undefined;
    if (twin) return `${end.name} and ${twin.name} have one MAC on network ${end.network} (${end.mac}): frames go to whoever of them spoke last`;
  }
  return undefined;
}

/** What an answer hides: who balanced the question asked in its own name. */
export function noteOf({ peer, server }: Pick<ReachResult, "peer" | "server">, packets: readonly PacketTrace[]): string | undefined {
  // Later ones may belong to what was tried before: its connection is still being closed.
  const hops = packets[0]?.hops ?? [];
  const choice = hops.find(({ kind }) => kind === "schedule");
  // With `dsr` there is no such rule, and the task sees the client.
  const isHidden = hops.some(({ rule }) => rule?.includes("--ipvs -j SNAT") === true);
  if (choice === undefined || !isHidden || peer === undefined || server === undefined) return undefined;
  const [balancer = ""] = choice.device.split(":");
  const remedy = balancer.endsWith("/ingress-sbox") ? "; publish with mode=host to let it" : "";
  return `${balancer} chose ${server} and asks as ${peer}, so that ${server} does not see the client's own address${remedy}`;
}

/** Nobody answered ARP. */
function explainSilence(ending: Ending, topology: CompiledTopology): string | undefined {
  const { place } = ending;
  const description = topology.describe();
  const address = soughtAt(ending, description);
  const apart = explainSeparation(description, topology, place, address);
  if (apart !== undefined) return apart;
  const endpoint = endpointAt(description, place);
  const bridge = description.networks.find(({ device }) => device === place);
  const network = endpoint?.network ?? bridge?.name;
  if (network === undefined) return explainAbsence(address, topology);
  const subnet = endpoint === undefined ? (bridge?.subnet ?? "") : `${endpoint.ipv4}/${endpoint.prefixLength}`;
  const deaf = explainDeafness(description, topology, endpoint, address);
  if (deaf !== undefined) return deaf;
  if (isWithin(address, subnet)) return `nobody on network ${network} has the address ${address}`;
  return endpoint === undefined ? `nobody on network ${network} answers` : `nobody on network ${network} answers for its gateway ${endpoint.gateway}`;
}

/** The address is a host's, which does not answer. */
function explainAbsence(address: string, { program, state }: CompiledTopology): string | undefined {
  const owner = isIpv4(address) ? program.addresses.find(({ ip }) => ip === parseIpv4(address, "address")) : undefined;
  const name = program.names.namespaces[program.devices[owner?.device ?? -1]?.namespace ?? -1];
  return state.hosts.some((host) => host.name === name) ? `${name} does not answer: it is down, or cut off` : undefined;
}

function explainOutage({ place }: Ending, { state }: CompiledTopology): string | undefined {
  const [name = "", device = ""] = place.split(":");
  return state.hosts.some((host) => host.name === name) ? `${name} is down, or its interface ${device} is` : undefined;
}

/** The address that was asked; where the answer begins, that of the asker. */
function soughtAt({ place, address, from }: Ending, description: TopologyDescription): string {
  const here = endpointAt(description, place);
  if (here?.ipv4 !== address) return address;
  const asker = description.containers.find(({ name }) => name === from)?.networks.find(({ network }) => network === here.network);
  return asker?.ipv4 ?? address;
}

/** The address is there, but on another node, of which this one does not know. */
function explainDeafness({ containers }: TopologyDescription, { state }: CompiledTopology, endpoint: EndpointDescription | undefined, address: string): string | undefined {
  if (endpoint === undefined || !state.networks.some(({ name, driver }) => name === endpoint.network && driver === "overlay")) return undefined;
  const [here, there] = [endpoint.ipv4, address].map((ip) => containers.find(({ networks }) => networks.some(({ network, ipv4 }) => network === endpoint.network && ipv4 === ip)));
  if (here === undefined || there === undefined || here.host === there.host) return undefined;
  return `${here.host} has not heard that ${there.name} on ${there.host} has ${address}: does gossip come through (7946/tcp and udp)?`;
}

/** A macvlan or ipvlan device and the one below it. */
function explainSeparation({ containers }: TopologyDescription, { program, devices }: CompiledTopology, place: string, address: string): string | undefined {
  const above = containers.flatMap(({ name, networks }) => networks.map((endpoint) => ({ name, endpoint })));
  const isOwn = (device: string) => program.addresses.some((record) => record.device === devices.get(device) && isIpv4(address) && record.ip === parseIpv4(address, "address"));
  const found = above.find(({ endpoint }) => (endpoint.hostDevice === place && endpoint.ipv4 === address) || (endpoint.device === place && isOwn(endpoint.hostDevice)));
  return found && `${found.name} is on top of ${found.endpoint.hostDevice}: such containers and their own host do not hear each other`;
}

/** It came to the machine that was asked, but for another one's MAC. */
function explainStranger({ place, address, from }: Ending, topology: CompiledTopology): string | undefined {
  const endpoint = endpointAt(topology.describe(), place);
  return endpoint?.ipv4 === address ? `${from} still sends to the MAC that had ${address} before: its ARP entry is out of date` : undefined;
}

function endpointAt({ containers }: TopologyDescription, place: string): EndpointDescription | undefined {
  return containers.flatMap(({ networks }) => networks).find(({ device }) => device === place);
}

function isWithin(address: string, subnet: string): boolean {
  return isIp(address) && subnet !== "" && cidrContains(parseCidr(subnet, "subnet"), parseIp(address, "address"));
}
