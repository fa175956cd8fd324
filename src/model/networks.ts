import { cidrContains } from "../net/cidr";
import type { AddressSpace } from "./address-space";
import { formatMac, parseMac } from "../net/mac";
import { addressOf } from "./block";
import { DEVICE_NAME_MAX, readBridgeOptions } from "./drivers/bridge";
import { closeParent, openParent, type ParentUse } from "./drivers/parent";
import type { GenerationRules } from "./generation";
import type { Host } from "./host";
import type { Ids } from "./ids";
import { readIpam } from "./ipam-config";
import { MTU_MAX, MTU_MIN } from "./joining";
import { type BridgeSetup, type DriverName, Network, type NetworkParts, PREDEFINED } from "./network";
import { type AddressBlock, allocateBlocks, releaseBlocks } from "./network-addresses";
import { refuse, type RefusalStatus } from "./refusal";
import type { NetworkSpec } from "./spec";
import type { Chance } from "./chance";
import { OUTSIDE_WORDS } from "./swarm/outside-words";

/** What one daemon's networks share. */
export interface NetworkContext {
  readonly host: Host;
  readonly hostName: string;
  readonly rules: GenerationRules;
  readonly ids: Ids;
  readonly space: AddressSpace;
  readonly chance: Chance;
}

/** The networks of a daemon, by creation and removal. */
export class Networks {
  #context: NetworkContext;
  readonly #byId = new Map<string, Network>();

  constructor(context: NetworkContext) {
    this.#context = context;
  }

  /** The daemon has started again: other flags, address pools that remember only the networks that exist. */
  restart(context: NetworkContext): void {
    this.#context = context;
  }

