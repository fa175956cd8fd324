import { BACKLOG_DEFAULT } from "../../assembly/abi/limits";
import type {
  ContainerLinkSpec, ContainerSpec, DockerGeneration, EndpointSpec, ExtraHostSpec, HostSpec, IpamSpec, LinkSpec, NetworkModeSpec, NetworkSpec,
  Positioned, PublishSpec, TopologySpec, TrafficSpec,
} from "../api/spec";
import { emptyWorld } from "../api/spec";
import { formatMac } from "../net/mac";
import { defaultTraffic } from "./default-traffic";
import { placed, type Place } from "./node";
import { linkOf, machinesOf } from "./nodes";
import { Notices, type Notice } from "./notice";
import type { ComposeContainer, ComposeNetwork, ComposeProject, ComposeService, IpamBlock, NetworkAttachment } from "./project";
import { stackOf } from "./stack";
import type { LinkProperties, LinkRule, TrafficRule } from "./x-dockwire";

export interface TopologyOptions {
  /** Wins over `x-dockwire.docker`; `"29"` when neither says. */
  readonly generation?: DockerGeneration;
  /** Wins over `x-dockwire.seed`; 0 when neither says. */
  readonly seed?: number;
  /** A swarm of so many machines, as `docker stack deploy` would use it; wins over `x-dockwire.nodes`. One machine without a swarm when neither says. */
  readonly nodes?: number;
}

export interface ComposeTopology {
  readonly spec: TopologySpec;
  /** The project's own, and those of keys that a network or an endpoint here cannot follow. */
  readonly notices: readonly Notice[];
}

/** One machine runs the whole project, as `docker compose up` does. */
const HOST: HostSpec = { name: "host1", cpus: 2, backlog: BACKLOG_DEFAULT };

/** The machine, and what is around it where the file says something of either. */
function machineOf({ dockwire }: ComposeProject, networks: readonly NetworkSpec[], notices: Notices): Pick<TopologySpec, "hosts" | "underlay"> {
  if (!dockwire || (dockwire.hosts.size === 0 && !dockwire.underlay && !dockwire.daemon)) return { hosts: [hostOf(networks)] };
  const [here, others] = [true, false].map((isHere) => [...dockwire.hosts].filter(([name]) => (name === HOST.name) === isHere));
  for (const [, { place }] of others!) notices.add("ignored", place, "there is one machine, host1 (--nodes makes a swarm of several)");
  const { hosts, underlay } = machinesOf({ dockwire: { ...dockwire, hosts: new Map(here!.map(([name, rule]) => [name, { ...rule, role: undefined }])) } }, 1);
  const own = hosts[0]!.world!;
  const parents = (hostOf(networks).world?.uplinks ?? []).filter(({ name }) => own.uplinks.every((uplink) => uplink.name !== name));
  return { underlay, hosts: [{ ...hosts[0]!, world: { ...own, uplinks: [...own.uplinks, ...parents] } }] };
}

/**
 * The interfaces that macvlan and ipvlan networks sit on: those that the file names, as it does not say what its machine has.
 */
function hostOf(networks: readonly NetworkSpec[]): HostSpec {
  const parents = networks.filter(({ driver }) => driver !== "bridge").flatMap(({ options }) => options.parent?.split(".")[0] || []);
  const names = [...new Set(parents)].filter((name) => name !== "lo");
  if (names.length === 0) return HOST;
  const uplinks = names.map((name, index) => ({ name, mac: formatMac(UPLINK_MAC + index), mtu: 1500, addresses: [] }));
  return { ...HOST, world: { ...emptyWorld(HOST.name), uplinks } };
}

/** A locally administered address. */
const UPLINK_MAC = 0x02_00_00_00_00_01;

/**
 * A Compose project as `docker compose up` would create it: used networks by their real names, then one container per replica, in the
 * order of start. Traffic is that of `x-dockwire`, or else follows from `depends_on`.
 *
 * @example toTopology(loadCompose({ file: "compose.yaml", text })).spec.containers.map(({ name }) => name) // ["shop-web-1", …]
 */
