import { BACKLOG_DEFAULT } from "../../assembly/abi/limits";
import { SimulationError } from "../errors";
import type { DaemonFile } from "../model/daemon-file";
import { parseDuration, parseProbability, parseRate, type Duration, type Probability, type Rate } from "../net/units";
import { parseExpose, parsePublish, type ExposedPort, type PortMapping } from "./ports";
import type { ContainerLinkSpec, ContainerSpec, DockerGeneration, EndpointSpec, HostSpec, LinkSpec, NetworkModeSpec, NetworkSpec, TopologySpec } from "./spec";

export interface DockerOptions {
  /** The generation of Docker Engine to follow; `"29"` unless given. */
  readonly docker?: DockerGeneration;
  /** Decides what the daemon draws at random, such as MACs, and what the simulation leaves to chance. 0 unless given. Unsigned, 32 bits. */
  readonly seed?: number;
  /** CPUs of the host; 2 unless given. */
  readonly cpus?: number;
  /** What the host's user does to its packet filter once the daemon runs, in iptables syntax: lines such as `-I DOCKER-USER -s 203.0.113.0/24 -j DROP`. */
  readonly rules?: string;
  /** `/etc/docker/daemon.json` of the hosts. @example { "userland-proxy": false, bip: "10.90.0.1/24" } */
  readonly daemon?: DaemonFile;
}

/** The name of the host that runs the daemon. */
export const HOST_NAME = "host1";

/** What a cable does, in each direction. What is not given is ideal. */
export interface LinkOptions {
  readonly rate?: Rate;
  readonly delay?: Duration;
  /** The delay varies evenly by up to this much, either way; at most 2 s. */
  readonly jitter?: Duration;
  readonly loss?: Probability;
  readonly duplicate?: Probability;
  /** Chance that a frame is sent without delay, and so overtakes others. */
  readonly reorder?: Probability;
  /** Frames that may wait for the transmitter; 1000 unless given. */
  readonly limit?: number;
}

/** What `docker network create` takes. */
export interface NetworkOptions {
  /** `"bridge"` unless given. */
  readonly driver?: string;
  /** The host whose daemon makes it; every host's unless given. */
  readonly host?: string;
  /** Of macvlan and ipvlan: the interface below, such as `"eth0"` or `"eth0.10"`; one that leads nowhere unless given. */
  readonly parent?: string;
  /** A subnet from Docker's default pools unless given. */
  readonly subnet?: string;
  /** IPv6 as well: `--ipv6` and this subnet, such as `"fd00:1::/64"`. */
  readonly subnet6?: string;
  readonly gateway?: string;
  readonly ipRange?: string;
  /** Addresses that no container gets, by name. */
  readonly auxAddresses?: Readonly<Record<string, string>>;
  readonly internal?: boolean;
  readonly mtu?: number;
  /** Driver options by their full names. */
  readonly options?: Readonly<Record<string, string>>;
  /** What the cable of each container to this network does. */
  readonly link?: LinkOptions;
}

/** One container on one network: what `docker network connect` takes. */
export interface EndpointOptions {
  readonly ipv4?: string;
  readonly mac?: string;
  readonly aliases?: readonly string[];
  /** The network with the highest one gives the default route. */
  readonly gwPriority?: number;
  readonly interfaceName?: string;
  /** Before what the network says, field by field. */
  readonly link?: LinkOptions;
}

/** The names that are known so far, or any name while none is. */
export type Known<Names extends string> = [Names] extends [never] ? string : Names;

/** What `docker run` takes. `Networks` and `Containers` are the names declared before. */
export interface ContainerOptions<Networks extends string, Containers extends string, Hosts extends string = string> {
  /** The host that runs it; the first one unless given. */
  readonly host?: Known<Hosts>;
  /** The default bridge unless given. The first is the primary network. */
  readonly networks?: Known<Networks> | "bridge" | readonly (Known<Networks> | "bridge")[] | { readonly [Name in Known<Networks> | "bridge"]?: EndpointOptions };
  readonly networkMode?: "bridge" | "host" | "none" | `container:${Known<Containers>}`;
  readonly hostname?: string;
  /** One or several. */
  readonly publish?: PortMapping | readonly PortMapping[];
  readonly expose?: ExposedPort | readonly ExposedPort[];
  /** `"db"` or `"db:alias"`. */
  readonly links?: Known<Containers> | `${Known<Containers>}:${string}` | readonly (Known<Containers> | `${Known<Containers>}:${string}`)[];
  /** Lines for /etc/hosts by name: an address, or `"host-gateway"`. */
  readonly extraHosts?: Readonly<Record<string, string>>;
  /** Name servers, search domains and options of its /etc/resolv.conf; the host's unless given. */
  readonly dns?: string | readonly string[];
  readonly dnsSearch?: string | readonly string[];
  readonly dnsOptions?: string | readonly string[];
  /** A group that traffic can name instead of its containers, as a Compose service. */
  readonly service?: string;
}