  list(): Network[] {
    return [...this.#byId.values()];
  }

  /** By ID, then by name, then by the start of an ID (moby daemon/network.go: FindNetwork). */
  find(reference: string): Network | undefined {
    const exact = this.#byId.get(reference) ?? this.list().find(({ name }) => name === reference);
    if (exact) return exact;
    if (!/^[0-9a-z]+$/.test(reference)) return undefined;
    const byPrefix = this.list().filter(({ id }) => id.startsWith(reference));
    if (byPrefix.length > 1) refuse(400, `network ${reference}`, `network ${reference} is ambiguous (${byPrefix.length} matches found based on ID prefix)`);
    return byPrefix[0];
  }

  get(reference: string, subject = `network ${reference}`, position?: NetworkSpec["position"]): Network {
    return this.find(reference) ?? refuse(404, subject, `network ${reference} not found`, position);
  }

  /** `docker network create`, up to the firewall. */
  create(spec: NetworkSpec): Network {
    const { rules } = this.#context;
    const fail = this.#failer(spec);
    if (PREDEFINED.has(spec.name)) fail(403, rules.messages.predefined(spec.name));
    if (spec.name === "") fail(rules.messages.emptyNetworkName.status, rules.messages.emptyNetworkName.daemon);
    if (this.list().some(({ name }) => name === spec.name)) fail(409, `network with name ${spec.name} already exists`);
    return this.make(spec);
  }

  /** The same for a network of the daemon's own. */
  make(asked: NetworkSpec, options: { readonly isDefault?: boolean; readonly isOwn?: boolean; readonly id?: string } = {}): Network {
    const { rules, ids, hostName } = this.#context;
    const fail = this.#failer(asked);
    const families = rules.networks.checkFamilies(asked);
    if (families !== undefined) fail(400, families);
    rules.networks.checkIpam(readIpam(asked));
    checkTemplate(asked, rules.messages.configWithTemplate, fail);
    const driver = asked.configOnly ? "null" : driverOf(asked, fail);
    const id = options.id ?? ids.id("network", hostName, asked.name);
    const config = this.#templateOf(asked, fail);
    const spec = config ? fromTemplate(asked, config.parts.spec) : asked;
    const base = { id, host: hostName, driver, showsUsed: rules.networks.showsUsed, isDefault: options.isDefault === true, isOwn: options.isOwn === true, ...(config && { config }) };
    const network = asked.configOnly ? new Network({ ...base, spec, blocks: [], showsGateways: false }) : this.#plumb(spec, base);
    if (config) config.configUsers++;
    this.#byId.set(id, network);
    return network;
  }

  /** `host` and `none`. */
  makePlain(name: "host" | "none"): void {
    const { hostName, ids } = this.#context;
    const spec: NetworkSpec = { name, driver: name === "host" ? "host" : "null", ipam: [], internal: false, options: {} };
    const id = ids.id("network", hostName, name);
    this.#byId.set(id, new Network({ id, host: hostName, driver: name === "host" ? "host" : "null", spec, isDefault: false, blocks: [], showsGateways: false }));
  }

  /** `docker network rm`, up to the firewall. */
  removable(reference: string): Network {
    const network = this.get(reference);
    const subject = `network ${network.name}`;
    const { rules, chance } = this.#context;
    if (PREDEFINED.has(network.name)) refuse(403, subject, `${network.name} is a pre-defined network and cannot be removed`);
    if (network.configUsers > 0) refuse(403, subject, `error while removing network: configuration network ${JSON.stringify(network.name)} is in use`);
    if (network.endpoints.size === 0) return network;
    const members = [...network.endpoints.values()].map((endpoint) => `name:${JSON.stringify(endpoint.shownName ?? endpoint.container)} id:${JSON.stringify(endpoint.id.slice(0, 12))}`);
    return refuse(403, subject, rules.messages.networkInUse(network.name, network.id, members, chance));
  }

  /** A network of the swarm is used on this host from now on. */
  adopt(network: Network): void {
    this.#byId.set(network.id, network);
  }

  /** A network of the swarm is not used here any more. */
  release(network: Network): void {
    this.#byId.delete(network.id);
  }

  remove(network: Network): void {
    const { space, host } = this.#context;
    const { blocks, bridge, parent, config } = network.parts;
    this.#byId.delete(network.id);
    releaseBlocks(blocks, space);
    if (config) config.configUsers--;
    if (bridge?.created) host.removeDevice(bridge.device);
    if (parent) closeParent(parent, this.#usesOf(network.driver), host);
  }

  /** Addresses, then the driver's own part. */
  #plumb(spec: NetworkSpec, base: Pick<NetworkParts, "id" | "host" | "driver" | "isDefault" | "isOwn">): Network {
    const { rules, space, host } = this.#context;
    const fail = this.#failer(spec);
    const { driver, id } = base;
    if (driver === "host" || driver === "null" || driver === "overlay") return new Network({ ...base, spec, blocks: [], showsGateways: false });
    if (spec.ipamDriver !== undefined && !IPAM_DRIVERS.has(spec.ipamDriver)) fail(404, `plugin ${JSON.stringify(spec.ipamDriver)} not found`);
    if (spec.ipamDriver === "null") fail(400, "ipv4 pool is empty");
    const blocks = allocateBlocks(readIpam(spec), { space, host, rules }, { wantsGateway: this.#wantsGateway(spec, driver) });
    try {
      const showsGateways = rules.networks.showsChosenGateways;
      if (driver === "bridge") return new Network({ ...base, spec, blocks, showsGateways, bridge: this.#openBridge(spec, base, blocks) });
      const parent = openParent(driver, id, spec, this.#usesOf(driver), { host, rules });
      return new Network({ ...base, spec, blocks, showsGateways, parent });
    } catch (error) {
      releaseBlocks(blocks, space);
      throw error;
    }
  }

  #wantsGateway(spec: NetworkSpec, driver: DriverName): boolean {
    const { rules } = this.#context;
    if (!rules.networks.savesGateways) return true;
    if (driver !== "bridge") return false;
    const { gatewayMode4, inhibitIpv4 } = readBridgeOptions(spec, rules.name);
    return !(spec.internal && (gatewayMode4 === "isolated" || inhibitIpv4));
  }

  #openBridge(spec: NetworkSpec, { id, isDefault, host: hostName }: Pick<NetworkParts, "id" | "isDefault" | "host">, blocks: readonly AddressBlock[]): BridgeSetup {
    const { rules, ids, host } = this.#context;
    const fail = this.#failer(spec);
    const options = readBridgeOptions(spec, rules.name);
    for (const family of [4, 6]) {
      if (blocks.filter((block) => block.family === family).length > 1) fail(403, "bridge driver doesn't support multiple subnets");
    }
    const device = options.device ?? `br-${id.slice(0, 12)}`;
    for (const other of this.list()) {
      const clash = other.parts.bridge && clashOf({ device, blocks }, { device: other.parts.bridge.device, blocks: other.parts.blocks });
      if (clash === undefined || (other.isDefault && clash === SAME_DEVICE)) continue;
      fail(403, `cannot create network ${id} (${device}): conflicts with network ${other.id} (${other.parts.bridge!.device}): ${clash}`);
    }
    if (device.length > DEVICE_NAME_MAX) fail(500, rules.messages.deviceNameTooLong);
    if (rules.networks.bridgeTakesMtu && options.mtu > 0 && (options.mtu < MTU_MIN || options.mtu > MTU_MAX)) fail(500, "invalid argument");
    if (options.isDefaultBridge && !isDefault && device !== "docker0" && !host.hasDevice(device)) {
      fail(403, `bridge device with non default name ${device} must be created manually`);
    }
    const existing = host.device(device);
    if (host.hasDevice(device) && existing?.kind !== "bridge") fail(500, `existing interface ${device} is not a bridge`);
    const isNew = !host.hasDevice(device);
    const mac = existing?.mac ? parseMac(existing.mac, device) : rules.bridgeMac(ids.identity, `bridge ${hostName} ${spec.name}`, ...ids.nth("bridge", hostName, spec.name));
    const addresses = blocks.flatMap(({ subnet, gateway }) => (gateway === undefined ? [] : [{ ...subnet, address: addressOf(subnet.family, gateway).value } as typeof subnet]));
    host.addDevice(device, { kind: "bridge", mac: formatMac(mac), addresses: options.inhibitIpv4 ? addresses.filter(({ family }) => family === 6) : addresses });
    return { options, device, displayName: options.device ?? `br-${spec.name}`, mac, created: isNew && !isDefault };
  }

  #usesOf(driver: DriverName): ParentUse[] {
    return this.list().flatMap(({ id, name, parts, driver: own }) => (parts.parent && own === driver ? [{ id, name, parent: parts.parent.parent, mode: parts.parent.mode }] : []));
  }

  #templateOf(spec: NetworkSpec, fail: Fail): Network | undefined {
    if (spec.configFrom === undefined || spec.configFrom === "") return undefined;
    const found = this.list().find(({ name, configOnly }) => configOnly && name === spec.configFrom);
    return found ?? fail(404, `configuration network ${JSON.stringify(spec.configFrom)} does not exist`);
  }

  #failer(spec: NetworkSpec): Fail {
    return (status, daemon) => refuse(status, `network ${JSON.stringify(spec.name)}`, daemon, spec.ipam[0]?.position ?? spec.position);
  }
}

type Fail = (status: RefusalStatus, daemon: string) => never;

/** libnetwork ipams. */
const IPAM_DRIVERS = new Set(["", "default", "null"]);
const SAME_DEVICE = "networks have same bridge name";

/** libnetwork network.go: validateConfiguration. */
function checkTemplate(spec: NetworkSpec, tooMuch: string, fail: Fail): void {
  const isScoped = spec.scope !== undefined && spec.scope !== "";
  if (spec.configOnly && (spec.ingress || spec.internal || spec.attachable || isScoped)) {
    const fields = "Network operator fields like [ ingress | internal | attachable | scope ] are not supported.";
    fail(403, `configuration network can only contain network specific fields. ${fields}`);
  }
  if (spec.configFrom === undefined || spec.configFrom === "") return;
  if (spec.configOnly) fail(403, "a configuration network cannot depend on another configuration network");
  const isEmpty = (values: Readonly<Record<string, string>> | undefined) => Object.keys(values ?? {}).length === 0;
  const saysNothing = spec.ipam.length === 0 && spec.ipv6 !== true && isEmpty(spec.labels) && isEmpty(spec.ipamOptions);
  if (!saysNothing || (spec.ipamDriver ?? "default") !== "default") {
    fail(403, tooMuch);
  }
  if (!isEmpty(spec.options)) fail(403, "network driver options are not supported if the network depends on a configuration network");
}

function fromTemplate(spec: NetworkSpec, template: NetworkSpec): NetworkSpec {
  const { ipam, options, labels, ipv6, ipamDriver, ipamOptions } = template;
  return {
    ...spec,
    ipam,
    options,
    ...(labels && { labels }),
    ...(ipv6 !== undefined && { ipv6 }),
    ...(ipamDriver !== undefined && { ipamDriver }),
    ...(ipamOptions && { ipamOptions }),
  };
}

/** The driver, where this host has it; what needs a swarm is refused as outside of one (libnetwork controller.go: NewNetwork). */
function driverOf({ driver, scope, ingress }: NetworkSpec, fail: Fail): DriverName {
  const name = driver === "" ? "bridge" : driver;
  const isOverlay = name === "overlay";
  const isScopeUnknown = scope !== undefined && !["", "local", "swarm"].includes(scope);
  if (!isOverlay && !LOCAL_DRIVERS.has(name)) fail(404, `plugin ${JSON.stringify(name)} not found`);
  if (isOverlay && scope === "local") fail(403, "cannot downgrade network scope for overlay networks");
  if (ingress && !isOverlay) fail(403, "Ingress network can only be global scope network");
  if (scope === "swarm" && !isOverlay) fail(403, "cannot create a swarm scoped network when swarm is not active");
  if (isOverlay || isScopeUnknown) fail(403, OUTSIDE_WORDS.noManager);
  if (name === "host" || name === "null") fail(403, `only one instance of ${JSON.stringify(name)} network is allowed`);
  return name as DriverName;
}

export const LOCAL_DRIVERS: ReadonlySet<string> = new Set(["bridge", "macvlan", "ipvlan", "host", "null"]);

interface BridgeClaim {
  readonly device: string;
  readonly blocks: readonly AddressBlock[];
}

/** Why two bridges cannot be (libnetwork drivers/bridge: networkConfiguration.Conflicts). */
function clashOf(wanted: BridgeClaim, other: BridgeClaim): string | undefined {
  if (wanted.device === other.device) return SAME_DEVICE;
  for (const family of [4, 6] as const) {
    const [a] = wanted.blocks.filter((block) => block.family === family);
    const [b] = other.blocks.filter((block) => block.family === family);
    if (a?.gateway === undefined || b?.gateway === undefined) continue;
    const overlaps = cidrContains(a.subnet, addressOf(family, b.gateway)) || cidrContains(b.subnet, addressOf(family, a.gateway));
    if (overlaps) return `networks have overlapping IPv${family}`;
  }
  return undefined;
}
