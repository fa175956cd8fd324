import { ipv6Cidr } from "../../net/cidr";
import {
  ANSWERS,
  FROM_HOST,
  hostCidr,
  intoNetwork,
  isLoopback,
  leaving,
  linkSteps,
  loopback,
  natJumps,
  portCause,
  sourceTarget,
  toContainer,
  toItself,
  toPublished,
} from "./conditions";
import type { FirewallEndpoint, FirewallFlags, FirewallNetwork, FirewallPort, FirewallSubnet } from "./firewall";
import { readFwMark } from "./fw-mark";
import type { BridgeRules } from "./generation";
import type { Family } from "./rule";
import { is, isNot, jump, MASQUERADE, StepMaker, type Step } from "./step";

const DAEMON = { kind: "daemon" } as const;
/** RFC 4291 §2.5.6: link-local addresses. */
const LINK_LOCAL = ipv6Cidr(0xfe80n << 112n, 10);
/** The device through which Windows reaches a mirrored WSL2 guest. */
const WSL2_LOOPBACK = "loopback0";

/** What Docker 29 programs for its bridge networks (moby daemon/libnetwork/drivers/bridge/internal/iptabler). */
export const rules29: BridgeRules = {
  chains: [
    { table: "nat", chain: "DOCKER" },
    { table: "filter", chain: "DOCKER-FORWARD" },
    { table: "filter", chain: "DOCKER-BRIDGE" },
    { table: "filter", chain: "DOCKER" },
    { table: "filter", chain: "DOCKER-CT" },
    { table: "filter", chain: "DOCKER-INTERNAL" },
  ],

  start(family, flags) {
    const make = new StepMaker(family, DAEMON);
    const fromWindows = { destination: is(loopback(4)), inInterface: is(WSL2_LOOPBACK) };
    return [
      ...natJumps(make, flags.userlandProxy),
      make.top("filter", "FORWARD", "DOCKER-FORWARD"),
      make.top("filter", "DOCKER-FORWARD", "DOCKER-BRIDGE"),
      make.top("filter", "DOCKER-FORWARD", "DOCKER-INTERNAL"),
      make.top("filter", "DOCKER-FORWARD", "DOCKER-CT"),
      // Windows does not reach Linux by ::1.
      ...(family === 4 && flags.wsl2Mirrored && flags.userlandProxy ? [make.insert("nat", "DOCKER", fromWindows, "RETURN")] : []),
    ];
  },

  userChain: (family) => [new StepMaker(family, DAEMON).top("filter", "FORWARD", "DOCKER-USER")],
  userChainFollowsNetworks: false,
  matchesVni: "bpf",
  hasUserChain: () => true,

  addNetwork(family, flags, network, subnet) {
    if (!subnet) return [];
    const make = new StepMaker(family, { kind: "network", network: network.name });
    return network.internal ? internalNetwork(make, network, subnet) : externalNetwork(make, flags, network, subnet);
  },

  attach(family, flags, network, endpoint) {
    const subnet = family === 4 ? network.v4 : network.v6;
    if (network.internal || subnet?.gatewayMode === "nat-unprotected" || subnet?.gatewayMode === "routed") return [];
    return endpoint.addresses.filter((address) => address.family === family).flatMap((address) => directAccess(family, flags, network, endpoint, address));
  },

  publish(family, flags, network, port) {
    if (network.internal) return [];
    const subnet = family === 4 ? network.v4 : network.v6;
    const make = new StepMaker(family, portCause(network.name, port));
    const steps = remoteLoopback(make, flags, port);
    // A container without IPv6 behind an IPv6 address of the host: the userland proxy's work.
    if (port.hostAddress.family !== family) return steps;
    return [
      ...steps,
      ...translation(make, flags, network, port),
      ...(subnet?.gatewayMode === "nat-unprotected" ? [] : [make.insert("filter", "DOCKER", intoNetwork(network.device, port), "ACCEPT")]),
    ];
  },

  link: (family, network, link) =>
    linkSteps(
      new StepMaker(family, { kind: "link", network: network.name, parent: link.parent.container, child: link.child.container }),
      network.device,
      link,
    ),
};

function internalNetwork(make: StepMaker, { device, icc }: FirewallNetwork, { subnet }: FirewallSubnet): readonly Step[] {
  // Only IPv6 leaves what stays on the bridge alone: neighbour discovery has other addresses.
  const [notIn, notOut] = make.family === 6 ? [{ inInterface: isNot(device) }, { outInterface: isNot(device) }] : [{}, {}];
  const inside = { inInterface: is(device), outInterface: is(device) };
  return [
    make.insert("filter", "DOCKER-INTERNAL", { destination: isNot(subnet), inInterface: is(device), ...notOut }, "DROP"),
    make.insert("filter", "DOCKER-INTERNAL", { source: isNot(subnet), outInterface: is(device), ...notIn }, "DROP"),
    make.append("filter", "DOCKER-FORWARD", inside, icc ? "ACCEPT" : "DROP"),
  ];
}

