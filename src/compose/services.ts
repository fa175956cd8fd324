import { isIp, parseIpv4, parseIpv6, formatIpv4, formatIpv6 } from "../net/ip";
import { formatMac, parseMac } from "../net/mac";
import { readDeploy } from "./deploy";
import type { Field } from "./field";
import type { Lookup } from "./interpolate";
import type { Notices } from "./notice";
import { readExpose, readPorts } from "./ports";
import type {
  ComposeContainer, ComposeService, ContainerLink, Dependency, EnvFileReference, ExtraHost, NetworkAttachment, NetworkMode, ServiceLink,
} from "./project";
import { readAddresses, readKeyValues, readRecord, readTexts } from "./values";

/** What a service needs to know of the project. */
export interface ServiceContext {
  readonly project: string;
  readonly lookup: Lookup;
  readonly notices: Notices;
  /** It is for a swarm, where containers are not named by the file. */
  readonly isStack: boolean;
}

/**
 * Reads one service whose shape has been checked. References to other services and networks are checked later.
 *
 * @throws SimulationError `INVALID_INPUT` for a value that cannot be, `CONFLICT` for two that exclude each other.
 */
export function readService(field: Field, context: ServiceContext): ComposeService {
  const networkMode = context.isStack ? undefined : readNetworkMode(field.filled("network_mode"));
  const declared = field.get("networks");
  const joins = (declared?.children().length ?? 0) + (declared?.items().length ?? 0) > 0;
  if (networkMode && declared && joins) {
    declared.reject(`service ${field.name} declares mutually exclusive \`network_mode\` and \`networks\``, "CONFLICT");
  }
  const networks = networkMode ? [] : readAttachments(field, joins ? declared : undefined);
  const ports = readPorts(field.get("ports"));
  checkPortsOfMode(field, networkMode, ports.length, context);
  const links = readLinks(field.get("links"));
  return {
    name: field.name,
    place: field.keyPlace,
    image: field.filled("image")?.text(),
    containers: readContainers(field, context),
    hostname: field.filled("hostname")?.text(),
    domainname: field.filled("domainname")?.text(),
    networkMode,
    networks,
    ports,
    expose: readExpose(field.get("expose")),
    dependsOn: readDependencies(field, links, networkMode),
    links,
    externalLinks: readExternalLinks(field.get("external_links")),
    extraHosts: readExtraHosts(field.get("extra_hosts")),
    dns: readAddresses(field.get("dns")),
    dnsSearch: readTexts(field.get("dns_search")),
    dnsOptions: readTexts(field.get("dns_opt")),
    capAdd: readTexts(field.get("cap_add")),
    capDrop: readTexts(field.get("cap_drop")),
    privileged: field.get("privileged")?.flag() ?? false,
    sysctls: readRecord(field.get("sysctls")),
    deploy: readDeploy(field.get("deploy")),
    profiles: readTexts(field.get("profiles")),
    environment: readEnvironment(field.get("environment"), context.lookup),
    envFiles: readEnvFiles(field.get("env_file")),
    restart: field.filled("restart")?.text(),
    attach: field.get("attach")?.flag() ?? true,
    labels: readRecord(field.get("labels")),
  };
}

/** The profiles alone, for a service that is not read because they are not enabled. */
export function readProfiles(field: Field): string[] {
  return readTexts(field.get("profiles"));
}

function readNetworkMode(field: Field | undefined): NetworkMode | undefined {
  if (!field) return undefined;
  const text = field.text();
  const [prefix, ...rest] = text.split(":");
  const name = rest.join(":");
  if (text === "bridge" || text === "host" || text === "none") return { kind: text };
  // The daemon's default network is its bridge.
  if (text === "default") return { kind: "bridge" };
  if (prefix === "service" && name) return { kind: "service", service: name };
  if (prefix === "container" && name) return { kind: "container", container: name };
  if (rest.length > 0 || text === "") field.expected(`"bridge", "host", "none", "service:NAME", "container:NAME" or the name of a network`);
  return { kind: "network", network: text };
}

