import { isIpv4, isIpv6 } from "../net/ip";
import { isMac } from "../net/mac";
import { type Attachment, Container, CONTAINER_MODE, type Link } from "./container";
import type { GenerationRules } from "./generation";
import { type Network, PREDEFINED } from "./network";
import { refuse, type RefusalStatus } from "./refusal";
import type { ContainerSpec, EndpointSpec } from "./spec";

/** What a new container is checked against. */
export interface CreateContext {
  readonly rules: GenerationRules;
  /** What `hostname` says on the host. */
  readonly hostname: string;
  readonly newId: (name: string) => string;
  findContainer(reference: string): Container | undefined;
  findNetwork(reference: string): Network | undefined;
  /** @throws SimulationError if a container has the name. */
  checkName(name: string): void;
}

type Fail = (daemon: string, status?: RefusalStatus) => never;

/**
 * `docker create`: what the daemon refuses of it, in its order, and the container otherwise.
 *
 * @throws SimulationError in the daemon's words.
 */
export function createContainer(spec: ContainerSpec, context: CreateContext): Container {
  const { rules } = context;
  const fail: Fail = (daemon, status = 400) => refuse(status, `container ${spec.name}`, daemon, spec.position);
  const mode = modeOf(spec, context);
  const refused = rules.endpoints.checkSysctls(Object.keys(spec.sysctls ?? {}));
  if (refused) fail(refused);
  checkMode(spec, mode, rules, fail);
  checkEndpoints(spec, context, fail);
  context.checkName(spec.name);
  const links = legacyLinks(spec, mode, context, fail);
  const id = context.newId(spec.name);
  const container = new Container(id, spec, { networkMode: mode, links, hostname: spec.hostname ?? (mode === "host" ? context.hostname : id.slice(0, 12)) });
  for (const [key, attachment] of attachmentsOf(spec, mode, context)) container.attachments.set(key, attachment);
  if (rules.sandbox.namesFirst) container.sortAttachments();
  return container;
}

/** `HostConfig.NetworkMode`, where a container is named by its ID as soon as it is known. */
function modeOf({ networkMode, networks }: ContainerSpec, { findContainer, rules }: CreateContext): string {
  if (networkMode === undefined) return networks[0]?.network ?? rules.endpoints.defaultMode;
  if (networkMode === "default") return rules.endpoints.defaultMode;
  if (!networkMode.startsWith(CONTAINER_MODE)) return networkMode;
  const reference = networkMode.slice(CONTAINER_MODE.length);
  return `${CONTAINER_MODE}${(reference === "" ? undefined : findContainer(reference))?.id ?? reference}`;
}

/** Options that exclude one another (moby daemon/internal/runconfig/hostconfig_unix.go, m20: runconfig/errors.go). */
function checkMode(spec: ContainerSpec, mode: string, rules: GenerationRules, fail: Fail): void {
  const isContainer = mode.startsWith(CONTAINER_MODE);
  if (spec.networkMode !== undefined && spec.networkMode !== spec.networks[0]?.network && spec.networks.length > 0) {
    fail(`the network mode ${spec.networkMode} excludes networks (${spec.networks.map(({ network }) => network).join(", ")})`);
  }
  const hasMac = spec.mac !== undefined || spec.networks.some(({ mac }) => mac !== undefined);
  const refusesMac = hasMac && rules.endpoints.macNeedsSandbox;
  if (mode === "host" && refusesMac) fail("conflicting options: mac-address and the network mode");
  if (mode === "host" && spec.links.length > 0) fail(hostLinks("host"));
  if (!isContainer) return;
  if (mode === CONTAINER_MODE) fail(rules.messages.badContainerMode);
  if (spec.hostname !== undefined) fail("conflicting options: hostname and the network mode");
  if (spec.links.length > 0) fail(hostLinks("container"));
  if ((spec.dns ?? []).length > 0) fail("conflicting options: dns and the network mode");
  if (spec.extraHosts.length > 0) fail("conflicting options: custom host-to-IP mapping and the network mode");
  if (refusesMac) fail("conflicting options: mac-address and the network mode");
  if (spec.publish.length > 0 || spec.publishAll === true) fail("conflicting options: port publishing and the container type network mode");
  if (spec.expose.length > 0) fail("conflicting options: port exposing and the container type network mode");
}

function hostLinks(type: "host" | "container"): string {
  const subject = type === "host" ? "host type networking" : "container type network";
  return `conflicting options: ${subject} can't be used with links. This would result in undefined behavior`;
}