function externalNetwork(make: StepMaker, flags: FirewallFlags, network: FirewallNetwork, subnet: FirewallSubnet): readonly Step[] {
  const { device, icc, masquerade } = network;
  const routed = subnet.gatewayMode === "routed";
  const steps: Step[] = [];
  const mark = flags.bridgeAcceptFwmark;
  if (mark !== undefined) {
    const matches = [{ match: "mark" as const, mark: is(readFwMark(mark)) }];
    steps.push(make.insert("filter", "DOCKER-FORWARD", { matches }, "ACCEPT"));
  }
  if (masquerade && !routed) steps.push(make.insert("nat", "POSTROUTING", leaving(device, subnet), sourceTarget(subnet)));
  const hairpin = [{ outInterface: is(device), matches: FROM_HOST }, sourceTarget(subnet)] as const;
  steps.push(make[flags.userlandProxy ? "remove" : "insert"]("nat", "POSTROUTING", ...hairpin));
  const inside = { inInterface: is(device), outInterface: is(device) };
  if (!icc) steps.push(make.append("filter", "DOCKER-FORWARD", inside, "DROP"));
  if (routed) steps.push(make.append("filter", "DOCKER", { outInterface: is(device), protocol: is(make.family === 4 ? "icmp" : "ipv6-icmp") }, "ACCEPT"));
  const outgoing = { inInterface: is(device), ...(icc ? {} : { outInterface: isNot(device) }) };
  const incoming = { inInterface: isNot(device), outInterface: is(device) };
  return [
    ...steps,
    make.append("filter", "DOCKER-FORWARD", outgoing, "ACCEPT"),
    make.append("filter", "DOCKER", incoming, subnet.gatewayMode === "nat-unprotected" ? "ACCEPT" : "DROP"),
    make.append("filter", "DOCKER-CT", { outInterface: is(device), matches: ANSWERS }, "ACCEPT"),
    make.append("filter", "DOCKER-BRIDGE", { outInterface: is(device) }, jump("DOCKER")),
  ];
}

/** Nobody but the host and trusted devices reaches a container by its own address. */
function directAccess(
  family: Family,
  flags: FirewallFlags,
  network: FirewallNetwork,
  { container }: FirewallEndpoint,
  address: FirewallEndpoint["addresses"][number],
): readonly Step[] {
  const make = new StepMaker(family, { kind: "endpoint", network: network.name, container });
  const op = flags.allowDirectRouting || flags.rawRules === false ? "remove" : "append";
  const destination = is(hostCidr(address));
  return [
    ...network.trustedInterfaces.map((device) => make[op]("raw", "PREROUTING", { destination, inInterface: is(device) }, "ACCEPT")),
    make[op]("raw", "PREROUTING", { destination, inInterface: isNot(network.device) }, "DROP"),
  ];
}

/** A port of 127.0.0.1 is not for other machines, whatever they write into their packets. */
function remoteLoopback(make: StepMaker, flags: FirewallFlags, port: FirewallPort): readonly Step[] {
  const { hostAddress, hostPort } = port;
  if (flags.rawRules === false || hostPort === 0 || hostAddress.family !== 4 || !isLoopback(hostAddress)) return [];
  return [
    make[flags.wsl2Mirrored ? "append" : "remove"]("raw", "PREROUTING", { ...toPublished(port), inInterface: is(WSL2_LOOPBACK) }, "ACCEPT"),
    make.append("raw", "PREROUTING", { ...toPublished(port), inInterface: isNot("lo") }, "DROP"),
  ];
}

function translation(make: StepMaker, { userlandProxy }: FirewallFlags, { device }: FirewallNetwork, port: FirewallPort): readonly Step[] {
  if (port.hostPort === 0) return [];
  const fromElsewhere = userlandProxy ? { inInterface: isNot(device) } : {};
  const notLinkLocal = make.family === 6 ? { source: isNot(LINK_LOCAL) } : {};
  return [
    make.append("nat", "DOCKER", { ...toPublished(port), ...fromElsewhere, ...notLinkLocal }, toContainer(port)),
    make[userlandProxy ? "remove" : "append"]("nat", "POSTROUTING", toItself(port), MASQUERADE),
  ];
}
