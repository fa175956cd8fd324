import { formatIp, type IpAddress, isIp, isIpv4, parseIp } from "../net/ip";
import { formatMac, isMac, isMulticastMac, parseMac } from "../net/mac";
import { valueOf } from "./block";
import type { Attachment, Container } from "./container";
import type { Endpoint, HeldAddress } from "./endpoint";
import type { GenerationRules } from "./generation";
import type { Host } from "./host";
import { macOf0242 } from "./identity";
import type { Ids } from "./ids";
import { cidrContains } from "../net/cidr";
import type { Network } from "./network";
import type { AddressBlock } from "./network-addresses";
import { NOTHING } from "./publishing";
import { refuse, type RefusalStatus } from "./refusal";
import type { EndpointSpec } from "./spec";

export interface JoinContext {
  readonly rules: GenerationRules;
  readonly ids: Ids;
  readonly host: Host;
  /** Names of veth devices on the host, and whose they are. */
  readonly veths: Set<string>;
}

/**
 * What a container may be connected to, before anything is allocated: the daemon's `updateNetworkConfig` (moby
 * daemon/container_operations.go).
 *
 * @throws SimulationError in the daemon's words.
 */
export function checkAttachment(container: Container, network: Network, spec: EndpointSpec, networks: readonly Network[], rules: GenerationRules): void {
  const subject = `container ${container.name}`;
  const fail = (status: RefusalStatus, daemon: string): never => refuse(status, subject, daemon, spec.position ?? container.spec.position);
  const address = rules.endpoints.checkAddress(spec, network);
  if (address) fail(address.status, address.daemon);
  if (network.isPredefined && spec.aliases.length > 0) fail(400, rules.messages.aliasNeedsUserNetwork);
  if (!container.isHostMode && network.driver === "host") fail(400, rules.messages.joinsHostNetwork);
  for (const [key] of container.attachments) {
    const other = networks.find(({ name }) => name === key);
    if (!other || other === network) continue;
    if (other.driver === "host" || network.driver === "host") fail(400, SHARED);
    if (other.name === "none" || network.name === "none") fail(400, PRIVATE);
  }
}

export const SHARED = "container sharing network namespace with another container or host cannot be connected to any other network";
const PRIVATE = "container cannot be connected to multiple networks with one of the networks in private (none) mode";

/** `Aliases` as 20.10 completes them: with the short ID and the host name. */
export function completeAliases(container: Container, network: Network, attachment: Attachment, rules: GenerationRules): void {
  const { aliases } = attachment.spec;
  if (!rules.endpoints.aliasesShowId || network.isPredefined) attachment.aliases = aliases;
  else attachment.aliases = [...new Set([...aliases, container.shortId, container.hostname])];
}

/**
 * Makes an endpoint with addresses and a MAC (libnetwork network.go: createEndpoint).
 *
 * @throws SimulationError in the daemon's words; nothing stays taken then.
 */
