import { formatIpv4, isIpv4, isIpv6 } from "../net/ip";
import { rulesOf } from "./generations";
import { type ContainerState, type DockerState, type EndpointState, type HostState, isOfSwarm, type NetworkState } from "./state";
import { membersOfSwarm, type ServiceName, serviceNames } from "./swarm/names";
import { NetworkMemo } from "./views";

/** What one sandbox's embedded DNS server knows and does. */
export interface SandboxDns {
  /** The container whose sandbox it is. */
  readonly container: string;
  /**
   * Names in lower case, without a trailing dot, that Docker answers itself: from the first network that has the name, in gateway
   * order, also as `name.network`; links of this container before the names of containers.
   */
  readonly names: ReadonlyMap<string, DnsEntry>;
  /** `in-addr.arpa` and `ip6.arpa` names in lower case, and whom they point to: `name.network`. */
  readonly reverse: ReadonlyMap<string, string>;
  /** The same as the zones of its networks, in the order of search: others on them have the same objects. Absent where links of its own come before. */
  readonly zones?: readonly DnsZone[];
  /** At most three, asked in this order. */
  readonly upstreams: readonly UpstreamServer[];
  /** Seconds. */
  readonly ttl: number;
  /** Whether names without a dot that nobody knows get an empty answer instead of being forwarded. */
  readonly keepsSingleLabels: boolean;
  /** What a client gets when no upstream server gives a usable answer. */
  readonly onFailure: "silence" | "servfail";
  /** Whether NXDOMAIN from one server makes the next one be asked. */
  readonly triesNextOnNxdomain: boolean;
}

/** What everybody on one network knows: names without their network, or with it. */
export interface DnsZone {
  readonly names: ReadonlyMap<string, DnsEntry>;
  readonly reverse: ReadonlyMap<string, string>;
}

export interface DnsEntry {
  /** In the order of the containers' start; the server shuffles them for each query. */
  readonly ipv4: readonly number[];
  readonly ipv6: readonly bigint[];
  /** Whether a query for AAAA is forwarded, as nobody has an IPv6 address where one could be expected. */
  readonly forwardsOtherFamily: boolean;
}

export interface UpstreamServer {
  readonly address: string;
  /** From which network namespace it is asked. */
  readonly from: "host" | "container";
}

/** The embedded DNS server of a container's sandbox; `undefined` where there is none. */
export type DnsLookup = (state: DockerState, container: string) => SandboxDns | undefined;

/** libnetwork resolver.go: respTTL. */
const TTL = 600;
/** moby daemon/libnetwork/sandbox_dns_unix.go: resolverIPSandbox. */
const EMBEDDED_DNS = "127.0.0.11";
/** libnetwork resolver.go: maxExtDNS. */
const UPSTREAMS_MAX = 3;

/** The embedded DNS server of a container's own sandbox; `undefined` where there is none (moby daemon/libnetwork/sandbox.go: ResolveName). */
export function dnsOf(state: DockerState, name: string): SandboxDns | undefined {
  const container = state.containers.find((candidate) => candidate.name === name && candidate.running);
  if (!container?.embeddedDns) return undefined;
  const host = state.hosts.find((candidate) => candidate.name === container.host)!;
  const own = zonesOf(state, container);
  const { dns } = rulesOf(state.generation);
  const isShared = own.every(({ aliases }) => aliases.size === 0);
  return {
    container: name,
    // Few ask for one container's names alone.
    get names() {
      return namesOf(own);
    },
    get reverse() {
      return new Map([...own].reverse().flatMap(({ bare }) => [...bare.reverse]));
    },
    ...(isShared && { zones: [...own.map(({ bare }) => bare), ...own.map(({ qualified }) => qualified)] }),
    upstreams: upstreamsOf(state, container, host),
    ttl: TTL,
    keepsSingleLabels: hasOwnNdots(container, host),
    onFailure: dns.onFailure,
    triesNextOnNxdomain: dns.triesNextOnNxdomain,
  };
}

/** A state as one host's DNS servers see it: names are those of one daemon, but for the networks of a swarm. */
export function seenFrom(state: DockerState, host: string): DockerState {
  const isOwn = (thing: { readonly host: string }) => thing.host === host;
  const swarms = state.hosts.some(({ name, swarm }) => name === host && swarm !== undefined);
  const others = swarms ? state.containers.filter((container) => !isOwn(container)) : [];
  const view = { ...state, networks: state.networks.filter(isOwn), containers: [...state.containers.filter(isOwn), ...others] };
  wholes.set(view, state);
  return view;
}

