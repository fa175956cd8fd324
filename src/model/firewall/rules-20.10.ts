import {
  ANSWERS,
  FROM_HOST,
  fromPort,
  intoNetwork,
  leaving,
  linkSteps,
  natJumps,
  portCause,
  sourceTarget,
  toContainer,
  toItself,
  toPublished,
} from "./conditions";
import type { FirewallFlags, FirewallNetwork, FirewallSubnet } from "./firewall";
import type { BridgeRules } from "./generation";
import { is, isNot, jump, MASQUERADE, StepMaker, type Step } from "./step";

const DAEMON = { kind: "daemon" } as const;
const STAGE_1 = "DOCKER-ISOLATION-STAGE-1";
const STAGE_2 = "DOCKER-ISOLATION-STAGE-2";

/** What Docker 20.10 programs for its bridge networks (libnetwork drivers/bridge/setup_ip_tables.go, iptables/iptables.go). */
export const rules2010: BridgeRules = {
  chains: [
    { table: "nat", chain: "DOCKER" },
    { table: "filter", chain: "DOCKER" },
    { table: "filter", chain: STAGE_1 },
    { table: "filter", chain: STAGE_2 },
  ],

  start(family) {
    const make = new StepMaker(family, DAEMON);
    return [make.append("filter", STAGE_1, {}, "RETURN"), make.append("filter", STAGE_2, {}, "RETURN")];
  },

  userChain(family) {
    const make = new StepMaker(family, DAEMON);
    return [make.append("filter", "DOCKER-USER", {}, "RETURN"), make.top("filter", "FORWARD", "DOCKER-USER")];
  },
  userChainFollowsNetworks: true,
  matchesVni: "u32",
  hasUserChain: (family) => family === 4,

  addNetwork(family, flags, network, subnet) {
    const make = new StepMaker(family, { kind: "network", network: network.name });
    const frame = new StepMaker(family, DAEMON);
    const toStage1 = { ...frame.top("filter", "FORWARD", STAGE_1), kept: true };
    const isolation = network.internal ? [] : isolate(make, network);
    if (!subnet) return isolation;
    if (network.internal) return [...internalNetwork(make, network, subnet), toStage1];
    return [
      ...isolation,
      ...externalNetwork(make, flags, network, subnet),
      // Made with the first network, and left when the last one goes.
      ...natJumps(frame, flags.userlandProxy).map((step) => ({ ...step, kept: true })),
      make.insert("filter", "FORWARD", { outInterface: is(network.device) }, jump("DOCKER")),
      make.insert("filter", "FORWARD", { outInterface: is(network.device), matches: ANSWERS }, "ACCEPT"),
      toStage1,
    ];
  },

  attach: () => [],

  publish(family, { userlandProxy }, network, port) {
    // An IPv6 address of the host in front of a container without IPv6: the userland proxy's work.
    if (network.internal || port.hostAddress.family !== family || port.hostPort === 0) return [];
    const make = new StepMaker(family, portCause(network.name, port));
    const fromElsewhere = userlandProxy ? { inInterface: isNot(network.device) } : {};
    return [
      make.append("nat", "DOCKER", { ...toPublished(port), ...fromElsewhere }, toContainer(port)),
      make.append("filter", "DOCKER", intoNetwork(network.device, port), "ACCEPT"),
      make.append("nat", "POSTROUTING", toItself(port), MASQUERADE),
      // Linux fills SCTP checksums in late, and some cards never do.
      ...(port.protocol === "sctp" ? [make.append("mangle", "POSTROUTING", fromPort("sctp", port.port), { target: "CHECKSUM" })] : []),
    ];
  },

  link(family, network, link) {
    const { parent, child } = link;
    return linkSteps(new StepMaker(family, { kind: "link", network: network.name, parent: parent.container, child: child.container }), network.device, link);
  },
};

/** What leaves one network must not enter another. */
function isolate(make: StepMaker, { device }: FirewallNetwork): readonly Step[] {
  return [
    make.insert("filter", STAGE_1, { inInterface: is(device), outInterface: isNot(device) }, jump(STAGE_2)),
    make.insert("filter", STAGE_2, { outInterface: is(device) }, "DROP"),
  ];
}

function internalNetwork(make: StepMaker, network: FirewallNetwork, { subnet }: FirewallSubnet): readonly Step[] {
  const { device } = network;
  return [
    make.insert("filter", STAGE_1, { destination: isNot(subnet), inInterface: is(device) }, "DROP"),
    make.insert("filter", STAGE_1, { source: isNot(subnet), outInterface: is(device) }, "DROP"),
    ...betweenContainers(make, network),
  ];
}

function externalNetwork(make: StepMaker, { userlandProxy }: FirewallFlags, network: FirewallNetwork, subnet: FirewallSubnet): readonly Step[] {
  const { device, masquerade } = network;
  const steps: Step[] = [];
  if (masquerade) steps.push(make.insert("nat", "POSTROUTING", leaving(device, subnet), sourceTarget(subnet)));
  // What containers send to published ports is left to the userland proxy.
  if (masquerade && userlandProxy) steps.push(make.insert("nat", "DOCKER", { inInterface: is(device) }, "RETURN"));
  if (!userlandProxy) steps.push(make.insert("nat", "POSTROUTING", { outInterface: is(device), matches: FROM_HOST }, sourceTarget(subnet)));
  const outgoing = make.insert("filter", "FORWARD", { inInterface: is(device), outInterface: isNot(device) }, "ACCEPT");
  return [...steps, ...betweenContainers(make, network), outgoing];
}

function betweenContainers(make: StepMaker, { device, icc }: FirewallNetwork): readonly Step[] {
  const inside = { inInterface: is(device), outInterface: is(device) };
  return icc
    ? [make.remove("filter", "FORWARD", inside, "DROP"), make.insert("filter", "FORWARD", inside, "ACCEPT")]
    : [make.remove("filter", "FORWARD", inside, "ACCEPT"), make.append("filter", "FORWARD", inside, "DROP")];
}