export function createEndpoint(
  container: Container,
  network: Network,
  attachment: Pick<Attachment, "spec" | "aliases">,
  context: JoinContext,
  own: Pick<Endpoint, "shownName" | "isLastResort"> = {},
): Endpoint {
  const { rules, ids } = context;
  const { spec } = attachment;
  const subject = `container ${container.name}`;
  const position = spec.position ?? container.spec.position;
  for (const [word, text, isSound] of [["IPv4", spec.ipv4, isIpv4], ["IPv6", spec.ipv6, isIp]] as const) {
    // The parenthesis is the daemon's.
    if (text !== undefined && !isSound(text)) refuse(500, subject, `Invalid ${word} address: ${text})`, position);
  }
  if (network.configOnly) refuse(403, subject, "cannot create endpoint on configuration-only network", position);
  if ([...network.endpoints.values()].some((other) => other.container === container.name)) {
    refuse(403, subject, `endpoint with name ${container.name} already exists in network ${network.name}`, position);
  }
  const badLinkLocal = (spec.linkLocalIps ?? []).find((address) => !isIp(address));
  if (badLinkLocal !== undefined) refuse(500, subject, `Invalid link-local IP address: [${(spec.linkLocalIps ?? []).join(" ")}]`, position);
  const foreign = (spec.linkLocalIps ?? []).find((address) => !isLinkLocal(parseIp(address, "link-local-ip")));
  if (foreign !== undefined) refuse(400, subject, `invalid link local IP address: ${foreign}`, position);
  const given = macOf(container, network, spec);
  const addresses = takeAddresses(container, network, spec, context);
  const { v4, v6 } = addresses;
  const names = [network.name, container.name] as const;
  try {
    checkMtu(container, network, context);
    if (network.taken) refuse(404, subject, `failed to create endpoint ${container.name} on network ${network.name}: network ${network.id} does not exist`, position);
    // Linux drivers/net/macvlan.c: macvlan_common_newlink.
    if (network.parts.parent?.mode === "passthru" && network.endpoints.size > 0) refuse(500, subject, "failed to create the macvlan port: invalid argument", position);
    const mac = given ?? defaultMac(network, v4, context, names);
    const fromMac = v6 === undefined ? undefined : addressFromMac(network, v6, mac, rules);
    const gateways = gatewaysOf(network, v4, v6, rules);
    const endpoint: Endpoint = {
      id: ids.id("endpoint", ...names),
      container: container.name,
      containerId: container.id,
      spec,
      members: network,
      network: network.name,
      internal: network.internal,
      gwPriority: spec.gwPriority,
      v4,
      v6: fromMac ?? v6,
      ...gateways,
      mac,
      interfaceName: "",
      index: 0,
      vethName: "",
      // The way out has no name.
      dnsNames: own.isLastResort === true ? [] : dnsNamesOf(container, attachment, rules),
      cable: network.parts.overlay?.nextCable(),
      carriage: NOTHING,
      ports: [],
      ...own,
    };
    network.endpoints.set(container.id, endpoint);
    return endpoint;
  } catch (error) {
    releaseAddresses({ v4, v6 });
    throw error;
  }
}

export function deleteEndpoint(container: Container, endpoint: Endpoint, context: JoinContext): void {
  releaseAddresses(endpoint);
  context.veths.delete(endpoint.vethName);
  endpoint.members.endpoints.delete(container.id);
}

/** Names by which an endpoint is known on its network; the first is what reverse lookups say. */
export function dnsNamesOf(container: Container, { spec, aliases }: Pick<Attachment, "spec" | "aliases">, rules: GenerationRules): string[] {
  const own = container.spec.anonymous && !rules.sandbox.knowsAnonymous ? [] : [container.name];
  const others = rules.endpoints.aliasesShowId ? (aliases ?? spec.aliases) : [...spec.aliases, container.shortId, container.hostname];
  return [...new Set([...own, ...others])];
}

/** The interface of an endpoint in its sandbox (20.10: numbered when the process is about to start). */
export function setUpInterface(container: Container, endpoint: Endpoint, context: JoinContext): void {
  const { rules } = context;
  if (endpoint.members.driver === "host" || endpoint.members.driver === "null") return;
  const { spec, mac } = endpoint;
  const position = spec.position ?? container.spec.position;
  const name = spec.interfaceName ?? container.nameInterface(endpoint.members.interfacePrefix, rules);
  if (endpoint.members.parts.bridge) endpoint.vethName = vethName(container, name, context);
  const failed = (what: (veth: string) => string) => {
    // Every driver names its device like a veth at first.
    const veth = endpoint.vethName || vethName(container, name, context);
    context.veths.delete(veth);
    refuse(500, `container ${container.name}`, rules.messages.interfaceFailure(`failed to add interface ${veth} to sandbox: error ${what(veth)}`), position);
  };
  // The kernel numbers devices before it refuses what they shall be.
  endpoint.index = container.nextInterfaceIndex();
  const badMac = macError(endpoint, context.host);
  if (badMac !== undefined) failed((veth) => `setting interface "${veth}" MAC to "${formatMac(mac)}": ${badMac}`);
  if (name.length >= INTERFACE_NAME_SIZE) failed((veth) => `renaming interface "${veth}" to "${name}": numerical result out of range`);
  if (container.endpoints.some((other) => other !== endpoint && other.interfaceName === name)) failed((veth) => `renaming interface "${veth}" to "${name}": file exists`);
  endpoint.interfaceName = name;
}