export function toTopology(project: ComposeProject, options: TopologyOptions = {}): ComposeTopology {
  const notices = new Notices();
  const traffic = [
    ...(project.dockwire?.traffic ?? []).map((rule) => trafficOf(rule, project)),
    ...(project.dockwire?.defaultTraffic === false ? [] : defaultTraffic(project, notices, HOST.name)),
  ];
  const nodes = options.nodes ?? project.dockwire?.nodes;
  if (nodes !== undefined) {
    const spec = swarmOf(project, nodes, { ...named(project, options), traffic: withUniqueNames(traffic) }, notices);
    return { spec, notices: [...project.notices, ...notices.list()] };
  }
  const networks = networksOf(project).map((network) => networkOf(network, project, notices));
  const given = named(project, options);
  const spec: TopologySpec = {
    ...given,
    ...machineOf(project, networks, notices),
    networks,
    containers: inStartOrder(project).flatMap((service) =>
      service.containers.map((container) => containerOf(container, service, project, notices)),
    ),
    traffic: withUniqueNames(traffic),
  };
  return { spec, notices: [...project.notices, ...notices.list()] };
}

function named({ name, dockwire }: ComposeProject, options: TopologyOptions): Pick<TopologySpec, "name" | "generation" | "seed"> {
  return { name, generation: options.generation ?? dockwire?.docker ?? "29", seed: options.seed ?? dockwire?.seed ?? 0 };
}

/** The same on a swarm: services instead of containers, and overlay networks. */
function swarmOf(project: ComposeProject, count: number, given: Pick<TopologySpec, "name" | "generation" | "seed" | "traffic">, notices: Notices): TopologySpec {
  const { nodes, hosts, underlay } = machinesOf(project, count);
  const { networks, services } = stackOf(project, notices);
  const keyOf = ({ name }: NetworkSpec) => project.networks.find((network) => network.name === name)?.key ?? "default";
  const local = networks.find(({ driver }) => driver !== "overlay");
  if (local) {
    const place = project.place("networks", keyOf(local), "driver");
    throw placed(place, `${place.path}: The network ${local.name} cannot be used with services. Only networks scoped to the swarm can be used, such as those created with the overlay driver (which is that of a stack where the file names none)`);
  }
  const cabled = networks.map((network) => {
    const key = keyOf(network);
    const link = mergeLinks(project, (scope) => scope.kind === "default" || (scope.kind === "network" && scope.name === key));
    return { ...network, ...(link && { link }) };
  });
  for (const { scope, place } of project.dockwire?.links ?? []) {
    if (scope.kind === "service") notices.add("not-simulated", place, "cables of one service are not told apart in a swarm");
  }
  const isService = (from: string) => project.services.some(({ name }) => name === from);
  return {
    ...given,
    hosts,
    underlay,
    networks: [],
    containers: [],
    // The tasks of a service send under its name in the swarm.
    traffic: given.traffic.map((item) => (isService(item.from) ? { ...item, from: `${project.name}_${item.from}` } : item)),
    swarm: { nodes, networks: cabled, services },
  };
}

/** What was there before the project comes first, then the project's own in the order of the text. */
function networksOf({ networks }: ComposeProject): ComposeNetwork[] {
  const used = networks.filter((network) => network.used && predefined(network) === undefined);
  return [...used.filter((network) => network.external), ...used.filter((network) => !network.external)];
}

/** The three networks that every daemon has: joining one by name is a network mode. */
function predefined({ external, name }: ComposeNetwork): "bridge" | "host" | "none" | undefined {
  return external && (name === "bridge" || name === "host" || name === "none") ? name : undefined;
}

/** Drivers of a daemon by itself; `null` makes no network of a user. */
const DRIVERS = new Set(["bridge", "macvlan", "ipvlan"]);

function networkOf(network: ComposeNetwork, project: ComposeProject, notices: Notices): NetworkSpec {
  const at = (...path: (string | number)[]) => project.place("networks", network.key, ...path);
  const asked = network.driver ?? "bridge";
  const driver = DRIVERS.has(asked) ? asked : "bridge";
  if (driver !== asked) {
    notices.add("not-simulated", at("driver"), `the driver ${JSON.stringify(asked)} is simulated as a bridge network on one host${asked === "overlay" ? " (--nodes makes a swarm)" : ""}`);
  }
  if (network.external) notices.add("ignored", at("external"), "the external network is created as a bridge network of its own");
  if (network.enableIpv4 === false) notices.add("not-simulated", at("enable_ipv4"), "networks without IPv4 are not simulated, so it stays on");
  if (network.ipam.driver !== undefined && network.ipam.driver !== "default") {
    notices.add("not-simulated", at("ipam", "driver"), `the IPAM driver ${JSON.stringify(network.ipam.driver)} is simulated as the default one`);
  }
  const link = mergeLinks(project, (scope) => scope.kind === "default" || (scope.kind === "network" && scope.name === network.key));
  return {
    name: network.name,
    driver,
    ipam: network.ipam.config.flatMap((block, index) => ipamOf(block, at("ipam", "config", index))),
    internal: network.internal,
    options: driver === asked ? network.driverOptions : {},
    ipv6: network.enableIpv6 === true,
    attachable: network.attachable,
    labels: network.labels,
    ...(link && { link }),
    ...positionOf(network.place),
  };
}

