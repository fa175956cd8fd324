import { ipv4Cidr } from "../../net/cidr";
import { fromPort, toPort } from "./conditions";
import type { FirewallState, PortProtocolName, Target } from "./rule";
import { is, jump, perform, type Step, StepMaker } from "./step";
import { Tables } from "./tables";

/** Where a container finds its DNS server (libnetwork resolver.go: resolverIPSandbox). */
const RESOLVER_IP = 0x7f00000b;
const DNS_PORT = 53;

/** The ports at which the embedded DNS server of a sandbox really listens. */
export interface ResolverPorts {
  readonly udp: number;
  readonly tcp: number;
}

/**
 * The rules inside a container's network namespace: with an embedded DNS server the way to its ports (libnetwork
 * resolver_unix.go; both generations), each rule at the head of its chain, those of UDP first; then what load balancing asks for (`mesh.ts`).
 *
 * @example sandboxFirewall({ udp: 40001, tcp: 40002 }).v4 // nat: DOCKER_OUTPUT and DOCKER_POSTROUTING
 */
export function sandboxFirewall(resolver: ResolverPorts | undefined, steps: readonly Step[] = []): FirewallState {
  const tables = new Tables();
  if (resolver) programResolver(tables, resolver);
  perform(tables, steps);
  return { v4: tables.snapshot(), v6: new Tables().snapshot() };
}

function programResolver(tables: Tables, ports: ResolverPorts): void {
  const make = new StepMaker(4, { kind: "resolver" });
  const address = is(ipv4Cidr(RESOLVER_IP, 32));
  tables.newChain("nat", "DOCKER_OUTPUT");
  tables.newChain("nat", "DOCKER_POSTROUTING");
  const both = (protocol: PortProtocolName, port: number) => [
    make.insert("nat", "DOCKER_OUTPUT", { destination: address, ...toPort(protocol, DNS_PORT) }, translateTo("DNAT", port)),
    make.insert("nat", "DOCKER_POSTROUTING", { source: address, ...fromPort(protocol, port) }, translateTo("SNAT", DNS_PORT)),
  ];
  perform(tables, [
    make.insert("nat", "OUTPUT", { destination: address }, jump("DOCKER_OUTPUT")),
    make.insert("nat", "POSTROUTING", { destination: address }, jump("DOCKER_POSTROUTING")),
    ...both("udp", ports.udp),
    ...both("tcp", ports.tcp),
  ]);
}

/** DNAT to a port of the server; SNAT back to port 53, the address staying as it is. */
function translateTo(target: "DNAT" | "SNAT", port: number): Target {
  const ip = target === "DNAT" ? ({ family: 4, value: RESOLVER_IP } as const) : undefined;
  return { target, range: { from: ip, to: ip, ports: { from: port, to: port } } };
}
