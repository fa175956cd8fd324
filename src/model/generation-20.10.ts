/** Docker Engine 20.10, as its last patch releases behave. */
import { rules2010 } from "./firewall/rules-20.10";
import { nextFit } from "./address-space";
import { compareLastResort, compareText, type GatewayCandidate, type GenerationRules } from "./generation";
import { macOf0242 } from "./identity";
import { checkSubnets } from "./ipam-config";
import type { ExposedPort, PublishSpec } from "./spec";
import { shuffled } from "./chance";

const DRIVERLESS_IP = "user specified IP address is supported on user defined networks only";
const NO_SUBNET_IP = "user specified IP address is supported only when connecting to networks with user configured subnets";
const JOINS_HOST = "container cannot be disconnected from host network or connected to host network";

export const generation20: GenerationRules = {
  name: "20.10",
  bridgeRules: rules2010,
  subnets: {
    choice: nextFit,
    defaultBridgeMovesSearch: false,
    reservesEdges: () => true,
    unspecifiedIsDynamic: false,
    exhaustedStatus: 404,
    hasLocalPool6: false,
  },
  networks: {
    keepsSubnet6: false,
    checkIpam: checkSubnets,
    showsChosenGateways: false,
    showsUsed: false,
    findsUnallotted: true,
    bridgeTakesMtu: false,
    savesGateways: false,
    checkFamilies: () => undefined,
  },
  parents: {
    ipvlanFlags: false,
    conflict: (_driver, prefix, { device }, other) =>
      other.parent.device === device ? `network ${prefix}${other.id.slice(0, 12)} is already using parent interface ${device}` : undefined,
    makesGateway: true,
  },
  // drivers/bridge/bridge.go: configure runs modprobe, and the module's sysctls are 1 (Linux br_netfilter_hooks.c).
  loadsBridgeNetfilter: true,
  forwardsAtStart: ({ ip6tables }) => (ip6tables ? [4, 6] : [4]),
  remembersForwarding: false,
  endpointMac: (_identity, ip) => macOf0242(ip),
  bridgeMac: (identity, ...name) => identity.random0242Mac(...name),
  defaultBridgeAddress6FromMac: true,
  sandbox: {
    // Links need the default bridge, so that ports may move once more.
    startOrder: (networks, chance) => {
      const isDefault = ({ network }: GatewayCandidate) => network === "bridge";
      const others = networks.filter((candidate) => !isDefault(candidate)).sort(compareGateways);
      // daemon/container_operations.go: allocateNetwork visits a map of them.
      return [...networks.filter(isDefault), ...shuffled(others, chance)];
    },
    namesFirst: false,
    compareGateways,
    // osl/interface_linux.go: a counter per prefix that only grows.
    nextInterface: (_used, everUsed) => everUsed,
    internalHasGateway: true,
    oneGatewayForBoth: true,
    madeFirst: false,
    linksSetVariables: true,
    failureLeavesNetwork: false,
    knowsAnonymous: false,
  },
  endpoints: {
    check: ({ mac, gwPriority, interfaceName }, index) => {
      if (interfaceName !== undefined) return "interface_name requires Docker Engine v28.1 or later";
      if (gwPriority !== 0) return "gw_priority requires Docker Engine v28.0 or later";
      // runconfig: --mac-address is the container's and goes to the network of its network mode.
      if (mac !== undefined && index > 0) return "a MAC address on other networks than the first requires Docker Engine v25.0 or later";
      return undefined;
    },
    checkAddress: ({ ipv4, ipv6 }, network) => {
      if (ipv4 === undefined && ipv6 === undefined) return undefined;
      if (network.isPredefined) return { status: 400, daemon: DRIVERLESS_IP };
      const isMissing = (ipv4 !== undefined && !network.hasGivenSubnet(4)) || (ipv6 !== undefined && !network.hasGivenSubnet(6));
      return isMissing ? { status: 400, daemon: NO_SUBNET_IP } : undefined;
    },
    checkSysctls: () => undefined,
    checksAtCreate: false,
    macNeedsSandbox: true,
    defaultMode: "default",
    severalAtCreate: false,
    aliasesShowId: true,
  },
  ports: {
    order: orderPorts,
    linked: orderExposed,
    // The allocator keeps addresses apart; between 0.0.0.0 and one address it is the proxy's bind that fails.
    clash: (ip, other, port) => (ip === other ? `Bind for ${ip}:${port} failed: port is already allocated` : undefined),
    group: (wanted) => wanted.map((binding) => [binding]),
    bindFailure: ({ protocol, ip, port }, why, userlandProxy) => {
      const [family, address] = ip.includes(":") ? [6, `[${ip}]`] : [4, ip];
      return `${userlandProxy ? "Error starting userland proxy: " : ""}listen ${protocol}${family} ${address}:${port}: bind: ${why}`;
    },
    readsRangeAtStart: true,
    perFamily: false,
    retriesRanges: false,
    showsInternal: false,
    remembersShown: true,
    wrap: (container, endpointId, reason) => `driver failed programming external connectivity on endpoint ${container} (${endpointId}): ${reason}`,
  },
  conntrack: { clearsWhenProgrammed: false },
  dns: {
    onFailure: "silence",
    triesNextOnNxdomain: true,
    asksFromHost: false,
    asksIpv6: false,
    losesLoopback: true,
    leavesItselfOut: false,
    fallback: ["8.8.8.8", "8.8.4.4"],
    forwardsWithoutExit: true,
    forwardsOtherFamily: true,
  },
  messages: {
    poolsExhausted: (family) => `could not find an available, non-overlapping IPv${family} address pool among the defaults to assign to the network`,
    poolOverlaps: "Pool overlaps with other one on this address space",
    addressTaken: (isFull) => (isFull ? "No available addresses on this pool" : "Address already in use"),
    aliasNeedsUserNetwork: "network-scoped alias is supported only for containers in user defined networks",
    joinsHostNetwork: JOINS_HOST,
    leavesHostNetwork: JOINS_HOST,
    addressOutsideSubnets: (address) => `Invalid address ${address}: It does not belong to any of this network's subnets`,
    emptyNetworkName: { status: 409, daemon: "network with name  already exists" },
    networkInUse: (name, id) => `error while removing network: network ${name} id ${id} has active endpoints`,
    configWithTemplate: "user specified configurations are not supported if the network depends on a configuration network",
    deviceNameTooLong: "failed to check bridge interface existence: numerical result out of range",
    linksWarning: undefined,
    badContainerMode: "Invalid network mode: invalid container format container:<name|id>",
    noContainerToJoin: (name) => `No such container: ${name}`,
    notRunning: (_name, id) => `cannot join network of a non running container: ${id}`,
    invalidSignal: "Invalid signal",
    stillRuns: ({ id }, isPaused) => `You cannot remove a ${isPaused ? "paused" : "running"} container ${id}. ${isPaused ? "Unpause and then stop" : "Stop"} the container before attempting removal or force remove`,
    joinsItself: "cannot join own network",
    predefined: (name) => `operation is not permitted on predefined ${name} network`,
    noParent: (name) => `-o parent interface does was not found on the host: ${name}`,
    runcFailure,
    // The hook that the OCI runtime calls says it; its time stamp is the start of the simulated world.
    interfaceFailure: (what) =>
      runcFailure(
        `unable to start container process: error during container init: error running hook #0: error running hook: exit status 1, stdout: , stderr: ` +
          `time="1970-01-01T00:00:00Z" level=fatal msg=${JSON.stringify(what)}`,
      ),
    startFailure: "",
  },
};

