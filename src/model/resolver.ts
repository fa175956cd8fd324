import { formatIpv4, isIpv4, parseIpv4 } from "../net/ip";
import { compareGateways } from "./generation";
import type { ContainerState, DockerState, EndpointState, NetworkState } from "./state";

/** What looking a name up came to: addresses in the order of the answer, or why there is none. */
export type Resolution = { readonly addresses: readonly number[] } | { readonly reason: string };

const LOOPBACK = 0x7f000001;

/**
 * Looks a name up as a process in a container (or on a host) would: an address stands for itself, then /etc/hosts, then Docker's
 * embedded DNS server where the container has one (moby daemon/libnetwork/sandbox.go: ResolveName). Names are not case sensitive.
 *
 * Differs from Linux: no upstream server is asked, and several addresses come in the order in which the containers started; Docker shuffles them.
 *
 * @example resolveName(state, "web", "db") // { addresses: [0xac120002] }
 */
export function resolveName(state: DockerState, from: string, name: string): Resolution {
  if (isIpv4(name)) return { addresses: [parseIpv4(name, "name")] };
  const wanted = name.toLowerCase().replace(/\.$/, "");
  if (wanted === "localhost") return { addresses: [LOOPBACK] };
  const container = sandboxOwner(state, from);
  if (!container) return fail(state, from, wanted, "a host does not ask Docker's DNS");
  const host = lookInHostsFile(state, container, wanted);
  if (host) return { addresses: [host] };
  const networks = networksOf(state, container);
  const known = networks.filter(({ isDefault }) => !isDefault);
  if (known.length === 0) return fail(state, from, wanted, describeWithoutDns(container));
  for (const candidate of [aliasOfLink(state, container, wanted), wanted]) {
    if (candidate === undefined) continue;
    const addresses = lookUp(state, known, candidate);
    if (addresses.length > 0) return { addresses };
  }
  const target = findContainer(state, wanted);
  if (!target) return fail(state, from, wanted, `no container, alias or link on ${list(known.map((network) => network.name))} is called that`);
  const others = target.endpoints.map(({ network }) => network);
  const whereabouts = others.length > 0 ? `${target.name} is on ${list(others)}` : `${target.name} is on no network`;
  return fail(state, from, wanted, `they share no user-defined network: ${from} is on ${list(networks.map((network) => network.name))}, ${whereabouts}`);
}

/** The container whose sandbox, and so whose name resolution, a container uses; none for hosts and host mode. */
export function sandboxOwner(state: DockerState, name: string): ContainerState | undefined {
  const container = state.containers.find((candidate) => candidate.name === name);
  if (container?.network.mode === "container") return sandboxOwner(state, container.network.container);
  return container?.network.mode === "host" ? undefined : container;
}

/** Extra hosts, its own host name, and, on the default bridge, its links. */
function lookInHostsFile(state: DockerState, container: ContainerState, wanted: string): number | undefined {
  for (const { name, address } of container.spec.extraHosts) {
    if (name.toLowerCase() !== wanted) continue;
    if (isIpv4(address)) return parseIpv4(address, "extraHosts");
    // --host-gateway-ip, which is the default bridge's gateway unless given.
    if (address === "host-gateway") return state.networks.find(({ isDefault, host }) => isDefault && host === container.host)?.gateway;
  }
  if (container.hostname.toLowerCase() === wanted) return container.endpoints[0]?.ip;
  const onDefaultBridge = (other: ContainerState) => other.endpoints.find(({ network }) => isDefaultNetwork(state, other, network));
  if (!onDefaultBridge(container)) return undefined;
  for (const link of container.spec.links) {
    const child = state.containers.find(({ name }) => name === link.container);
    const endpoint = child && onDefaultBridge(child);
    if (endpoint && [link.alias, child.hostname, child.name].some((name) => name.toLowerCase() === wanted)) return endpoint.ip;
  }
  return undefined;
}

/** On user-defined networks a link is another name for the container, for this container alone. */
function aliasOfLink(state: DockerState, { spec }: ContainerState, wanted: string): string | undefined {
  const link = spec.links.find(({ alias }) => alias.toLowerCase() === wanted);
  return link && state.containers.find(({ name }) => name === link.container)?.name.toLowerCase();
}

/** For a.b.c: a.b.c on any network, then a.b on the network c, then a on the network b.c. The first network that knows the name answers. */
function lookUp(state: DockerState, networks: readonly NetworkState[], wanted: string): number[] {
  const labels = wanted.split(".");
  for (let split = labels.length; split > 0; split--) {
    const name = labels.slice(0, split).join(".");
    const zone = labels.slice(split).join(".");
    for (const network of networks) {
      if (zone !== "" && zone !== network.name.toLowerCase()) continue;
      const addresses = endpointsOn(state, network).filter(({ dnsNames }) => dnsNames.some((known) => known.toLowerCase() === name));
      if (addresses.length > 0) return addresses.map(({ ip }) => ip);
    }
  }
  return [];
}

function endpointsOn(state: DockerState, network: NetworkState): EndpointState[] {
  const here = state.containers.filter(({ host }) => host === network.host);
  return here.flatMap(({ endpoints }) => endpoints.filter((endpoint) => endpoint.network === network.name));
}

/** A container's networks in gateway order. */
function networksOf(state: DockerState, { host, endpoints, spec }: ContainerState): NetworkState[] {
  const priorities = new Map(spec.networks.map(({ network, gwPriority }) => [network, gwPriority]));
  return endpoints
    .flatMap(({ network }) => state.networks.find((candidate) => candidate.host === host && candidate.name === network) ?? [])
    .map((network) => ({ network, key: { network: network.name, internal: network.internal, gwPriority: priorities.get(network.name) ?? 0 } }))
    .sort((a, b) => compareGateways(a.key, b.key))
    .map(({ network }) => network);
}

function isDefaultNetwork(state: DockerState, { host }: ContainerState, name: string): boolean {
  return state.networks.some((network) => network.host === host && network.name === name && network.isDefault);
}

function describeWithoutDns({ endpoints }: ContainerState): string {
  if (endpoints.length === 0) return "it is on no network";
  return "the default bridge has no DNS; put both on a network of their own, or link them";
}

function findContainer(state: DockerState, wanted: string): ContainerState | undefined {
  return state.containers.find(
    ({ name, service, endpoints }) =>
      name.toLowerCase() === wanted ||
      service?.toLowerCase() === wanted ||
      endpoints.some(({ dnsNames }) => dnsNames.some((known) => known.toLowerCase() === wanted)),
  );
}

/** The sentence, with the address where one would help. */
function fail(state: DockerState, from: string, wanted: string, why: string): Resolution {
  const address = findContainer(state, wanted)?.endpoints[0]?.ip;
  const hint = address === undefined ? "" : ` (its address is ${formatIpv4(address)})`;
  return { reason: `${from} cannot resolve ${JSON.stringify(wanted)}: ${why}${hint}` };
}

function list(names: readonly string[]): string {
  const last = names.at(-1) ?? "no network";
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last}` : last;
}
