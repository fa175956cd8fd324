/** The rules of load balancing in a swarm (libnetwork service_linux.go): on hosts, in the sandboxes of load balancers, in those of tasks. */
import { ipv4Cidr } from "../../net/cidr";
import type { DockerGeneration } from "../spec";
import { fromPort, FROM_HOST, hostCidr, TO_HOST, toPort } from "./conditions";
import type { Firewall } from "./firewall";
import type { Match, PortProtocolName, Rule, RuleCause } from "./rule";
import { is, jump, MASQUERADE, perform, type Step, StepMaker, undo } from "./step";

const CHAIN = "DOCKER-INGRESS";
const ALL_ONES = 0xffffffff;

/** A port that every node has, and what it is on tasks. */
export interface MeshPort {
  readonly protocol: PortProtocolName;
  readonly published: number;
  readonly target: number;
}

/** What a host sends to its ingress sandbox, by way of docker_gwbridge. */
export interface HostMesh {
  readonly service: string;
  readonly ports: readonly MeshPort[];
  /** The sandbox's address there. */
  readonly gateway: number;
  readonly device: string;
}

const causeOf = (service: string, network = "ingress"): RuleCause => ({ kind: "service", service, network });

/** programIngress: the chains, the jumps to them, and the ports of a service. */
export function addHostMesh(firewall: Firewall, generation: DockerGeneration, mesh: HostMesh): void {
  firewall.ofSwarm((tables, placeUserChain) => {
    const make = new StepMaker(4, { kind: "daemon" });
    for (const table of ["nat", "filter"] as const) tables.newChain(table, CHAIN);
    perform(tables, [make.append("nat", CHAIN, {}, "RETURN"), make.append("filter", CHAIN, {}, "RETURN")]);
    const jumps = ["OUTPUT", "PREROUTING"].map((chain) => make.insert("nat", chain, { matches: TO_HOST }, jump(CHAIN)));
    if (generation === "20.10") {
      const toChain = make.insert("filter", "FORWARD", {}, jump(CHAIN));
      const isNew = !tables.exists(toChain);
      perform(tables, [...jumps, toChain]);
      if (isNew) placeUserChain();
    } else {
      perform(tables, [...jumps.map((step) => ({ ...step, op: "top" }) as const), make.top("filter", "DOCKER-FORWARD", CHAIN)]);
    }
    perform(tables, [make.insert("nat", "POSTROUTING", { outInterface: is(mesh.device), matches: FROM_HOST }, MASQUERADE), ...portSteps(generation, mesh)]);
  });
}

/** The ports go; the chains and the jumps stay. */
export function removeHostMesh(firewall: Firewall, generation: DockerGeneration, mesh: HostMesh): void {
  firewall.ofSwarm((tables) => undo(tables, portSteps(generation, mesh)));
}

function portSteps(generation: DockerGeneration, { service, ports, gateway }: HostMesh): readonly Step[] {
  const make = new StepMaker(4, causeOf(service));
  const address = { family: 4, value: gateway } as const;
  return ports.flatMap(({ protocol, published }) => {
    const range = { from: address, to: address, ports: { from: published, to: published } };
    return [
      make.insert("nat", CHAIN, toPort(protocol, published), { target: "DNAT", range }),
      make.insert("filter", CHAIN, answersOf(generation, protocol, published), "ACCEPT"),
      make.insert("filter", CHAIN, toPort(protocol, published), "ACCEPT"),
    ];
  });
}

/** The older one asks for the state first, with the older match. */
function answersOf(generation: DockerGeneration, protocol: PortProtocolName, port: number): Partial<Rule> {
  const conditions = fromPort(protocol, port);
  const states = is(["RELATED", "ESTABLISHED"] as const);
  const [before, after]: readonly [readonly Match[], readonly Match[]] = generation === "20.10" ? [[{ match: "state", states }], []] : [[], [{ match: "conntrack", states }]];
  return { ...conditions, matches: [...before, ...(conditions.matches ?? []), ...after] };
}

/** A virtual address in the sandbox of a network's load balancer. */
export interface BalancedAddress {
  readonly service: string;
  readonly network: string;
  readonly virtualIp: number;
  readonly mark: number;
  /** Of the ingress network: the ports of the routing mesh. */
  readonly ports: readonly MeshPort[];
}

/** configureFWMark: packets to a virtual address get the mark of its service; what IPVS sends on comes from the load balancer's own address, but with `dsr`. */
export function balancerSteps({ ip, prefixLength }: { readonly ip: number; readonly prefixLength: number }, isDirect: boolean, services: readonly BalancedAddress[]): readonly Step[] {
  const own = { family: 4, value: ip } as const;
  const translated = { destination: is(ipv4Cidr(ip, prefixLength)), matches: [{ match: "ipvs", forwarded: is(true) }] } as const;
  return services.flatMap(({ service, network, virtualIp, mark, ports }) => {
    const make = new StepMaker(4, causeOf(service, network));
    const target = { target: "MARK", value: mark, mask: ALL_ONES } as const;
    return [
      ...ports.map(({ protocol, published }) => make.append("mangle", "PREROUTING", toPort(protocol, published), target)),
      ...(isDirect ? [] : [make.append("nat", "POSTROUTING", translated, { target: "SNAT", range: { from: own, to: own, ports: undefined } })]),
      make.append("mangle", "INPUT", { destination: is(ipv4Cidr(virtualIp, 32)) }, target),
    ];
  });
}

/** addRedirectRules: what the mesh sends to a task goes to the port that it listens on, and nothing else passes its address on the ingress network. */
export function redirectSteps(service: string, ip: number, ports: readonly MeshPort[]): readonly Step[] {
  const make = new StepMaker(4, causeOf(service));
  const host = hostCidr({ family: 4, value: ip });
  const [to, from] = [{ destination: is(host) }, { source: is(host) }];
  const withStates = (conditions: Partial<Rule>, states: readonly ("NEW" | "ESTABLISHED")[]) => ({ ...conditions, matches: [...(conditions.matches ?? []), { match: "conntrack", states: is(states) } as const] });
  const open = ports.flatMap(({ protocol, published, target }) => [
    make.append("nat", "PREROUTING", { ...to, ...toPort(protocol, published) }, { target: "REDIRECT", ports: { from: target, to: target } }),
    make.insert("filter", "INPUT", { ...to, ...withStates(toPort(protocol, target), ["NEW", "ESTABLISHED"]) }, "ACCEPT"),
    make.insert("filter", "OUTPUT", { ...from, ...withStates(fromPort(protocol, target), ["ESTABLISHED"]) }, "ACCEPT"),
  ]);
  const rest = ports.length === 0 ? [] : ["sctp", "udp", "tcp"].flatMap((protocol) => [
    make.append("filter", "INPUT", { ...to, protocol: is(protocol) }, "DROP"),
    make.append("filter", "OUTPUT", { ...from, protocol: is(protocol) }, "DROP"),
  ]);
  return [...open, ...rest];
}
