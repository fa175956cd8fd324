/** Docker Engine 29. */
import { rules29 } from "./firewall/rules-29";
import { parseIp } from "../net/ip";
import { firstFit } from "./address-space";
import { valueOf } from "./block";
import { compareLastResort, compareText, type GatewayCandidate, type GenerationRules } from "./generation";
import { checkLikeDaemon } from "./ipam-config";
import type { Chance } from "./chance";
import type { WantedBinding } from "./host-ports";

export const generation29: GenerationRules = {
  name: "29",
  bridgeRules: rules29,
  subnets: {
    choice: firstFit,
    defaultBridgeMovesSearch: true,
    // RFC 3021: a /31 has two hosts and no broadcast address.
    reservesEdges: (prefixLength) => prefixLength < 31,
    unspecifiedIsDynamic: true,
    exhaustedStatus: 400,
    hasLocalPool6: true,
  },
  networks: {
    keepsSubnet6: true,
    checkIpam: checkLikeDaemon,
    showsChosenGateways: true,
    showsUsed: true,
    findsUnallotted: false,
    bridgeTakesMtu: true,
    savesGateways: true,
    checkFamilies: ({ ipv4, ipv6 }) => (ipv4 === false && ipv6 !== true ? "IPv4 or IPv6 must be enabled" : undefined),
  },
  parents: {
    ipvlanFlags: true,
    conflict: (driver, prefix, { device, mode }, other) => {
      if (other.parent.device !== device) return undefined;
      if (driver === "ipvlan") return `network ${prefix}${other.id.slice(0, 12)} is already using parent interface ${device}`;
      const uses = `macvlan network ${other.id} is already using parent interface ${device}`;
      if (mode === "passthru") return `cannot use mode passthru, ${uses}`;
      return other.mode === "passthru" ? `${uses} in mode passthru` : undefined;
    },
    makesGateway: false,
  },
  loadsBridgeNetfilter: false,
  forwardsAtStart: () => [],
  remembersForwarding: true,
  endpointMac: (identity, _ip, ...name) => identity.randomMac(...name),
  bridgeMac: (identity, ...name) => identity.randomMac(...name),
  defaultBridgeAddress6FromMac: false,
  sandbox: {
    // The order of a Go map (daemon/container_operations.go: allocateNetwork). A small one is walked from any of its entries, in the order
    // of their places (Go internal/runtime/maps/table.go: Iter).
    startOrder: walked,
    namesFirst: true,
    compareGateways,
    nextInterface: (used) => {
      let number = 0;
      while (used.has(number)) number++;
      return number;
    },
    internalHasGateway: false,
    oneGatewayForBoth: false,
    madeFirst: true,
    linksSetVariables: false,
    failureLeavesNetwork: true,
    knowsAnonymous: true,
  },
  endpoints: {
    check: () => undefined,
    checkAddress: ({ ipv4, ipv6, aliases }, network) => {
      const addresses = [ipv4, ipv6].filter((address) => address !== undefined);
      const reasons = [
        ...(addresses.length > 0 && network.isPredefined ? ["user-specified IP address is supported on user-defined networks only"] : []),
        ...(aliases.length > 0 && network.isPredefined ? ["network-scoped aliases are only supported for user-defined networks"] : []),
        ...addresses.filter((address) => !network.contains(address)).map((address) => `no configured subnet contains IP address ${address}`),
      ];
      return reasons.length === 0 ? undefined : { status: 400, daemon: `invalid endpoint settings:\n${joinReasons(reasons)}` };
    },
    checkSysctls: (names) => {
      const name = names.find((each) => /^net\.[^.]*\.[^.]*\.eth[^.]*\../.test(each));
      return name && `interface specific sysctl setting ${JSON.stringify(name)} must be supplied using driver option 'com.docker.network.endpoint.sysctls'`;
    },
    checksAtCreate: true,
    macNeedsSandbox: false,
    defaultMode: "bridge",
    severalAtCreate: true,
    aliasesShowId: false,
  },
  ports: {
    order: (publish) => [...publish],
    linked: (exposed) => [...exposed].sort((a, b) => compareText(`${a.port}/${a.protocol}`, `${b.port}/${b.protocol}`)),
    // portallocator: the unspecified address conflicts with every address of its family. Named is who has the port; of several, one by chance.
    clash: (ip, other, port) => {
      const overlaps = ip.includes(":") === other.includes(":") && (ip === other || isUnspecified(ip) || isUnspecified(other));
      return overlaps ? `Bind for ${other}:${port} failed: port is already allocated` : undefined;
    },
    group: groupBindings,
    bindFailure: ({ protocol, ip, port }, why) => `failed to bind host port ${ip.includes(":") ? `[${ip}]` : ip}:${port}/${protocol}: ${why}`,
    readsRangeAtStart: false,
    perFamily: true,
    retriesRanges: true,
    showsInternal: true,
    remembersShown: false,
    wrap: (container, endpointId, reason) => `driver failed programming external connectivity on endpoint ${container} (${endpointId}): ${reason}`,
  },
  conntrack: { clearsWhenProgrammed: true },
  dns: {
    onFailure: "servfail",
    triesNextOnNxdomain: false,
    asksFromHost: true,
    asksIpv6: true,
    losesLoopback: false,
    leavesItselfOut: true,
    fallback: [],
    forwardsWithoutExit: false,
    forwardsOtherFamily: false,
  },
  messages: {
    poolsExhausted: () => "all predefined address pools have been fully subnetted",
    poolOverlaps: "invalid pool request: Pool overlaps with other one on this address space",
    addressTaken: () => "Address already in use",
    aliasNeedsUserNetwork: "invalid endpoint settings:\nnetwork-scoped aliases are only supported for user-defined networks",
    joinsHostNetwork: "cannot connect container to host network - container must be created in host network mode",
    leavesHostNetwork: "cannot disconnect container from host network - container was created in host network mode",
    addressOutsideSubnets: (address) => `invalid address ${address}: It does not belong to any of this network's subnets`,
    emptyNetworkName: { status: 400, daemon: "invalid name: name is empty" },
    networkInUse: (name, _id, members, chance) => `error while removing network: network ${name} has active endpoints (${walked(members, chance).join(", ")})`,
    configWithTemplate: "user-specified configurations are not supported if the network depends on a configuration network",
    deviceNameTooLong: "numerical result out of range",
    linksWarning: "Links on the default bridge network are deprecated and will be removed in a future release. Use a custom network instead.",
    badContainerMode: "invalid network mode: invalid container format container:<name|id>",
    noContainerToJoin: (name) => `joining network namespace of container: No such container: ${name}`,
    notRunning: (name, _id, status) => `cannot join network namespace of a non running container: container ${name} is ${status}`,
    invalidSignal: "invalid signal",
    stillRuns: ({ name }, isPaused) => `cannot remove container "${name}": container is ${isPaused ? "paused and must be unpaused first" : "running: stop the container before removing or force remove"}`,
    joinsItself: "cannot join own network namespace",
    predefined: (name) => `operation is not permitted on predefined ${name} network`,
    noParent: (name) => `-o parent interface was not found on the host: ${name}`,
    runcFailure: (what) => `failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: ${what}`,
    interfaceFailure: (what) => what,
    startFailure: "failed to set up container networking: ",
  },
};