const OPTION_MTU = "com.docker.network.driver.mtu";
const SEED_MAX = 0xffffffff;
const CPUS_MAX = 1024;

/** @throws SimulationError `INVALID_INPUT` for what is left of options when all that there are have been read: whoever writes without types hears of it. */
export function refuseOthers(rest: object, field: string): void {
  for (const name of Object.keys(rest)) throw new SimulationError("INVALID_INPUT", `${field}: there is no option ${JSON.stringify(name)}`);
}

/** @throws SimulationError `INVALID_INPUT` for what is no description: whoever writes without types, or reads one from a file, hears of it. */
export function readSpec(spec: TopologySpec): TopologySpec {
  const { name, hosts, networks, containers, traffic } = (typeof spec === "object" ? spec : undefined) ?? ({} as Readonly<Partial<TopologySpec>>);
  for (const [field, list] of Object.entries({ hosts, networks, containers, traffic })) {
    if (!Array.isArray(list)) throw invalid(`fromSpec: ${field}`, "a list", list);
  }
  if (typeof name !== "string") throw invalid("fromSpec: name", "a text", name);
  return spec;
}

/** @throws SimulationError `INVALID_INPUT` for a seed or a number of CPUs that cannot be. */
export function readDockerOptions({ docker = "29", seed = 0, cpus = 2, rules, daemon, ...rest }: DockerOptions): {
  readonly generation: DockerGeneration;
  readonly seed: number;
  readonly hosts: readonly HostSpec[];
} {
  refuseOthers(rest, "options");
  if (docker !== "29" && docker !== "20.10") throw invalid("docker", 'one of "29", "20.10"', docker);
  if (!Number.isInteger(seed) || seed < 0 || seed > SEED_MAX) throw invalid("seed", `a whole number from 0 to ${SEED_MAX}`, seed);
  return { generation: docker, seed, hosts: [{ name: HOST_NAME, cpus: readCpus(cpus), backlog: BACKLOG_DEFAULT, ...(daemon && { daemon: { file: daemon, subject: "daemon" } }), ...readRules(rules, "rules") }] };
}

/** Rules of a host's user; `file` stands before the line and column of what is wrong. */
export function readRules(text: string | undefined, file: string): Pick<HostSpec, "rules"> {
  return text === undefined ? {} : { rules: [{ text, file }] };
}

/** @throws SimulationError `INVALID_INPUT` for a number of CPUs that cannot be. */
export function readCpus(cpus = 2): number {
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > CPUS_MAX) throw invalid("cpus", `a whole number from 1 to ${CPUS_MAX}`, cpus);
  return cpus;
}

/** @throws SimulationError `INVALID_INPUT` for a quantity that cannot be. */
export function readNetworkOptions(name: string, options: NetworkOptions): NetworkSpec {
  const { driver = "bridge", subnet, gateway, ipRange, auxAddresses, internal = false, mtu, link, host, parent, subnet6, options: more, ...rest } = options;
  refuseOthers(rest, `networks.${name}`);
  const isConfigured = [subnet, gateway, ipRange, auxAddresses].some((value) => value !== undefined);
  const block = {
    ...(subnet !== undefined && { subnet }),
    ...(gateway !== undefined && { gateway }),
    ...(ipRange !== undefined && { ipRange }),
    auxAddresses: { ...auxAddresses },
  };
  return {
    name,
    driver,
    ipam: [...(isConfigured ? [block] : []), ...(subnet6 === undefined ? [] : [{ subnet: subnet6, auxAddresses: {} }])],
    ...(subnet6 !== undefined && { ipv6: true }),
    internal,
    ...(host !== undefined && { host }),
    options: { ...more, ...(mtu !== undefined && { [OPTION_MTU]: String(mtu) }), ...(parent !== undefined && { parent }) },
    ...(link && { link: readLinkOptions(link, `networks.${name}.link`) }),
  };
}