/** What a view was taken of. */
const wholes = new WeakMap<DockerState, DockerState>();

/** One of the sandbox's networks that have a DNS. */
interface Zone {
  readonly network: string;
  readonly records: ReadonlyMap<string, DnsEntry>;
  readonly bare: DnsZone;
  readonly qualified: DnsZone;
  /** Links of this container: alias to name. */
  readonly aliases: ReadonlyMap<string, string>;
}

function zonesOf(state: DockerState, container: ContainerState): Zone[] {
  return inOrderOfNames(state, container).flatMap((network): Zone[] => {
    const found = state.networks.find(({ name, host }) => name === network && host === container.host);
    if (!found || (found.driver === "bridge" && found.isDefault) || found.driver === "host" || found.driver === "null") return [];
    const attachment = container.attachments.find((candidate) => candidate.network === network);
    const links = (attachment?.spec.links ?? []).map((link): [string, string] => [link.alias.toLowerCase(), link.container.toLowerCase()]);
    return [{ ...knownOn(state, found), aliases: new Map(links) }];
  });
}

/** States are values: what everybody on a network knows is put together once, for a network of a swarm on all hosts that believe the same of it. */
const zones = new WeakMap<DockerState, Map<string, KnownZone>>();
const zonesOfSwarms = new NetworkMemo<KnownZone>();
type KnownZone = Omit<Zone, "aliases">;

function knownOn(view: DockerState, network: NetworkState): KnownZone {
  if (isOfSwarm(network)) {
    return zonesOfSwarms.of(wholes.get(view) ?? view, network.id, (state) => zoneOf(state, network, membersOfSwarm(state, network), serviceNames(state, network)));
  }
  const ofState = zones.get(view) ?? new Map<string, KnownZone>();
  zones.set(view, ofState);
  const key = `${network.host} ${network.name}`;
  const zone = ofState.get(key) ?? zoneOf(view, network, membersOfHost(view, network), []);
  ofState.set(key, zone);
  return zone;
}

function zoneOf({ generation }: DockerState, network: NetworkState, members: readonly EndpointState[], services: readonly ServiceName[]): KnownZone {
  const forwards = rulesOf(generation).dns.forwardsOtherFamily && network.enableIpv6;
  const records = recordsOf(members, forwards);
  for (const { name, addresses } of services) records.set(name.toLowerCase(), { ...EMPTY, ipv4: addresses });
  const name = network.name.toLowerCase();
  const bare: DnsZone = { names: records, reverse: new Map(members.flatMap((member) => pointersOf(member, name))) };
  const qualified: DnsZone = { names: new Map([...records].map(([bareName, entry]) => [`${bareName}.${name}`, entry])), reverse: new Map() };
  return { network: name, records, bare, qualified };
}

function membersOfHost({ containers }: DockerState, network: NetworkState): EndpointState[] {
  const started = containers.filter(({ host }) => host === network.host).sort((a, b) => a.startOrder - b.startOrder);
  // Names lead to addresses whether or not anybody is there.
  return started.flatMap(({ endpoints, unplugged = [] }) => [...endpoints, ...unplugged].filter((endpoint) => endpoint.network === network.name));
}

/** Gateway order, but overlays before ingress, and that before the networks of the host (libnetwork sandbox.go: ResolveName). */
function inOrderOfNames(state: DockerState, { networkOrder, host }: ContainerState): string[] {
  const rankOf = (wanted: string) => {
    const found = state.networks.find((network) => network.name === wanted && network.host === host);
    return found && isOfSwarm(found) ? Number(found.ingress) : 2;
  };
  return [...networkOrder].sort((a, b) => rankOf(a) - rankOf(b));
}

function recordsOf(members: readonly EndpointState[], forwards: boolean): Map<string, DnsEntry> {
  const records = new Map<string, DnsEntry>();
  for (const { dnsNames, ip, ipv6 } of members) {
    for (const name of new Set(dnsNames.map((written) => written.toLowerCase()))) {
      const { ipv4: four, ipv6: six } = records.get(name) ?? EMPTY;
      const all6 = ipv6 === undefined ? six : [...six, ipv6];
      records.set(name, { ipv4: ip === 0 || four.includes(ip) ? four : [...four, ip], ipv6: all6, forwardsOtherFamily: forwards && all6.length === 0 });
    }
  }
  return records;
}