function checkEndpoints(spec: ContainerSpec, context: CreateContext, fail: Fail): void {
  const { rules } = context;
  const names = spec.networks.map(({ network }) => network);
  if (names.length > 1 && !rules.endpoints.severalAtCreate) fail(`Container cannot be connected to network endpoints: ${names.join(", ")}`);
  for (const [index, endpoint] of spec.networks.entries()) {
    const { ipv4, ipv6, mac } = endpoint;
    const reason = rules.endpoints.check(endpoint, index);
    if (reason !== undefined) fail(reason);
    if (ipv4 !== undefined && !isIpv4(ipv4)) fail(`invalid IPv4 address: ${ipv4}`);
    if (ipv6 !== undefined && !isIpv6(ipv6)) fail(`invalid IPv6 address: ${ipv6}`);
    if (mac !== undefined && !isMac(mac)) fail(`${mac} is not a valid mac address`);
    if (rules.endpoints.checksAtCreate) checkSettings(endpoint, context, fail);
    if (names.indexOf(endpoint.network) < index) {
      fail(`endpoint with name ${spec.name} already exists in network ${endpoint.network}`, 403);
    }
  }
}

/** moby daemon/create.go: validateNetworkingConfig. A network that is not there yet may have any address. */
function checkSettings(endpoint: EndpointSpec, { rules, findNetwork }: CreateContext, fail: Fail): void {
  const name = endpoint.network === "default" ? "bridge" : endpoint.network;
  const network = findNetwork(name) ?? { isPredefined: PREDEFINED.has(name), hasGivenSubnet: () => false, contains: () => true };
  const refused = rules.endpoints.checkAddress(endpoint, network);
  if (refused) fail(`invalid config for network ${name}: ${refused.daemon}`, refused.status);
}

/** `--link` on anything but networks of users (moby daemon/daemon_unix.go: registerLinks). */
function legacyLinks(spec: ContainerSpec, mode: string, { findContainer }: CreateContext, fail: Fail): Link[] {
  if (mode !== "default" && mode !== "bridge") return [];
  return spec.links.map(({ container, alias }) => {
    let child = findContainer(container) ?? fail(`could not get container for ${container}: No such container: ${container}`);
    while (child.sharedWith !== undefined) {
      const owner: string = child.sharedWith;
      child = findContainer(owner) ?? fail(`could not get container for ${owner}: No such container: ${owner}`);
    }
    return child.isHostMode ? fail(hostLinks("host")) : { child, alias };
  });
}

/** The networks that it joins when it starts. */
function attachmentsOf(spec: ContainerSpec, mode: string, { findNetwork }: CreateContext): [key: string, Attachment][] {
  const attach = (endpoint: EndpointSpec): [string, Attachment] => [
    findNetwork(endpoint.network)?.name ?? endpoint.network,
    { spec: endpoint, networkId: "", aliases: undefined, viaConnect: false },
  ];
  if (mode.startsWith(CONTAINER_MODE)) return [];
  const isBuiltIn = mode === "default" || mode === "bridge" || mode === "host" || mode === "none";
  if (!isBuiltIn) return spec.networks.map((endpoint, index) => attach(index === 0 ? withLinks(endpoint, spec) : endpoint));
  const network = mode === "default" ? "bridge" : mode;
  if (spec.networks.length > 0) return spec.networks.map((endpoint) => attach({ ...endpoint, network: endpoint.network === "default" ? "bridge" : endpoint.network }));
  return [attach({ network, aliases: [], gwPriority: 0, ...(spec.position && { position: spec.position }) })];
}

/** On networks of users a link is a name for this container alone. */
function withLinks(endpoint: EndpointSpec, { links }: ContainerSpec): EndpointSpec {
  return links.length === 0 || endpoint.links ? endpoint : { ...endpoint, links };
}

/** What the daemon has to say about a container that it makes all the same; `forwards`: whether the host does. */
export function createWarnings({ networkMode, publish }: ContainerSpec, hasLinks: boolean, forwards: boolean, { messages: { linksWarning } }: GenerationRules): string[] {
  return [
    ...(forwards || networkMode === "host" || networkMode === "none" ? [] : ["IPv4 forwarding is disabled. Networking will not work."]),
    ...(linksWarning !== undefined && hasLinks ? [linksWarning] : []),
    ...(networkMode === "host" && publish.length > 0 ? ["Published ports are discarded when using host network mode"] : []),
  ];
}
