/** Docker Engine 20.10, as its last patch releases behave. */
import { nextFit } from "./address-space";
import { compareGateways, type GenerationRules } from "./generation";
import { macOf0242 } from "./identity";
import { checkLikeCommandLine } from "./ipam-config";
import type { PublishSpec } from "./spec";

export const generation20: GenerationRules = {
  name: "20.10",
  subnets: { choice: nextFit, defaultBridgeMovesSearch: false, reservesEdges: () => true },
  checkIpam: checkLikeCommandLine,
  endpointMac: (_identity, ip) => macOf0242(ip),
  bridgeMac: (identity, name) => identity.random0242Mac(name),
  sandbox: {
    orderAtStart: (endpoints) => [...endpoints].sort(compareGateways),
    // osl/interface_linux.go: a counter per prefix that only grows.
    nextInterface: (_used, everUsed) => everUsed,
    internalHasGateway: true,
  },
  endpoints: {
    check: ({ mac, gwPriority, interfaceName }, index) => {
      if (interfaceName !== undefined) return "interface_name requires Docker Engine v28.1 or later";
      if (gwPriority !== 0) return "gw_priority requires Docker Engine v28.0 or later";
      // runconfig: --mac-address is the container's and goes to the network of its network mode.
      if (mac !== undefined && index > 0) return "a MAC address on other networks than the first requires Docker Engine v25.0 or later";
      return undefined;
    },
    staticNeedsGivenSubnet: true,
  },
  ports: {
    compare: comparePorts,
    clash: (ip, other, port, protocol) => {
      if (ip === other) return `Bind for ${ip}:${port} failed: port is already allocated`;
      // The allocator keeps addresses apart; it is the proxy's bind that fails between 0.0.0.0 and one address.
      if (ip !== ANY && other !== ANY) return undefined;
      return `Error starting userland proxy: listen ${protocol}4 ${ip}:${port}: bind: address already in use`;
    },
    wrap: (container, endpointId, reason) =>
      `driver failed programming external connectivity on endpoint ${container} (${endpointId}): ${reason}`,
  },
  messages: {
    poolsExhausted: "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
    poolOverlaps: "Pool overlaps with other one on this address space",
    aliasNeedsUserNetwork: "network-scoped alias is supported only for containers in user defined networks",
    addressNeedsUserNetwork: "user specified IP address is supported on user defined networks only",
    joinsHostNetwork: "container cannot be disconnected from host network or connected to host network",
    addressOutsideSubnets: (address) => `Invalid address ${address}: It does not belong to any of this network's subnets`,
    networkExists: (name) => `network with name ${name} already exists`,
    emptyNetworkName: "network with name  already exists",
    networkInUse: (name, id) => `error while removing network: network ${name} id ${id} has active endpoints`,
    badContainerMode: "Invalid network mode: invalid container format container:<name|id>",
    noContainerToJoin: (name) => `No such container: ${name}`,
    notRunning: (_name, id) => `cannot join network of a non running container: ${id}`,
    joinsItself: "cannot join own network",
  },
};

const ANY = "0.0.0.0";

/** docker/go-connections nat/sort.go SortPortMap: larger host ports first, then larger container ports, tcp first; ephemeral ones last. */
function comparePorts(a: PublishSpec, b: PublishSpec): number {
  const host = (b.hostPort?.from ?? 0) - (a.hostPort?.from ?? 0);
  if (host !== 0) return host;
  if (a.containerPort !== b.containerPort) return b.containerPort - a.containerPort;
  return Number(b.protocol === "tcp") - Number(a.protocol === "tcp");
}
