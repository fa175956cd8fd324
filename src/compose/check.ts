import { cidrContains, cidrsOverlap, formatCidr, parseCidr, type Cidr } from "../net/cidr";
import { parseIp } from "../net/ip";
import { failAt, placed, type Place } from "./node";
import type { ComposeNetwork, ComposeService, NetworkAttachment } from "./project";
import { suggest } from "./suggest";

/** Finds the place of a value for a message. */
export type PlaceOf = (...path: (string | number)[]) => Place;

interface Checked {
  readonly services: readonly ComposeService[];
  readonly networks: readonly ComposeNetwork[];
  /** Services that exist but are not started, with the profiles that would start them. */
  readonly disabled: ReadonlyMap<string, readonly string[]>;
  /** Services that something other than a container provides. */
  readonly provided: ReadonlySet<string>;
  readonly placeOf: PlaceOf;
}

/**
 * Every service's networks exist.
 *
 * @throws SimulationError `NOT_FOUND` in Compose's words, at the reference.
 */
export function checkNetworks({ services, networks }: Checked): void {
  const known = networks.map((network) => network.key);
  for (const service of services) {
    for (const { network, place } of service.networks) {
      if (known.includes(network)) continue;
      const message = `service ${JSON.stringify(service.name)} refers to undefined network ${JSON.stringify(network)}${suggest(network, known)}`;
      throw placed(place, message, "NOT_FOUND");
    }
  }
}

/**
 * Every dependency exists, or is optional and belongs to a profile that is not enabled; such ones are removed.
 *
 * @throws SimulationError `NOT_FOUND` in Compose's words, at the reference.
 */
export function checkDependencies({ services, disabled, provided }: Checked): ComposeService[] {
  const started = new Set(services.map((service) => service.name));
  return services.map((service) => ({
    ...service,
    dependsOn: service.dependsOn.filter((dependency) => {
      const target = dependency.service;
      if (started.has(target)) return true;
      const profiles = disabled.get(target);
      if ((profiles && !dependency.required) || provided.has(target)) return false;
      const reason = profiles ? `, its profiles (${profiles.join(", ")}) are not enabled` : suggest(target, [...started, ...disabled.keys()]);
      const message = dependency.by === "network_mode"
        ? `service ${JSON.stringify(target)} not found for network_mode 'service:${target}'`
        : `service ${JSON.stringify(service.name)} depends on undefined service ${JSON.stringify(target)}`;
      throw placed(dependency.place, message + reason, "NOT_FOUND");
    }),
  }));
}

/**
 * The services in an order in which each comes after those it depends on; equals in the given order.
 *
 * @throws SimulationError `INVALID_INPUT` in Compose's words, at the dependency that closes a circle.
 */
export function startOrder(services: readonly ComposeService[]): string[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const order = new Set<string>();
  const visit = (service: ComposeService, path: readonly string[]): void => {
    if (order.has(service.name)) return;
    for (const dependency of service.dependsOn) {
      const circle = [...path, service.name];
      const start = circle.indexOf(dependency.service);
      if (start >= 0) {
        throw placed(dependency.place, `dependency cycle detected: ${[...circle.slice(start), dependency.service].join(" -> ")}`);
      }
      const target = byName.get(dependency.service);
      if (target) visit(target, circle);
    }
    order.add(service.name);
  };
  for (const service of services) visit(service, []);
  return [...order];
}

/**
 * No two containers have one name.
 *
 * @throws SimulationError `CONFLICT` at the second.
 */
export function checkContainerNames({ services, placeOf }: Checked): void {
  const owners = new Map<string, string>();
  for (const service of services) {
    for (const { name } of service.containers) {
      const owner = owners.get(name);
      if (owner !== undefined) {
        const at = placeOf("services", service.name, "container_name");
        const message = `the container name ${JSON.stringify(name)} of service ${JSON.stringify(service.name)} is already in use`;
        throw placed(at, `${message} by service ${JSON.stringify(owner)}`, "CONFLICT");
      }
      owners.set(name, service.name);
    }
  }
}

/**
 * What can be known of addresses before the daemon chooses any: blocks of networks do not overlap, fixed addresses lie in the
 * subnets that the file declares, and no two endpoints of a network have one address.
 *
 * @throws SimulationError `CONFLICT` or `INVALID_INPUT` at the address or the block.
 */
export function checkAddresses(checked: Checked): void {
  checkSubnets(checked.networks, checked.placeOf);
  const byKey = new Map(checked.networks.map((network) => [network.key, network]));
  const owners = new Map<string, string>();
  for (const service of checked.services) {
    for (const attachment of service.networks) {
      const network = byKey.get(attachment.network);
      for (const key of ["ipv4_address", "ipv6_address"] as const) {
        const address = key === "ipv4_address" ? attachment.ipv4Address : attachment.ipv6Address;
        if (address === undefined || !network) continue;
        const at = checked.placeOf("services", service.name, "networks", attachment.network, key);
        checkMembership(address, network, at);
        checkOwner(address, service, attachment, owners, at);
      }
    }
  }
}

function checkMembership(address: string, network: ComposeNetwork, at: Place): void {
  const ip = parseIp(address, at.path);
  const subnets = blocksOf(network).map(({ cidr }) => cidr).filter((cidr) => cidr.family === ip.family);
  if (network.external || subnets.length === 0 || subnets.some((cidr) => cidrContains(cidr, ip))) return;
  const blocks = subnets.map((cidr) => JSON.stringify(formatCidr(cidr))).join(" or ");
  const message = `expected an address in ${blocks}, the subnet of network ${JSON.stringify(network.key)}, found ${JSON.stringify(address)}`;
  failAt(at, message);
}

function checkOwner(address: string, service: ComposeService, attachment: NetworkAttachment, owners: Map<string, string>, at: Place): void {
  const id = `${attachment.network} ${address}`;
  const owner = owners.get(id) ?? (service.containers.length > 1 ? service.name : undefined);
  if (owner !== undefined) {
    const reason = owner === service.name ? `its own ${service.containers.length} replicas` : `service ${JSON.stringify(owner)}`;
    failAt(at, `expected an address of its own, found ${JSON.stringify(address)}, which ${reason} would have too`, "CONFLICT");
  }
  if (service.containers.length > 0) owners.set(id, service.name);
}

interface Block {
  readonly network: ComposeNetwork;
  readonly cidr: Cidr;
  readonly index: number;
}

function checkSubnets(networks: readonly ComposeNetwork[], placeOf: PlaceOf): void {
  // Overlay networks have an address space of their own, and may overlap until the daemon allocates them.
  const local = networks.filter((network) => network.used && !network.external && network.driver !== "overlay");
  const blocks: Block[] = [];
  for (const block of local.flatMap(blocksOf)) {
    const other = blocks.find((before) => cidrsOverlap(before.cidr, block.cidr));
    if (other) {
      const at = placeOf("networks", block.network.key, "ipam", "config", block.index, "subnet");
      const found = JSON.stringify(formatCidr(block.cidr));
      const before = `${JSON.stringify(formatCidr(other.cidr))} of network ${JSON.stringify(other.network.key)}`;
      failAt(at, `expected a subnet of its own, found ${found}, which overlaps ${before}`, "CONFLICT");
    }
    blocks.push(block);
  }
}

function blocksOf(network: ComposeNetwork): Block[] {
  return network.ipam.config.flatMap((block, index) => {
    return block.subnet === undefined ? [] : [{ network, index, cidr: parseCidr(block.subnet, block.place.path) }];
  });
}