/** moby internal/multierror: Join. */
function joinReasons(reasons: readonly string[]): string {
  return reasons.length === 1 ? reasons[0]! : reasons.map((reason) => `* ${reason}`).join("\n");
}

function isUnspecified(ip: string): boolean {
  return ip === "0.0.0.0" || ip === "::";
}

/** moby daemon/libnetwork/sandbox.go: Less. */
function compareGateways(a: GatewayCandidate, b: GatewayCandidate): number {
  const families = ({ hasGateway4, hasGateway6 }: GatewayCandidate) => Number(hasGateway4) + Number(hasGateway6);
  return (
    b.gwPriority - a.gwPriority || compareLastResort(a, b) || Number(a.internal) - Number(b.internal) || families(b) - families(a) || compareText(a.network, b.network)
  );
}

/**
 * Translated before routed ones, exact ports before ranges and ephemeral ones, then container port, protocol, host ports, addresses;
 * what differs only in addresses belongs together (portmapperapi/api.go: Compare; drivers/bridge/port_mapping_linux.go: needSamePort).
 */
function groupBindings(wanted: readonly WantedBinding[]): WantedBinding[][] {
  const groups: WantedBinding[][] = [];
  for (const binding of [...wanted].sort((a, b) => comparePorts(a, b) || compareAddresses(a.hostIp, b.hostIp))) {
    const group = groups.at(-1);
    if (group && comparePorts(group[0]!, binding) === 0) group.push(binding);
    else groups.push([binding]);
  }
  return groups;
}

function comparePorts(a: WantedBinding, b: WantedBinding): number {
  return (
    Number(a.routed) - Number(b.routed) ||
    Number(isExact(b)) - Number(isExact(a)) ||
    a.containerPort - b.containerPort ||
    PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol) ||
    (a.wants?.from ?? 0) - (b.wants?.from ?? 0) ||
    (a.wants?.to ?? 0) - (b.wants?.to ?? 0)
  );
}

/** By their numbers (IANA). */
const PROTOCOLS = ["tcp", "udp", "sctp"];

function isExact({ wants }: WantedBinding): boolean {
  return wants !== undefined && wants.from === wants.to;
}

/** IPv4 first, then by value. */
function compareAddresses(a: string, b: string): number {
  const [left, right] = [parseIp(a, "host"), parseIp(b, "host")];
  return left.family - right.family || (valueOf(left) < valueOf(right) ? -1 : Number(valueOf(left) > valueOf(right)));
}

/** A small Go map is walked from any of its entries. */
function walked<T>(entries: readonly T[], chance: Chance): T[] {
  const first = entries.length > 1 ? chance.choose(entries.length) : 0;
  return [...entries.slice(first), ...entries.slice(0, first)];
}
