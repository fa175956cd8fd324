import { formatIpv4, isIpv4, isIpv6, parseIpv4, parseIpv6 } from "../net/ip";
import { dnsOf, type SandboxDns, seenFrom } from "./dns";
import { containerLabel } from "./labels";
import { type ContainerState, type DockerState, isBridge } from "./state";

/** What looking a name up came to: addresses (of IPv6 if there are none of IPv4) in the order of the answer, those of IPv6 beside them, or why there is none. */
export type Resolution = { readonly addresses: readonly (number | bigint)[]; readonly others?: readonly bigint[] } | { readonly reason: string };

const LOOPBACK = 0x7f000001;

/**
 * Looks names up as processes in containers and on hosts would: an address stands for itself, then /etc/hosts, then Docker's
 * embedded DNS server where the container has one (moby daemon/libnetwork/sandbox.go: ResolveName). Names are not case sensitive.
 *
 * Differs from Linux: no upstream server is asked, and several addresses come in the order in which the containers started; Docker shuffles them.
 *
 * @example new Resolver(state).resolve("web", "db") // { addresses: [0xac120002] }
 */
export class Resolver {
  readonly #state: DockerState;
  readonly #containers: ReadonlyMap<string, ContainerState>;
  /** By host. */
  readonly #views = new Map<string, DockerState>();
  readonly #servers = new Map<ContainerState, SandboxDns | undefined>();
  readonly #believe: (state: DockerState, host: string) => DockerState;

  /** `believe`: what a host of a swarm has been told, if that is less than what is so. */
  constructor(state: DockerState, believe: (state: DockerState, host: string) => DockerState = (whole) => whole) {
    this.#state = state;
    this.#believe = believe;
    const named = new Map<string, ContainerState>();
    for (const container of state.containers.filter(({ running }) => running)) {
      // The first of a name is the one that is meant by it.
      for (const name of [container.name, containerLabel(state, container)]) if (!named.has(name)) named.set(name, container);
    }
    this.#containers = named;
  }

  resolve(from: string, name: string): Resolution {
    // Who connects to 0.0.0.0 connects to itself (Linux: ip_route_output_key_hash_rcu).
    if (isIpv4(name)) return { addresses: [parseIpv4(name, "name") || LOOPBACK] };
    if (isIpv6(name)) return { addresses: [parseIpv6(name, "name")] };
    const wanted = name.toLowerCase().replace(/\.$/, "");
    if (wanted === "localhost") return { addresses: [LOOPBACK] };
    const container = this.sandboxOwner(from);
    if (!container) return this.#fail(from, wanted, this.#describeStranger(from));
    const own = this.#lookInHostsFile(container, wanted);
    if (own) return { addresses: [own] };
    const server = this.#serverOf(container);
    const known = container.networkOrder.filter((network) => !this.#isDefault(network));
    if (!server || known.length === 0) return this.#fail(from, wanted, describeWithoutDns(container));
    const { ipv4 = [], ipv6 = [] } = server.names.get(wanted) ?? {};
    const addresses: readonly (number | bigint)[] = ipv4.length > 0 ? ipv4 : ipv6;
    const others = ipv4.length > 0 ? ipv6 : [];
    return addresses.length > 0 ? { addresses, ...(others.length > 0 && { others }) } : this.#failOnNetworks(from, wanted, container.networkOrder, known);
  }

  /** The container whose sandbox, and so whose name resolution, a container uses; none for hosts and host mode. */
  sandboxOwner(name: string): ContainerState | undefined {
    const container = this.#containers.get(name);
    if (container?.network.mode === "container") return container.network.orphaned ? undefined : this.sandboxOwner(container.network.container);
    return container?.network.mode === "host" ? undefined : container;
  }

  /** Why there is no sandbox with a resolver. */
  #describeStranger(name: string): string {
    const { network } = this.#containers.get(name) ?? {};
    if (network?.mode !== "container" || !network.orphaned) return "a host does not ask Docker's DNS";
    return `it is still in the network that ${network.container} had before it started anew; restart ${name}`;
  }