function checkPortsOfMode(field: Field, mode: NetworkMode | undefined, count: number, context: ServiceContext): void {
  const ports = field.get("ports");
  if (!ports || count === 0 || !mode) return;
  if (mode.kind === "service" || mode.kind === "container") {
    // Docker's own words for `docker run -p` with such a network.
    ports.reject("conflicting options: port publishing and the container type network mode", "CONFLICT");
  }
  if (mode.kind === "host") context.notices.add("ignored", ports.place, "published ports are discarded when using host network mode");
  if (mode.kind === "none") context.notices.add("ignored", ports.place, "published ports have no effect without a network");
}

function readContainers(field: Field, { project, isStack }: ServiceContext): ComposeContainer[] {
  const scale = field.get("scale");
  const replicas = field.get("deploy")?.get("replicas");
  const count = scale?.integer(0) ?? replicas?.integer(0) ?? 1;
  if (scale && replicas && replicas.integer(0) !== count) {
    replicas.reject(`services.${field.name}: can't set distinct values on 'scale' and 'deploy.replicas'`, "CONFLICT");
  }
  const name = isStack ? undefined : field.filled("container_name");
  if (name && count > 1) {
    const key = scale ? "scale" : "deploy.replicas";
    name.reject(`services.${field.name}: can't set container_name and ${key} as container name must be unique`, "CONFLICT");
  }
  if (name && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name.text())) {
    name.expected("letters, digits, and after the first any of \"_.-\"");
  }
  return Array.from({ length: count }, (_, offset) => {
    return { name: name?.text() ?? `${project}-${field.name}-${offset + 1}`, index: offset + 1 };
  });
}

/** In Compose's order; a service that names no network joins `default`. */
function readAttachments(service: Field, networks: Field | undefined): NetworkAttachment[] {
  const fields = networks?.node.kind === "mapping" ? networks.children() : (networks?.items() ?? []);
  const attachments = fields.map((field) => readAttachment(field, nameOf(field)));
  if (!networks) attachments.push(readAttachment(service, "default", true));
  // compose-go types/services.go: NetworksByPriority.
  attachments.sort((a, b) => b.priority - a.priority || (a.network < b.network ? -1 : 1));
  return withServiceMac(service.filled("mac_address"), attachments);
}

/** The key of an entry, the text of a list item. */
function nameOf(field: Field): string {
  return typeof field.segments.at(-1) === "number" ? field.text() : field.name;
}

function readAttachment(field: Field, network: string, implied = false): NetworkAttachment {
  const get = (key: string): Field | undefined => (implied ? undefined : field.filled(key));
  const [ipv4, ipv6, mac] = [get("ipv4_address"), get("ipv6_address"), get("mac_address")];
  return {
    network,
    place: field.keyPlace,
    aliases: readTexts(get("aliases")),
    ipv4Address: ipv4 && formatIpv4(parseIpv4(ipv4.text(), ipv4.path, ipv4.details)),
    ipv6Address: ipv6 && formatIpv6(parseIpv6(ipv6.text(), ipv6.path, ipv6.details)),
    linkLocalIps: readAddresses(get("link_local_ips")),
    macAddress: mac && formatMac(parseMac(mac.text(), mac.path, mac.details)),
    priority: get("priority")?.integer(Number.MIN_SAFE_INTEGER) ?? 0,
    gatewayPriority: get("gw_priority")?.integer(Number.MIN_SAFE_INTEGER) ?? 0,
    driverOptions: readRecord(get("driver_opts")),
    interfaceName: get("interface_name")?.text(),
  };
}

/** The service's own `mac_address` is that of its primary network. */
function withServiceMac(field: Field | undefined, attachments: readonly NetworkAttachment[]): NetworkAttachment[] {
  const [primary, ...others] = attachments;
  if (!field || !primary) return [...attachments];
  const macAddress = formatMac(parseMac(field.text(), field.path, field.details));
  if (primary.macAddress !== undefined && primary.macAddress !== macAddress) {
    // docker/compose pkg/compose/create.go
    field.reject(`the service-level mac_address should have the same value as network ${primary.network}`, "CONFLICT");
  }
  return [{ ...primary, macAddress }, ...others];
}