/** Why the kernel does not let a device have its MAC. */
function macError({ mac, members, id }: Endpoint, host: Host): string | undefined {
  // Linux include/linux/etherdevice.h: is_valid_ether_addr.
  if (isMulticastMac(mac) || mac === 0) return "cannot assign requested address";
  const { parent, mode } = members.parts.parent ?? {};
  if (members.driver !== "macvlan" || parent === undefined || mode === "passthru") return undefined;
  // Linux drivers/net/macvlan.c: macvlan_addr_busy.
  const isBusy = host.macOf(parent.device) === formatMac(mac) || [...members.endpoints.values()].some((other) => other.id !== id && other.mac === mac && other.interfaceName !== "");
  return isBusy ? "address already in use" : undefined;
}

/** Linux include/uapi/linux/if.h: IFNAMSIZ, with the zero at the end. */
const INTERFACE_NAME_SIZE = 16;

function takeAddresses(container: Container, network: Network, spec: EndpointSpec, context: JoinContext): { v4: HeldAddress | undefined; v6: HeldAddress | undefined } {
  // Where that of IPv6 is refused, that of IPv4 stays taken (libnetwork network.go: createEndpoint gives back only what was assigned whole).
  const v4 = takeAddress(4, container, network, spec, context.rules);
  return { v4, v6: takeAddress(6, container, network, spec, context.rules) };
}

/** Go's net.IP: IsLinkLocalUnicast. */
function isLinkLocal({ family, value }: IpAddress): boolean {
  return family === 4 ? value >>> 16 === 0xa9fe : value >> 118n === 0xfe80n >> 6n;
}

/** libnetwork endpoint.go: assignAddressVersion. */
function takeAddress(family: 4 | 6, container: Container, network: Network, spec: EndpointSpec, rules: GenerationRules): HeldAddress | undefined {
  const blocks = network.blocksOf(family);
  if (blocks.length === 0) return undefined;
  // The default bridge of 20.10 makes IPv6 addresses of MACs, and takes none from a pool.
  if (family === 6 && network.isDefault && rules.defaultBridgeAddress6FromMac && fitsMac(blocks[0]!)) return { value: 0n, block: blocks[0]! };
  const fail = (status: RefusalStatus, daemon: string): never => refuse(status, `container ${container.name} on network ${network.name}`, daemon, spec.position ?? container.spec.position);
  const text = family === 4 ? spec.ipv4 : spec.ipv6;
  const asked = text !== undefined && isIp(text) && !network.isPredefined ? parseIp(text, "ip") : undefined;
  if (asked === undefined) {
    for (const block of blocks) {
      const value = block.pool.take();
      if (value !== undefined) return { value, block };
    }
    return fail(500, `no available IPv${family} addresses on this network's address pools: ${network.name} (${network.id})`);
  }
  const block = blocks.find(({ subnet }) => cidrContains(subnet, asked));
  if (!block) return fail(400, rules.messages.addressOutsideSubnets(formatIp(asked)));
  if (!block.pool.claim(valueOf(asked))) fail(403, rules.messages.addressTaken(block.pool.isFull));
  return { value: valueOf(asked), block };
}

function releaseAddresses({ v4, v6 }: { readonly v4: HeldAddress | undefined; readonly v6: HeldAddress | undefined }): void {
  for (const held of [v4, v6]) held?.block.pool.release(held.value);
}

/** 80 bits of prefix and 48 of the MAC make an address (libnetwork drivers/bridge). */
function fitsMac({ subnet }: AddressBlock): boolean {
  return subnet.prefixLength <= 80;
}

function addressFromMac(network: Network, v6: HeldAddress, mac: number, rules: GenerationRules): HeldAddress | undefined {
  if (!network.isDefault || !rules.defaultBridgeAddress6FromMac || !fitsMac(v6.block)) return undefined;
  return { block: v6.block, value: BigInt(v6.block.subnet.network) | BigInt(mac) };
}