/** @throws SimulationError `INVALID_INPUT` for a port or a quantity that cannot be. */
export function readContainerOptions(name: string, host: string, options: ContainerOptions<string, string>): ContainerSpec {
  const { networks = [], networkMode, hostname, publish = [], expose = [], links = [], extraHosts = {}, service, dns, dnsSearch, dnsOptions, host: _, ...rest } = options;
  const field = `containers.${name}`;
  refuseOthers(rest, field);
  // A list, or one by itself.
  const endpoints: readonly (readonly [string, EndpointOptions?])[] = typeof networks === "string" || isList(networks) ? [networks].flat().map((network) => [network] as const) : Object.entries(networks);
  return {
    name,
    host,
    ...(hostname !== undefined && { hostname }),
    ...(service !== undefined && { service }),
    ...(networkMode !== undefined && { networkMode: readNetworkMode(networkMode, `${field}.networkMode`) }),
    networks: endpoints.map(([network, endpoint = {}]) => readEndpoint(network, endpoint, `${field}.networks.${network}`)),
    publish: [publish].flat().flatMap((port) => parsePublish(port, `${field}.publish`)),
    expose: [expose].flat().map((port) => parseExpose(port, `${field}.expose`)),
    links: [links].flat().map(readLink),
    ...(dns && { dns: [dns].flat() }),
    ...(dnsSearch && { dnsSearch: [dnsSearch].flat() }),
    ...(dnsOptions && { dnsOptions: [dnsOptions].flat() }),
    extraHosts: Object.entries(extraHosts).map(([extra, address]) => ({ name: extra, address })),
  };
}

/**
 * Reads what a cable does into integers.
 *
 * @throws SimulationError `INVALID_INPUT`, naming the property of `field`.
 * @example readLinkOptions({ rate: "10Mbit", loss: "0.1%" }, "link") // { rateBps: 10_000_000, loss: 4_294_967 }
 */
export function readLinkOptions({ rate, delay, jitter, loss, duplicate, reorder, limit, ...rest }: LinkOptions, field: string): LinkSpec {
  refuseOthers(rest, field);
  return {
    ...(rate !== undefined && { rateBps: parseRate(rate, `${field}.rate`) }),
    ...(delay !== undefined && { delayNs: parseDuration(delay, `${field}.delay`) }),
    ...(jitter !== undefined && { jitterNs: readJitter(jitter, `${field}.jitter`) }),
    ...(loss !== undefined && { loss: parseProbability(loss, `${field}.loss`) }),
    ...(duplicate !== undefined && { duplicate: parseProbability(duplicate, `${field}.duplicate`) }),
    ...(reorder !== undefined && { reorder: parseProbability(reorder, `${field}.reorder`) }),
    ...(limit !== undefined && { limit }),
  };
}

/** Jitter has 32 bits in a link's record, as in netem. */
function readJitter(jitter: Duration, field: string): number {
  const jitterNs = parseDuration(jitter, field);
  if (jitterNs > 0xffffffff) throw new SimulationError("INVALID_INPUT", `${field}: expected at most 4.2s, found ${JSON.stringify(jitter)}`);
  return jitterNs;
}

/** @throws SimulationError `INVALID_INPUT`, naming the property of `field`. */
export function readEndpoint(network: string, options: EndpointOptions, field: string): EndpointSpec {
  const { ipv4, mac, aliases = [], gwPriority = 0, interfaceName, link, ...rest } = options;
  refuseOthers(rest, field);
  return {
    network,
    ...(ipv4 !== undefined && { ipv4 }),
    ...(mac !== undefined && { mac }),
    aliases: [...aliases],
    gwPriority,
    ...(interfaceName !== undefined && { interfaceName }),
    ...(link && { link: readLinkOptions(link, `${field}.link`) }),
  };
}

function readNetworkMode(mode: string, field: string): NetworkModeSpec {
  if (mode === "bridge" || mode === "host" || mode === "none" || mode.startsWith("container:")) return mode as NetworkModeSpec;
  throw invalid(field, '"bridge", "host", "none" or "container:NAME"', mode);
}

function readLink(text: string): ContainerLinkSpec {
  const [container = "", alias = container] = text.split(":");
  return { container, alias };
}

function isList<T>(value: readonly T[] | object): value is readonly T[] {
  return Array.isArray(value);
}

function invalid(field: string, expected: string, found: unknown): SimulationError {
  return new SimulationError("INVALID_INPUT", `${field}: expected ${expected}, found ${JSON.stringify(found) ?? "nothing"}`);
}