function readDependencies(field: Field, links: readonly ServiceLink[], mode: NetworkMode | undefined): Dependency[] {
  const dependencies = new Map<string, Dependency>();
  const imply = (service: string, at: Field, by: Dependency["by"], restart: boolean): void => {
    if (dependencies.has(service)) return;
    dependencies.set(service, { service, place: at.place, condition: "service_started", restart, required: true, by });
  };
  const declared = field.get("depends_on");
  for (const item of declared?.items() ?? []) imply(item.text(), item, "depends_on", false);
  for (const item of declared?.children() ?? []) {
    dependencies.set(item.name, {
      service: item.name,
      place: item.keyPlace,
      condition: item.get("condition")?.text() as Dependency["condition"],
      restart: item.get("restart")?.flag() ?? false,
      required: item.get("required")?.flag() ?? true,
      by: "depends_on",
    });
  }
  for (const [index, link] of (field.get("links")?.items() ?? []).entries()) imply(links[index]?.service ?? link.text(), link, "links", true);
  const modeField = field.filled("network_mode");
  if (mode?.kind === "service" && modeField) imply(mode.service, modeField, "network_mode", true);
  for (const item of field.get("volumes_from")?.items() ?? []) {
    if (!item.text().startsWith("container:")) imply(item.text().split(":")[0] ?? "", item, "volumes_from", false);
  }
  return [...dependencies.values()];
}

function readLinks(field: Field | undefined): ServiceLink[] {
  return (field?.items() ?? []).map((item) => {
    const [service = "", alias = service] = splitLink(item);
    return { place: item.place, service, alias };
  });
}

function readExternalLinks(field: Field | undefined): ContainerLink[] {
  return (field?.items() ?? []).map((item) => {
    const [container = "", alias = container] = splitLink(item);
    return { place: item.place, container, alias };
  });
}

function splitLink(item: Field): string[] {
  const parts = item.text().split(":");
  return parts.length > 2 || parts.includes("") ? item.expected(`"name" or "name:alias"`) : parts;
}

function readExtraHosts(field: Field | undefined): ExtraHost[] {
  const hosts = field?.node.kind === "mapping" ? field.children().map(ofMapping) : (field?.items() ?? []).map(ofText);
  const merged = new Map<string, ExtraHost>();
  for (const entry of hosts) {
    const before = merged.get(entry.host);
    merged.set(entry.host, before ? { ...before, addresses: [...before.addresses, ...entry.addresses] } : entry);
  }
  return [...merged.values()];

  function ofMapping(item: Field): ExtraHost {
    return { place: item.place, host: item.name, addresses: item.texts().map((address) => hostAddress(address, address.text())) };
  }

  function ofText(item: Field): ExtraHost {
    const match = /^([^=:]+)[=:](.+)$/.exec(item.text());
    if (!match) return item.expected(`"host=address" or "host:address"`);
    const addresses = (match[2] ?? "").split(",").map((address) => hostAddress(item, address));
    return { place: item.place, host: match[1] ?? "", addresses };
  }
}

function hostAddress(field: Field, text: string): string {
  const address = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  return isIp(address) || address === "host-gateway" ? address : field.expected(`an IP address or "host-gateway"`);
}

function readEnvironment(field: Field | undefined, lookup: Lookup): Record<string, string | null> {
  return Object.fromEntries(readKeyValues(field).map(({ key, value }) => [key, value ?? lookup(key) ?? null]));
}

function readEnvFiles(field: Field | undefined): EnvFileReference[] {
  return (field?.texts() ?? []).map((item) => ({
    place: item.place,
    path: (item.node.kind === "mapping" ? item.get("path") : item)?.text() ?? "",
    required: item.get("required")?.flag() ?? true,
  }));
}