/** A block without a subnet adds nothing to the pools. */
function ipamOf(block: IpamBlock, at: Place): IpamSpec[] {
  if (block.subnet === undefined && block.gateway === undefined && block.ipRange === undefined) return [];
  const addresses = { subnet: block.subnet, gateway: block.gateway, ipRange: block.ipRange };
  return [{ ...defined(addresses), auxAddresses: block.auxAddresses, ...positionOf(at) }];
}

function containerOf(container: ComposeContainer, service: ComposeService, project: ComposeProject, notices: Notices): ContainerSpec {
  reportUncovered(service, project, notices);
  const networkMode = networkModeOf(service, project, notices);
  const discardsPorts = networkMode === "host" || networkMode === "none";
  return {
    name: container.name,
    host: HOST.name,
    service: service.name,
    ...defined({ hostname: service.hostname, domainname: service.domainname, networkMode }),
    ...(service.dns.length > 0 && { dns: service.dns }),
    ...(service.dnsSearch.length > 0 && { dnsSearch: service.dnsSearch }),
    ...(service.dnsOptions.length > 0 && { dnsOptions: service.dnsOptions }),
    ...(Object.keys(service.sysctls).length > 0 && { sysctls: service.sysctls }),
    networks: networkMode === undefined ? endpointsOf(service, project, notices) : [],
    publish: discardsPorts ? [] : service.ports.map(publishOf),
    expose: service.expose,
    links: linksOf(service, project, notices),
    extraHosts: service.extraHosts.flatMap(({ host, addresses, place }) =>
      addresses.map((address): ExtraHostSpec => ({ name: host, address, ...positionOf(place) })),
    ),
    ...positionOf(service.place),
  };
}

function networkModeOf(service: ComposeService, project: ComposeProject, notices: Notices): NetworkModeSpec | undefined {
  const mode = service.networkMode;
  const [first, ...others] = service.networks.flatMap(({ network }) => project.networks.filter(({ key }) => key === network));
  if (mode === undefined) return first && others.length === 0 ? predefined(first) : undefined;
  if (mode.kind === "container") return `container:${mode.container}`;
  if (mode.kind === "network") {
    const place = project.place("services", service.name, "network_mode");
    notices.add("not-simulated", place, `the daemon's network ${JSON.stringify(mode.network)} is unknown here: the default bridge is used`);
    return "bridge";
  }
  if (mode.kind !== "service") return mode.kind;
  const owner = project.services.find(({ name }) => name === mode.service);
  // Each replica shares the sandbox of the first replica of the other service, as Compose does it.
  return owner?.containers[0] ? `container:${owner.containers[0].name}` : "none";
}

function endpointsOf(service: ComposeService, project: ComposeProject, notices: Notices): EndpointSpec[] {
  const link = mergeLinks(project, (scope) => scope.kind === "service" && scope.name === service.name);
  return service.networks.flatMap((attachment): EndpointSpec[] => {
    const network = project.networks.find(({ key }) => key === attachment.network);
    if (network === undefined) return [];
    const at = (key: string) => project.place("services", service.name, "networks", attachment.network, key);
    if (predefined(network) !== undefined) {
      notices.add("not-simulated", attachment.place, `${JSON.stringify(network.name)} beside other networks is left out`);
      return [];
    }
    if (attachment.linkLocalIps.length > 0) notices.add("not-simulated", at("link_local_ips"), "only one address per interface is simulated");
    if (Object.keys(attachment.driverOptions).length > 0) notices.add("not-simulated", at("driver_opts"), "options of one endpoint have no effect");
    return [
      {
        network: network.name,
        ...defined({ ipv4: attachment.ipv4Address, ipv6: attachment.ipv6Address, mac: attachment.macAddress, interfaceName: attachment.interfaceName }),
        aliases: aliasesOf(service, attachment),
        gwPriority: attachment.gatewayPriority,
        ...(link && { link }),
        ...positionOf(attachment.place),
      },
    ];
  });
}