/** libnetwork sandbox.go: an IPv6 gateway weighs more than an IPv4 one. */
function compareGateways(a: GatewayCandidate, b: GatewayCandidate): number {
  const weight = ({ hasGateway4, hasGateway6 }: GatewayCandidate) => Number(hasGateway4) + 2 * Number(hasGateway6);
  return compareLastResort(a, b) || Number(a.internal) - Number(b.internal) || weight(b) - weight(a) || compareText(a.network, b.network);
}

/**
 * docker/go-connections nat/sort.go SortPortMap: larger host ports first, then larger container ports, tcp first; all bindings of a
 * container port follow its first one. Its comparison calls two bindings of one tcp port less than each other, so the outcome is that of
 * Go's insertion sort, which turns them round.
 *
 * Differs from Docker: more than twelve bindings are sorted by insertion as well; and where host and container ports contradict one
 * another, the outcome depends on where Docker's walk over a Go map begins: here with the first key,
 * or with the first port that a service names.
 */
function orderPorts(publish: readonly PublishSpec[], isOfTask = false): PublishSpec[] {
  const groups = isOfTask ? groupsOf(publish) : groupsOf(publish).sort((a, b) => compareText(keyOf(a[0]!), keyOf(b[0]!)));
  const sorted: PublishSpec[] = [];
  for (const port of groups.flat()) {
    let at = sorted.length;
    while (at > 0 && isBefore(port, sorted[at - 1]!)) at--;
    sorted.splice(at, 0, port);
  }
  return groupsOf(sorted).flat();
}

/** What is published is sorted by its host ports among the rest. */
function orderExposed(exposed: readonly ExposedPort[], publish: readonly PublishSpec[]): ExposedPort[] {
  const bound = exposed.flatMap(({ port, protocol }) => {
    const own = publish.filter((each) => each.containerPort === port && each.protocol === protocol);
    return own.length > 0 ? own : [{ containerPort: port, protocol }];
  });
  return groupsOf(orderPorts(bound)).map(([first]) => ({ port: first!.containerPort, protocol: first!.protocol }));
}

/** By container port, in the order of first mention. */
function groupsOf(publish: readonly PublishSpec[]): PublishSpec[][] {
  return [...new Set(publish.map(keyOf))].map((key) => publish.filter((port) => keyOf(port) === key));
}

function keyOf({ containerPort, protocol }: PublishSpec): string {
  return `${containerPort}/${protocol}`;
}

function isBefore(a: PublishSpec, b: PublishSpec): boolean {
  const isLarger = (a.hostPort?.from ?? 0) > (b.hostPort?.from ?? 0) || a.containerPort > b.containerPort;
  return isLarger || (a.containerPort === b.containerPort && a.protocol === "tcp");
}

function runcFailure(what: string): string {
  return `failed to create shim task: OCI runtime create failed: runc create failed: ${what}: unknown`;
}