const EMPTY: DnsEntry = { ipv4: [], ipv6: [], forwardsOtherFamily: false };

/** For a.b.c: a.b.c on any network, then a.b on the network c; links first each time. The first network that knows the name answers. */
function namesOf(zones: readonly Zone[]): Map<string, DnsEntry> {
  const names = new Map<string, DnsEntry>();
  const add = (name: string, entry: DnsEntry | undefined) => {
    if (entry && !names.has(name)) names.set(name, entry);
  };
  for (const suffix of [() => "", ({ network }: Zone) => `.${network}`]) {
    for (const zone of zones) for (const [alias, target] of zone.aliases) add(`${alias}${suffix(zone)}`, zone.records.get(target));
    for (const zone of zones) {
      for (const [name, entry] of zone.records) if (!zone.aliases.has(name)) add(`${name}${suffix(zone)}`, entry);
    }
  }
  return names;
}

function pointersOf({ ip, ipv6, dnsNames }: EndpointState, network: string): [string, string][] {
  const [name] = dnsNames;
  if (name === undefined) return [];
  const target = `${name}.${network}`;
  const nibbles = ipv6 === undefined ? undefined : [...ipv6.toString(16).padStart(32, "0")].reverse().join(".");
  return [
    ...(ip === 0 ? [] : [[`${formatIpv4(ip).split(".").reverse().join(".")}.in-addr.arpa`, target] as [string, string]]),
    ...(nibbles === undefined ? [] : [[`${nibbles}.ip6.arpa`, target] as [string, string]]),
  ];
}

/** Servers that the container or its daemon names are asked from the container, those of the host's file from where the generation says. */
function upstreamsOf(state: DockerState, container: ContainerState, host: HostState): UpstreamServer[] {
  const { flags, world } = host;
  const { dns } = rulesOf(state.generation);
  const { spec, endpoints } = container;
  const own = [spec.dns ?? [], flags.dns].find(({ length }) => length > 0);
  const isInside = endpoints.every(({ network }) => state.networks.some(({ name, internal }) => name === network && internal));
  if (!own && isInside && !dns.forwardsWithoutExit) return [];
  const named = (own ?? world.resolvConf.nameservers).filter((address) => dns.asksIpv6 || isIpv4(address));
  const isAsHost = !own && !(dns.losesLoopback && hasOwnSettings(spec, flags));
  const servers = named.map((address): UpstreamServer => ({ address, from: isAsHost && (dns.asksFromHost || isLoopback(address)) ? "host" : "container" }));
  const usable = servers.filter(({ address, from }) => !dns.leavesItselfOut || from === "host" || address !== EMBEDDED_DNS);
  return (usable.length > 0 || named.length > 0 ? usable : fallbackOf(state, container, host)).slice(0, UPSTREAMS_MAX);
}

/** With a search list or options of its own, 20.10 takes the host's servers for the container's (libnetwork sandbox_dns_unix.go: setupDNS). */
function hasOwnSettings({ dns = [], dnsSearch = [], dnsOptions = [] }: ContainerState["spec"], flags: HostState["flags"]): boolean {
  return [dns, dnsSearch, dnsOptions, flags.dns, flags.dnsSearch, flags.dnsOptions].some(({ length }) => length > 0);
}

/** What 20.10 finds in the container's own file where it has found no server before: nothing if a server of IPv6 is left in it (rebuildDNS). */
function fallbackOf(state: DockerState, { spec, endpoints }: ContainerState, { flags, world: { resolvConf } }: HostState): UpstreamServer[] {
  const { fallback } = rulesOf(state.generation).dns;
  const keepsIpv6 = endpoints.some(({ ipv6 }) => ipv6 !== undefined) && resolvConf.nameservers.some((address) => isIpv6(address) && !isLoopback(address));
  return keepsIpv6 || hasOwnSettings(spec, flags) ? [] : fallback.map((address) => ({ address, from: "container" }));
}

function isLoopback(address: string): boolean {
  return isIpv4(address) ? address.startsWith("127.") : isIpv6(address) && address === "::1";
}

function hasOwnNdots({ spec }: ContainerState, { flags, world }: HostState): boolean {
  const options = [spec.dnsOptions ?? [], flags.dnsOptions, world.resolvConf.options].find(({ length }) => length > 0) ?? [];
  return options.some((option) => option.startsWith("ndots:"));
}
