import { type Cidr, cidrContains, cidrContainsCidr, formatCidr, parseCidr } from "../net/cidr";
import { isIp, parseIp } from "../net/ip";
import { refuse } from "./refusal";
import type { IpamSpec, NetworkSpec } from "./spec";

/** A network's IPAM as the daemon reads it: subnets parsed, nothing checked against anything yet. */
export interface NetworkDraft {
  readonly spec: NetworkSpec;
  readonly subject: string;
  readonly blocks: readonly IpamBlock[];
}

export interface IpamBlock {
  readonly spec: IpamSpec;
  readonly family: 4 | 6;
  readonly subnet: Cidr | undefined;
  readonly range: Cidr | undefined;
  readonly gateway: string | undefined;
  readonly auxAddresses: readonly (readonly [name: string, address: string])[];
}

/**
 * Reads the blocks of a network.
 *
 * @throws SimulationError in the daemon's words for text that is no block or address.
 */
export function readIpam(spec: NetworkSpec): NetworkDraft {
  const subject = `network ${spec.name}`;
  const blocks = spec.ipam.map((ipam): IpamBlock => {
    const position = ipam.position ?? spec.position;
    const subnet = readBlock(subject, "subnet", ipam.subnet, position);
    const range = readBlock(subject, "ip-range", ipam.ipRange, position);
    const { gateway } = ipam;
    if (gateway !== undefined && !isIp(gateway)) refuse(400, subject, `invalid gateway address ${gateway} in Ipam configuration`, position);
    const auxAddresses = Object.entries(ipam.auxAddresses);
    for (const [name, address] of auxAddresses) {
      if (!isIp(address)) refuse(400, subject, `non parsable secondary ip address (${name}:${address}) passed for network ${spec.name}`, position);
    }
    const family = subnet?.family ?? range?.family ?? (gateway?.includes(":") ? 6 : 4);
    return { spec: ipam, family, subnet, range, gateway, auxAddresses };
  });
  return { spec, subject, blocks };
}

/** Whether `address` lies in `block`. */
export function contains(block: Cidr, address: string): boolean {
  return cidrContains(block, parseIp(address, "address"));
}

/** 20.10 checks nothing of this before it allocates, but that every block has a subnet (daemon/network.go: getIpamConfig). */
export function checkSubnets({ blocks, subject, spec }: NetworkDraft): void {
  for (const { spec: ipam } of blocks) {
    if (ipam.subnet === undefined) refuse(500, subject, "Invalid subnet  : invalid CIDR address: ", ipam.position ?? spec.position);
  }
}

/** What the daemon checks before it does anything (moby daemon/network.go, since 25.0). */
export function checkLikeDaemon({ blocks, subject, spec }: NetworkDraft): void {
  const used = blocks.filter(({ family }) => family === 4 || spec.ipv6 === true);
  const problems = used.flatMap(problemsOf);
  if (problems.length === 0) return;
  const text = problems.length === 1 ? problems[0] : problems.map((problem) => `* ${problem}`).join("\n");
  const position = used.find((block) => problemsOf(block).length > 0)?.spec.position ?? spec.position;
  refuse(400, subject, `invalid network config:\n${text}`, position);
}

function problemsOf({ subnet, range, gateway, auxAddresses, spec }: IpamBlock): string[] {
  if (!subnet) return [];
  const problems: string[] = [];
  const parent = `parent subnet ${spec.subnet}`;
  if (subnet.address !== subnet.network) problems.push(`invalid subnet ${spec.subnet}: it should be ${formatCidr(subnet)}`);
  if (range) {
    const isOther = range.family !== subnet.family;
    if (range.address !== range.network) problems.push(`invalid ip-range ${spec.ipRange}: it should be ${formatCidr(range)}`);
    if (isOther) problems.push(`invalid ip-range ${spec.ipRange}: parent subnet is an IPv${subnet.family} block`);
    else if (range.prefixLength < subnet.prefixLength) problems.push(`invalid ip-range ${spec.ipRange}: CIDR block is bigger than its ${parent}`);
    else if (!cidrContainsCidr(subnet, range)) problems.push(`invalid ip-range ${spec.ipRange}: ${parent} doesn't contain ip-range`);
  }
  if (gateway !== undefined && !contains(subnet, gateway)) problems.push(`invalid gateway ${gateway}: ${parent} doesn't contain this address`);
  for (const [name, address] of auxAddresses) {
    if (!contains(subnet, address)) problems.push(`invalid auxiliary address ${name}: ${parent} doesn't contain this address`);
  }
  return problems;
}

function readBlock(subject: string, field: string, text: string | undefined, position: NetworkSpec["position"]): Cidr | undefined {
  if (text === undefined) return undefined;
  try {
    return parseCidr(text, field);
  } catch {
    return refuse(field === "subnet" ? 500 : 400, subject, `Invalid ${field} ${text} : invalid CIDR address: ${text}`, position);
  }
}
