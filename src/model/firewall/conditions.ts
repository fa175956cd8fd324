import { ipv4Cidr, ipv6Cidr, type Cidr } from "../../net/cidr";
import { formatIp, type IpAddress } from "../../net/ip";
import type { FirewallLink, FirewallPort, FirewallSubnet } from "./firewall";
import type { Family, Match, Rule, RuleCause, Target } from "./rule";
import { is, isNot, jump, MASQUERADE, type Step, type StepMaker } from "./step";

type Conditions = Omit<Partial<Rule>, "target" | "cause">;

/** `--dst-type LOCAL`: to an address of the host. */
export const TO_HOST: readonly Match[] = [{ match: "addrtype", destination: is(["LOCAL"]) }];
/** `--src-type LOCAL`. */
export const FROM_HOST: readonly Match[] = [{ match: "addrtype", source: is(["LOCAL"]) }];
/** `--ctstate RELATED,ESTABLISHED`. */
export const ANSWERS: readonly Match[] = [{ match: "conntrack", states: is(["RELATED", "ESTABLISHED"]) }];

/** The block of one address. */
export function hostCidr(address: IpAddress): Cidr {
  return address.family === 4 ? ipv4Cidr(address.value, 32) : ipv6Cidr(address.value, 128);
}

/** Every loopback address of a family. */
export function loopback(family: Family): Cidr {
  return family === 4 ? ipv4Cidr(0x7f000000, 8) : ipv6Cidr(1n, 128);
}

export function isLoopback({ family, value }: IpAddress): boolean {
  return family === 4 ? value >>> 24 === 127 : value === 1n;
}

export function isUnspecified({ value }: IpAddress): boolean {
  return BigInt(value) === 0n;
}

/** `-s SUBNET ! -o BRIDGE`: what leaves a network. */
export function leaving(device: string, { subnet }: FirewallSubnet): Conditions {
  return { source: is(subnet), outInterface: isNot(device) };
}

/** What a subnet's sources become outside. */
export function sourceTarget({ hostAddress }: FirewallSubnet): Target {
  if (!hostAddress) return MASQUERADE;
  return { target: "SNAT", range: { from: hostAddress, to: hostAddress, ports: undefined } };
}

/** `-p PROTOCOL -m PROTOCOL --dport PORT`. */
export function toPort(protocol: FirewallPort["protocol"], port: number): Conditions {
  return { protocol: is(protocol), matches: [{ match: protocol, destinationPorts: is({ from: port, to: port }) }] };
}

/** `-p PROTOCOL -m PROTOCOL --sport PORT`. */
export function fromPort(protocol: FirewallPort["protocol"], port: number): Conditions {
  return { protocol: is(protocol), matches: [{ match: protocol, sourcePorts: is({ from: port, to: port }) }] };
}

/** `[-d HOST] --dport PORT`: to a published port, at one address of the host or at any. */
export function toPublished({ hostAddress, hostPort, protocol }: FirewallPort): Conditions {
  return { ...(isUnspecified(hostAddress) ? {} : { destination: is(hostCidr(hostAddress)) }), ...toPort(protocol, hostPort) };
}

/** `--to-destination CONTAINER:PORT`. */
export function toContainer({ address, port }: FirewallPort): Target {
  return { target: "DNAT", range: { from: address, to: address, ports: { from: port, to: port } } };
}

/** `-s CONTAINER -d CONTAINER --dport PORT`: a container that asks its own published port. */
export function toItself({ address, port, protocol }: FirewallPort): Conditions {
  return { source: is(hostCidr(address)), destination: is(hostCidr(address)), ...toPort(protocol, port) };
}

/** `-d CONTAINER ! -i BRIDGE -o BRIDGE --dport PORT`. */
export function intoNetwork(device: string, { address, port, protocol }: FirewallPort): Conditions {
  return { destination: is(hostCidr(address)), inInterface: isNot(device), outInterface: is(device), ...toPort(protocol, port) };
}

/** The pair of rules of each linked port, there and back (libnetwork iptables: ChainInfo.Link). */
export function linkSteps(make: StepMaker, device: string, { parent, child, ports }: FirewallLink): readonly Step[] {
  const inside = { inInterface: is(device), outInterface: is(device) };
  const [asking, answering] = [is(hostCidr(parent.address)), is(hostCidr(child.address))];
  return ports.flatMap(({ port, protocol }) => [
    make.append("filter", "DOCKER", { source: asking, destination: answering, ...inside, ...toPort(protocol, port) }, "ACCEPT"),
    make.append("filter", "DOCKER", { source: answering, destination: asking, ...inside, ...fromPort(protocol, port) }, "ACCEPT"),
  ]);
}

/** What an explanation says of a published port's rules. */
export function portCause(network: string, { container, protocol, hostAddress, hostPort, port }: FirewallPort): RuleCause {
  return { kind: "port", network, container, protocol, hostIp: formatIp(hostAddress), hostPort, containerPort: port };
}


/** Who asks for an address of the host meets the published ports; at a loopback address only without the userland proxy. */
export function natJumps(make: StepMaker, userlandProxy: boolean): readonly Step[] {
  const notLoopback = userlandProxy ? { destination: isNot(loopback(make.family)) } : {};
  return [
    make.append("nat", "PREROUTING", { matches: TO_HOST }, jump("DOCKER")),
    make.append("nat", "OUTPUT", { ...notLoopback, matches: TO_HOST }, jump("DOCKER")),
  ];
}