/** The container's own name is known to the daemon already. */
function aliasesOf(service: ComposeService, attachment: NetworkAttachment): string[] {
  return [...new Set([service.name, ...attachment.aliases])];
}

function publishOf(port: ComposeService["ports"][number]): PublishSpec {
  const { target, protocol, published, hostIp, place } = port;
  return { containerPort: target, protocol, ...defined({ hostPort: published, hostIp }), ...positionOf(place) };
}

function linksOf(service: ComposeService, project: ComposeProject, notices: Notices): ContainerLinkSpec[] {
  const internal = service.links.flatMap(({ service: name, alias, place }) =>
    (project.services.find((other) => other.name === name)?.containers ?? []).map((container): ContainerLinkSpec => {
      return { container: container.name, alias, ...positionOf(place) };
    }),
  );
  const known = new Set(project.services.flatMap(({ containers }) => containers.map(({ name }) => name)));
  const external = service.externalLinks.flatMap(({ container, alias, place }): ContainerLinkSpec[] => {
    if (known.has(container)) return [{ container, alias, ...positionOf(place) }];
    notices.add("ignored", place, `${JSON.stringify(container)} is no container of this project, so the link leads nowhere`);
    return [];
  });
  return [...internal, ...external];
}

/** Keys of a service that packets could notice, and that a container here does not follow. */
function reportUncovered(service: ComposeService, project: ComposeProject, notices: Notices): void {
  const report = (key: string, message: string) => {
    notices.add("not-simulated", project.place("services", service.name, key), message, `services.*.${key}`);
  };
  const isAsked = project.dockwire?.underlay?.names !== undefined;
  if (service.dns.length > 0 && !isAsked) report("dns", "no DNS server is asked: names resolve as Docker's embedded one knows them");
  if (service.dnsSearch.length > 0 && !isAsked) report("dns_search", "search domains are not tried");
  const sysctls = Object.keys(service.sysctls).filter((name) => name.startsWith("net."));
  if (sysctls.length > 0) report("sysctls", `${sysctls.join(", ")} ${sysctls.length === 1 ? "keeps its" : "keep their"} default`);
}

/** The rules that hold for one thing, merged property by property: the more special one wins. */
function mergeLinks(project: ComposeProject, holds: (scope: LinkRule["scope"]) => boolean): LinkSpec | undefined {
  const rules = (project.dockwire?.links ?? []).filter(({ scope }) => holds(scope));
  if (rules.length === 0) return undefined;
  const ordered = [...rules.filter(({ scope }) => scope.kind === "default"), ...rules.filter(({ scope }) => scope.kind !== "default")];
  return linkOf(Object.assign({}, ...ordered.map(({ link }) => link)) as LinkProperties);
}

function trafficOf(rule: TrafficRule, { services }: ComposeProject): TrafficSpec {
  const { rate, to, place, stopNs, count, ...same } = rule;
  const machine = (name: string) => (name === "host" && !services.some((service) => service.name === name) ? HOST.name : name);
  return {
    name: same.name,
    from: machine(same.from),
    to: { host: machine(to.service), protocol: to.protocol, ...defined({ port: to.port }) },
    kind: same.kind,
    ...(rate && { rate: rate.per === "bits" ? { bitsPerSecond: rate.bitsPerSecond } : { perSecond: rate.messagesPerSecond } }),
    sizeBytes: same.sizeBytes,
    responseBytes: same.responseBytes,
    onNs: same.onNs,
    offNs: same.offNs,
    thinkNs: same.thinkNs,
    timeoutNs: same.timeoutNs,
    startNs: same.startNs,
    ...defined({ stopNs, count }),
    clients: same.clients,
    ...(same.family !== undefined && { family: same.family }),
    dontFragment: false,
    ...positionOf(place),
  };
}

/** A pair may have traffic of its own beside that of its `depends_on` edge. */
function withUniqueNames(traffic: readonly TrafficSpec[]): TrafficSpec[] {
  const taken = new Set<string>();
  return traffic.map((item) => {
    let name = item.name;
    for (let number = 2; taken.has(name); number++) name = `${item.name}-${number}`;
    taken.add(name);
    return name === item.name ? item : { ...item, name };
  });
}

function inStartOrder(project: ComposeProject): ComposeService[] {
  return project.startOrder.flatMap((name) => project.services.filter((service) => service.name === name));
}

function positionOf({ position }: Place): Positioned {
  return position ? { position } : {};
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined, so that descriptions compare and serialize alike. */
function defined<T extends Record<string, unknown>>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
