import { type Cidr, cidrContains, cidrContainsCidr, cidrsOverlap, formatCidr, type Ipv4Cidr, parseCidr } from "../net/cidr";
import { isIp, isIpv4, parseIp, parseIpv4 } from "../net/ip";
import { refuse, unsupported } from "./refusal";
import type { IpamSpec, NetworkSpec } from "./spec";

/** A network's IPAM as the daemon reads it: addresses parsed, nothing checked against anything yet. */
export interface NetworkDraft {
  readonly spec: NetworkSpec;
  readonly subject: string;
  readonly blocks: readonly IpamBlock[];
}

export interface IpamBlock {
  readonly spec: IpamSpec;
  readonly subnet: Ipv4Cidr | undefined;
  readonly range: Ipv4Cidr | undefined;
  readonly gateway: string | undefined;
  readonly auxAddresses: readonly (readonly [name: string, address: string])[];
}

/**
 * Reads the addresses of a network.
 *
 * @throws SimulationError `INVALID_INPUT` for text that is no block or address, `UNSUPPORTED` for IPv6.
 */
export function readIpam(spec: NetworkSpec): NetworkDraft {
  const subject = `network ${spec.name}`;
  const blocks = spec.ipam.map((ipam) => ({
    spec: ipam,
    subnet: readBlock(subject, "subnet", ipam.subnet, ipam, spec),
    range: readBlock(subject, "ip-range", ipam.ipRange, ipam, spec),
    gateway: readAddress(subject, "gateway", ipam.gateway, ipam, spec),
    auxAddresses: Object.entries(ipam.auxAddresses).map(
      ([name, address]) => [name, readAddress(subject, `auxiliary address ${name}`, address, ipam, spec) ?? ""] as const,
    ),
  }));
  return { spec, subject, blocks };
}

/** Whether `address` lies in `block`. */
export function contains(block: Ipv4Cidr, address: string): boolean {
  return cidrContains(block, parseIp(address, "address"));
}

/** What the docker command checks before it asks the daemon (docker/cli cli/command/network/create.go: createIPAMConfig). */
export function checkLikeCommandLine({ blocks, subject, spec }: NetworkDraft): void {
  for (const [index, block] of blocks.entries()) {
    const fail = (daemon: string): never => refuse("INVALID_INPUT", subject, daemon, block.spec.position ?? spec.position);
    const overlaps = (other: IpamBlock) => block.subnet && other.subnet && cidrsOverlap(block.subnet, other.subnet);
    if (blocks.slice(0, index).some(overlaps)) fail("multiple overlapping subnet configuration is not supported");
    const { subnet, range, gateway } = block;
    if (!subnet) {
      if (range || gateway !== undefined) fail("every ip-range or gateway must have a corresponding subnet");
      const [first] = block.auxAddresses;
      if (first) fail(`no matching subnet for aux-address ${first[1]}`);
      continue;
    }
    if (range && !cidrContainsCidr(subnet, range)) fail(`no matching subnet for range ${formatCidr(range)}`);
    if (gateway !== undefined && !contains(subnet, gateway)) fail(`no matching subnet for gateway ${gateway}`);
    for (const [, address] of block.auxAddresses) {
      if (!contains(subnet, address)) fail(`no matching subnet for aux-address ${address}`);
    }
  }
}

/** What the daemon checks before it does anything (moby daemon/network.go, since 25.0). */
export function checkLikeDaemon({ blocks, subject, spec }: NetworkDraft): void {
  const problems = blocks.flatMap(problemsOf);
  if (problems.length === 0) return;
  const text = problems.length === 1 ? problems[0] : problems.map((problem) => `* ${problem}`).join("\n");
  const position = blocks.find((block) => problemsOf(block).length > 0)?.spec.position ?? spec.position;
  refuse("INVALID_INPUT", subject, `invalid network config:\n${text}`, position);
}

function problemsOf({ subnet, range, gateway, auxAddresses, spec }: IpamBlock): string[] {
  if (!subnet) return [];
  const problems: string[] = [];
  const parent = `parent subnet ${spec.subnet}`;
  if (subnet.address !== subnet.network) problems.push(`invalid subnet ${spec.subnet}: it should be ${formatCidr(subnet)}`);
  if (range) {
    if (range.address !== range.network) problems.push(`invalid ip-range ${spec.ipRange}: it should be ${formatCidr(range)}`);
    else if (range.prefixLength < subnet.prefixLength) {
      problems.push(`invalid ip-range ${spec.ipRange}: CIDR block is bigger than its ${parent}`);
    } else if (!cidrContainsCidr(subnet, range)) problems.push(`invalid ip-range ${spec.ipRange}: ${parent} doesn't contain ip-range`);
  }
  if (gateway !== undefined && !contains(subnet, gateway)) problems.push(`invalid gateway ${gateway}: ${parent} doesn't contain this address`);
  for (const [name, address] of auxAddresses) {
    if (!contains(subnet, address)) problems.push(`invalid auxiliary address ${name}: ${parent} doesn't contain this address`);
  }
  return problems;
}

function readBlock(subject: string, field: string, text: string | undefined, ipam: IpamSpec, spec: NetworkSpec): Ipv4Cidr | undefined {
  if (text === undefined) return undefined;
  const position = ipam.position ?? spec.position;
  const block = parseOrRefuse(subject, field, text, position);
  if (block.family === 6) unsupported(subject, `an IPv6 ${field} (${text})`, position);
  return block as Ipv4Cidr;
}

function parseOrRefuse(subject: string, field: string, text: string, position: NetworkSpec["position"]): Cidr {
  try {
    return parseCidr(text, field);
  } catch {
    return refuse("INVALID_INPUT", subject, `Invalid ${field} ${text} : invalid CIDR address: ${text}`, position);
  }
}

function readAddress(subject: string, field: string, text: string | undefined, ipam: IpamSpec, spec: NetworkSpec): string | undefined {
  if (text === undefined) return undefined;
  const position = ipam.position ?? spec.position;
  if (!isIp(text)) refuse("INVALID_INPUT", subject, `invalid ${field} ${text}: expected an IP address`, position);
  if (!isIpv4(text)) unsupported(subject, `an IPv6 ${field} (${text})`, position);
  return text;
}

/** An address that `readIpam` has let through. */
export function ipOf(address: string): number {
  return parseIpv4(address, "address");
}