  #serverOf(container: ContainerState): SandboxDns | undefined {
    if (!this.#servers.has(container)) this.#servers.set(container, dnsOf(this.#viewOf(container.host), container.name));
    return this.#servers.get(container);
  }

  #viewOf(host: string): DockerState {
    const view = this.#views.get(host) ?? seenFrom(this.#believe(this.#state, host), host);
    this.#views.set(host, view);
    return view;
  }

  #isDefault(network: string): boolean {
    return this.#state.networks.some((candidate) => isBridge(candidate) && candidate.isDefault && candidate.name === network);
  }

  /** Extra hosts, its own host name, and, on the default bridge, its links. */
  #lookInHostsFile(container: ContainerState, wanted: string): number | undefined {
    for (const { name, address } of container.spec.extraHosts) {
      if (name.toLowerCase() !== wanted) continue;
      if (isIpv4(address)) return parseIpv4(address, "extraHosts");
      // --host-gateway-ip, which is the default bridge's gateway unless given.
      if (address === "host-gateway") return this.#state.networks.filter(isBridge).find(({ isDefault, host }) => isDefault && host === container.host)?.gateway;
    }
    if (container.hostname.toLowerCase() === wanted) return container.endpoints[0]?.ip;
    const onDefaultBridge = ({ endpoints }: ContainerState) => endpoints.find(({ network }) => this.#isDefault(network));
    if (!onDefaultBridge(container)) return undefined;
    for (const link of container.spec.links) {
      const child = this.#containers.get(link.container);
      const endpoint = child && onDefaultBridge(child);
      if (endpoint && [link.alias, child.hostname, child.name].some((name) => name.toLowerCase() === wanted)) return endpoint.ip;
    }
    return undefined;
  }

  #findContainer(wanted: string): ContainerState | undefined {
    const isCalled = (name: string | undefined) => name?.toLowerCase() === wanted;
    return [...this.#containers.values()].find(
      ({ name, service, endpoints }) => isCalled(name) || isCalled(service) || endpoints.some(({ dnsNames }) => dnsNames.some(isCalled)),
    );
  }

  #failOnNetworks(from: string, wanted: string, networks: readonly string[], known: readonly string[]): Resolution {
    const target = this.#findContainer(wanted);
    if (!target) return this.#fail(from, wanted, this.#describeService(wanted) ?? `no container, alias or link on ${list(known)} is called that`);
    const others = target.endpoints.map(({ network }) => network);
    const node = this.#containers.get(from)?.host;
    const spans = (network: string) => this.#state.networks.some(({ name, scope }) => name === network && scope === "swarm");
    if (target.host !== node && others.some((network) => known.includes(network) && spans(network))) {
      return this.#fail(from, wanted, `word of ${target.name} on ${target.host} has not come to ${node} (gossip: 7946/tcp and udp)`);
    }
    const whereabouts = others.length > 0 ? `${target.name} is on ${list(others)}` : `${target.name} is on no network`;
    return this.#fail(from, wanted, `they share no user-defined network: ${from} is on ${list(networks)}, ${whereabouts}`);
  }

  /** A service of the swarm that has nobody to ask. */
  #describeService(wanted: string): string | undefined {
    const services = this.#state.hosts.flatMap(({ swarm }) => swarm?.services ?? []);
    return services.some(({ name }) => name.toLowerCase() === wanted) ? `service ${wanted} has no task that runs there` : undefined;
  }

  /** The sentence, with the address where one would help. */
  #fail(from: string, wanted: string, why: string): Resolution {
    const address = this.#findContainer(wanted)?.endpoints[0]?.ip;
    const hint = address === undefined ? "" : ` (its address is ${formatIpv4(address)})`;
    return { reason: `${from} cannot resolve ${JSON.stringify(wanted)}: ${why}${hint}` };
  }
}

function describeWithoutDns({ endpoints }: ContainerState): string {
  if (endpoints.length === 0) return "it is on no network";
  return "the default bridge has no DNS; put both on a network of their own, or link them";
}

function list(names: readonly string[]): string {
  const last = names.at(-1) ?? "no network";
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last}` : last;
}
