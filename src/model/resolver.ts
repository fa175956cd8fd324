import { formatIpv4, isIpv4, parseIpv4 } from "../net/ip";
import { compareGateways } from "./generation";
import { isBridge, type BridgeNetworkState as NetworkState, type ContainerState, type DockerState } from "./state";

/** What looking a name up came to: addresses in the order of the answer, or why there is none. */
export type Resolution = { readonly addresses: readonly number[] } | { readonly reason: string };

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
  readonly #containers: ReadonlyMap<string, ContainerState>;
  /** By host and name. */
  readonly #networks: ReadonlyMap<string, NetworkState>;
  /** Addresses by name in lower case, for each network by host and name. */
  readonly #zones = new Map<string, Map<string, number[]>>();

  constructor(state: DockerState) {
    this.#containers = new Map(state.containers.map((container) => [container.name, container]));
    this.#networks = new Map(state.networks.filter(isBridge).map((network) => [keyOf(network), network]));
    for (const { host, endpoints } of state.containers) {
      for (const { network, dnsNames, ip } of endpoints) this.#enter(keyOf({ host, name: network }), dnsNames, ip);
    }
  }

  resolve(from: string, name: string): Resolution {
    if (isIpv4(name)) return { addresses: [parseIpv4(name, "name")] };
    const wanted = name.toLowerCase().replace(/\.$/, "");
    if (wanted === "localhost") return { addresses: [LOOPBACK] };
    const container = this.sandboxOwner(from);
    if (!container) return this.#fail(from, wanted, "a host does not ask Docker's DNS");
    const own = this.#lookInHostsFile(container, wanted);
    if (own) return { addresses: [own] };
    const networks = this.#networksOf(container);
    const known = networks.filter(({ isDefault }) => !isDefault);
    if (known.length === 0) return this.#fail(from, wanted, describeWithoutDns(container));
    for (const candidate of [this.#aliasOfLink(container, wanted), wanted]) {
      const addresses = candidate === undefined ? [] : this.#lookUp(known, candidate);
      if (addresses.length > 0) return { addresses };
    }
    return this.#failOnNetworks(from, wanted, networks, known);
  }

  /** The container whose sandbox, and so whose name resolution, a container uses; none for hosts and host mode. */
  sandboxOwner(name: string): ContainerState | undefined {
    const container = this.#containers.get(name);
    if (container?.network.mode === "container") return this.sandboxOwner(container.network.container);
    return container?.network.mode === "host" ? undefined : container;
  }

  #enter(network: string, names: readonly string[], ip: number): void {
    const zone = this.#zones.get(network) ?? new Map<string, number[]>();
    this.#zones.set(network, zone);
    for (const name of new Set(names.map((known) => known.toLowerCase()))) {
      const addresses = zone.get(name);
      if (addresses) addresses.push(ip);
      else zone.set(name, [ip]);
    }
  }

  /** Extra hosts, its own host name, and, on the default bridge, its links. */
  #lookInHostsFile(container: ContainerState, wanted: string): number | undefined {
    for (const { name, address } of container.spec.extraHosts) {
      if (name.toLowerCase() !== wanted) continue;
      if (isIpv4(address)) return parseIpv4(address, "extraHosts");
      // --host-gateway-ip, which is the default bridge's gateway unless given.
      if (address === "host-gateway") return [...this.#networks.values()].find(({ isDefault, host }) => isDefault && host === container.host)?.gateway;
    }
    if (container.hostname.toLowerCase() === wanted) return container.endpoints[0]?.ip;
    const onDefaultBridge = ({ host, endpoints }: ContainerState) =>
      endpoints.find(({ network }) => this.#networks.get(keyOf({ host, name: network }))?.isDefault);
    if (!onDefaultBridge(container)) return undefined;
    for (const link of container.spec.links) {
      const child = this.#containers.get(link.container);
      const endpoint = child && onDefaultBridge(child);
      if (endpoint && [link.alias, child.hostname, child.name].some((name) => name.toLowerCase() === wanted)) return endpoint.ip;
    }
    return undefined;
  }

  /** On user-defined networks a link is another name for the container, for this container alone. */
  #aliasOfLink({ spec }: ContainerState, wanted: string): string | undefined {
    const link = spec.links.find(({ alias }) => alias.toLowerCase() === wanted);
    return link && this.#containers.get(link.container)?.name.toLowerCase();
  }

  /** For a.b.c: a.b.c on any network, then a.b on the network c, then a on the network b.c. The first network that knows the name answers. */
  #lookUp(networks: readonly NetworkState[], wanted: string): readonly number[] {
    const labels = wanted.split(".");
    for (let split = labels.length; split > 0; split--) {
      const name = labels.slice(0, split).join(".");
      const zone = labels.slice(split).join(".");
      for (const network of networks) {
        if (zone !== "" && zone !== network.name.toLowerCase()) continue;
        const addresses = this.#zones.get(keyOf(network))?.get(name);
        if (addresses) return addresses;
      }
    }
    return [];
  }

  /** A container's networks in gateway order. */
  #networksOf({ host, endpoints, spec }: ContainerState): NetworkState[] {
    const priorities = new Map(spec.networks.map(({ network, gwPriority }) => [network, gwPriority]));
    return endpoints
      .flatMap(({ network }) => this.#networks.get(keyOf({ host, name: network })) ?? [])
      .map((network) => ({ network, key: { network: network.name, internal: network.internal, gwPriority: priorities.get(network.name) ?? 0 } }))
      .sort((a, b) => compareGateways(a.key, b.key))
      .map(({ network }) => network);
  }

  #findContainer(wanted: string): ContainerState | undefined {
    const isCalled = (name: string | undefined) => name?.toLowerCase() === wanted;
    return [...this.#containers.values()].find(
      ({ name, service, endpoints }) => isCalled(name) || isCalled(service) || endpoints.some(({ dnsNames }) => dnsNames.some(isCalled)),
    );
  }

  #failOnNetworks(from: string, wanted: string, networks: readonly NetworkState[], known: readonly NetworkState[]): Resolution {
    const target = this.#findContainer(wanted);
    const names = (of: readonly NetworkState[]) => list(of.map(({ name }) => name));
    if (!target) return this.#fail(from, wanted, `no container, alias or link on ${names(known)} is called that`);
    const others = target.endpoints.map(({ network }) => network);
    const whereabouts = others.length > 0 ? `${target.name} is on ${list(others)}` : `${target.name} is on no network`;
    return this.#fail(from, wanted, `they share no user-defined network: ${from} is on ${names(networks)}, ${whereabouts}`);
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

function keyOf({ host, name }: { readonly host: string; readonly name: string }): string {
  return `${host}/${name}`;
}

function list(names: readonly string[]): string {
  const last = names.at(-1) ?? "no network";
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last}` : last;
}
