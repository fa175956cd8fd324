import { dropText } from "../report/drop-text";
import { cidrContains, parseCidr } from "../net/cidr";
import { isIp, isIpv4, parseIp, parseIpv4 } from "../net/ip";
import type { DropName } from "../observe/names";
import type { TraceHop } from "../observe/trace";
import type { CompiledTopology, EndpointDescription, TopologyDescription } from "./spec";

/** A packet's end, and what led to it. */
export interface Ending {
  readonly reason: DropName;
  /** The device where it died. */
  readonly place: string;
  /** Bytes of its frame. */
  readonly length: number;
  /** The way of the packet up to there. */
  readonly hops: readonly TraceHop[];
  /** Who sent it, and the address that was asked. */
  readonly from: string;
  readonly address: string;
}

type Explanation = (ending: Ending, topology: CompiledTopology) => string | undefined;

/** Reasons that mean more in a network that is known. */
const EXPLANATIONS: Readonly<Partial<Record<DropName, Explanation>>> = {
  NeighFailed: explainSilence,
  OtherHost: explainStranger,
  PktTooBig: ({ place, length }, { program, devices }) => {
    const mtu = program.devices[devices.get(place) ?? -1]?.mtu;
    return mtu === undefined ? undefined : `a frame of ${length} bytes does not fit the MTU of ${mtu}, and it must not be fragmented`;
  },
};

/** Why a packet died, in words: with the names of this network where that helps, else what the reason means anywhere. */
export function causeOf(ending: Ending, topology: CompiledTopology): string {
  return EXPLANATIONS[ending.reason]?.(ending, topology) ?? dropText(ending.reason).meaning;
}

/** Nobody answered ARP. */
function explainSilence({ place, address }: Ending, topology: CompiledTopology): string | undefined {
  const description = topology.describe();
  const apart = explainSeparation(description, topology, place, address);
  if (apart !== undefined) return apart;
  const endpoint = endpointAt(description, place);
  const network = description.networks.find(({ name, device }) => name === endpoint?.network || device === place);
  if (network === undefined) return undefined;
  if (isWithin(address, network.subnet)) return `nobody on network ${network.name} has the address ${address}`;
  return endpoint === undefined ? `nobody on network ${network.name} answers` : `nobody on network ${network.name} answers for its gateway ${endpoint.gateway}`;
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