/** The MAC that was asked for: of the endpoint, or the container's own on the network of its mode. */
function macOf(container: Container, network: Network, spec: EndpointSpec): number | undefined {
  const isPrimary = container.primaryNetwork === network.name || container.primaryNetwork === network.id;
  const text = spec.mac ?? (isPrimary ? container.spec.mac : undefined);
  if (text === undefined) return undefined;
  if (!isMac(text)) refuse(400, `container ${container.name}`, `${text} is not a valid mac address`, spec.position ?? container.spec.position);
  return parseMac(text, "mac");
}

function defaultMac(network: Network, v4: HeldAddress | undefined, { rules, ids, host }: JoinContext, names: readonly [string, string]): number {
  const parent = network.parts.parent?.parent;
  if (network.driver === "ipvlan" && parent) return parseMac(host.macOf(parent.device) ?? "02:00:00:00:00:00", parent.device);
  if (network.driver === "host" || network.driver === "null") return 0;
  // Both generations.
  if (network.driver === "overlay") return macOf0242(Number(v4?.value ?? 0n));
  const place = `endpoint ${names[1]} ${names[0]}`;
  return rules.endpointMac(ids.identity, Number(v4?.value ?? 0n), place, ...ids.nth("mac", place));
}

/** The smallest MTU that a veth device takes (Linux include/uapi/linux/if_ether.h: ETH_MIN_MTU), and the largest. */
export const MTU_MIN = 68;
export const MTU_MAX = 65535;

function checkMtu(container: Container, network: Network, context: JoinContext): void {
  const { mtu } = network;
  if (mtu === 0 || !network.parts.bridge || (mtu >= MTU_MIN && mtu <= MTU_MAX)) return;
  const veth = vethName(container, network.name, context);
  context.veths.delete(veth);
  const why = `failed to set MTU on host interface ${veth}: invalid argument`;
  refuse(500, `container ${container.name}`, `failed to create endpoint ${container.name} on network ${network.name}: ${why}`, container.spec.position);
}

type Gateways = Pick<Endpoint, "gateway4" | "gateway6" | "deviceRoute" | "hasGateway4" | "hasGateway6">;

function gatewaysOf(network: Network, v4: HeldAddress | undefined, v6: HeldAddress | undefined, rules: GenerationRules): Gateways {
  const parent = network.parts.parent;
  const isL3 = parent !== undefined && /^l3s?$/.test(parent.mode);
  const gatewayOf = (held: HeldAddress | undefined): bigint | undefined => {
    if (!held || isL3 || network.driver === "overlay") return undefined;
    if (network.internal && !(network.parts.bridge && rules.sandbox.internalHasGateway)) return undefined;
    return (network.parts.bridge && held.block.auxGateway) ?? held.block.gateway;
  };
  const gateway4 = gatewayOf(v4);
  const gateway6 = gatewayOf(v6);
  const isExit = parent !== undefined && !network.internal && (isL3 || !rules.parents.makesGateway);
  return { gateway4, gateway6, deviceRoute: isExit && isL3, hasGateway4: gateway4 !== undefined || (isExit && v4 !== undefined), hasGateway6: gateway6 !== undefined || (isExit && v6 !== undefined) };
}

/** `veth` and seven digits, another seven if they are taken (moby daemon/libnetwork/netutils: GenerateIfaceName). */
function vethName({ name }: Container, inside: string, context: JoinContext): string {
  return nameVeth(name, inside, context);
}

/** The name of a cable's end on the host, by whose it is and the interface at its other end. */
export function nameVeth(owner: string, inside: string, { ids, veths }: Pick<JoinContext, "ids" | "veths">): string {
  for (;;) {
    const place = `${owner}:${inside}`;
    const [attempt = "0"] = ids.nth("veth", place);
    const name = `veth${ids.identity.suffix("veth", place, attempt)}`;
    if (veths.has(name)) continue;
    veths.add(name);
    return name;
  }
}

