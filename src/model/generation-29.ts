/** Docker Engine 29. */
import { firstFit } from "./address-space";
import { compareText, type GenerationRules } from "./generation";
import { checkLikeDaemon } from "./ipam-config";
import type { PublishSpec } from "./spec";

export const generation29: GenerationRules = {
  name: "29",
  subnets: {
    choice: firstFit,
    defaultBridgeMovesSearch: true,
    // RFC 3021: a /31 has two hosts and no broadcast address.
    reservesEdges: (prefixLength) => prefixLength < 31,
  },
  checkIpam: checkLikeDaemon,
  endpointMac: (identity, _ip, name) => identity.randomMac(name),
  bridgeMac: (identity, name) => identity.randomMac(name),
  sandbox: {
    // Differs from Linux: moby takes them in the order of a Go map, which is a different one each time
    // (daemon/server/router/container/container_routes.go); here it is the order of names.
    orderAtStart: (endpoints) => [...endpoints].sort((a, b) => compareText(a.network, b.network)),
    nextInterface: (used) => {
      let number = 0;
      while (used.has(number)) number++;
      return number;
    },
    internalHasGateway: false,
  },
  endpoints: { check: () => undefined, staticNeedsGivenSubnet: false },
  ports: {
    compare: comparePorts,
    // portallocator: the unspecified address conflicts with every address of its family.
    clash: (ip, other, port) => {
      if (ip !== other && ip !== ANY && other !== ANY) return undefined;
      return `Bind for ${ip}:${port} failed: port is already allocated`;
    },
    wrap: (container, endpointId, reason) =>
      `failed to set up container networking: driver failed programming external connectivity on endpoint ${container} (${endpointId}): ${reason}`,
  },
  messages: {
    poolsExhausted: "all predefined address pools have been fully subnetted",
    poolOverlaps: "invalid pool request: Pool overlaps with other one on this address space",
    aliasNeedsUserNetwork: "invalid endpoint settings:\nnetwork-scoped aliases are only supported for user-defined networks",
    addressNeedsUserNetwork: "invalid endpoint settings:\nuser-specified IP address is supported on user-defined networks only",
    joinsHostNetwork: "cannot connect container to host network - container must be created in host network mode",
    addressOutsideSubnets: (address) => `invalid endpoint settings:\nno configured subnet contains IP address ${address}`,
    networkExists: (name) => `network with name ${name} already exists`,
    emptyNetworkName: "invalid name: name is empty",
    networkInUse: (name, _id, members) => `error while removing network: network ${name} has active endpoints (${members.join(", ")})`,
    badContainerMode: "invalid network mode: invalid container format container:<name|id>",
    noContainerToJoin: (name) => `joining network namespace of container: No such container: ${name}`,
    notRunning: (name) => `cannot join network namespace of a non running container: container ${name} is exited`,
    joinsItself: "cannot join own network namespace",
  },
};

const ANY = "0.0.0.0";

/** Exact ports before ranges and ephemeral ones, then container port, protocol, host port, host address (drivers/bridge/port_mapping_linux.go). */
function comparePorts(a: PublishSpec, b: PublishSpec): number {
  return (
    Number(isExact(b)) - Number(isExact(a)) ||
    a.containerPort - b.containerPort ||
    compareText(a.protocol, b.protocol) ||
    (a.hostPort?.from ?? 0) - (b.hostPort?.from ?? 0) ||
    compareText(a.hostIp ?? "", b.hostIp ?? "")
  );
}

function isExact({ hostPort }: PublishSpec): boolean {
  return hostPort !== undefined && hostPort.from === hostPort.to;
}
