import type { SubnetChoice } from "./address-space";
import type { ParentUse } from "./drivers/parent";
import type { BridgeRules } from "./firewall/generation";
import type { DaemonFlags } from "./flags";
import type { WantedBinding } from "./host-ports";
import type { Identity } from "./identity";
import type { NetworkDraft } from "./ipam-config";
import type { RefusalStatus } from "./refusal";
import type { Chance } from "./chance";
import type { DockerGeneration, EndpointSpec, ExposedPort, NetworkSpec, PublishSpec } from "./spec";

/**
 * What differs between generations of Docker, as data and small functions. Everything else in `model` asks these rules
 * and never for a version.
 */
export interface GenerationRules {
  readonly name: DockerGeneration;
  /** What the bridge driver programs into the packet filter of the host. */
  readonly bridgeRules: BridgeRules;
  readonly subnets: {
    choice(): SubnetChoice;
    /** Whether docker0 moves the search for default subnets on. */
    readonly defaultBridgeMovesSearch: boolean;
    /** Whether the network and broadcast address of an IPv4 subnet of this length are kept back. */
    reservesEdges(prefixLength: number): boolean;
    /** Whether `0.0.0.0/24` means any subnet of that size. */
    readonly unspecifiedIsDynamic: boolean;
    readonly exhaustedStatus: RefusalStatus;
    /** Whether there are IPv6 pools without being asked for: a /48 of unique local addresses. */
    readonly hasLocalPool6: boolean;
  };
  readonly networks: {
    /** Whether the subnet of `--fixed-cidr-v6` is a range of its subnet as well, and docker0 keeps the IPv6 subnet that it has. */
    readonly keepsSubnet6: boolean;
    /** Refuses blocks, gateways and addresses that do not fit together. */
    checkIpam(network: NetworkDraft): void;
    /** Whether `network inspect` shows a gateway that the daemon chose for a subnet given by hand. */
    readonly showsChosenGateways: boolean;
    /** Whether it shows subnets as they are in use: those given by hand before the others, of families that are on, and none of a template. */
    readonly showsUsed: boolean;
    /** Whether a network whose containers need no gateway gets none. */
    readonly savesGateways: boolean;
    /** Whether networks that the managers could not give a subnet are found. */
    readonly findsUnallotted: boolean;
    /** Whether the bridge itself takes the MTU of its network, so that the kernel may refuse it. */
    readonly bridgeTakesMtu: boolean;
    /** Why the families or options of the network cannot be, before anything else is looked at. */
    checkFamilies(network: NetworkSpec): string | undefined;
  };
  readonly parents: {
    readonly ipvlanFlags: boolean;
    /** Why a network cannot sit where another one sits. */
    conflict(driver: string, prefix: string, wanted: { readonly mode: string; readonly device: string }, other: ParentUse): string | undefined;
    /** Whether containers of macvlan and ipvlan get a gateway that nobody named. */
    readonly makesGateway: boolean;
  };
  /** Whether a daemon with iptables loads br_netfilter whenever it starts, so that bridged packets meet iptables from then on. */
  readonly loadsBridgeNetfilter: boolean;
  /** The families whose forwarding the daemon turns on when it starts; others with their first network. */
  forwardsAtStart(flags: DaemonFlags): (4 | 6)[];
  /** Whether the daemon warns that its host does not forward as it was when it started, not as it is. */
  readonly remembersForwarding: boolean;
  /** MAC of an endpoint on a bridge or macvlan network that was not given one. */
  endpointMac(identity: Identity, ip: number, ...name: readonly string[]): number;
  bridgeMac(identity: Identity, ...name: readonly string[]): number;
  /** Whether an IPv6 prefix of the default bridge is completed with the endpoint's MAC. */
  readonly defaultBridgeAddress6FromMac: boolean;
  readonly sandbox: {
    /** In which order a starting container joins its networks. */
    startOrder<E extends GatewayCandidate>(networks: readonly E[], chance: Chance): E[];
    /** Whether its settings have them by name when they come from a client or a file, and later ones behind. */
    readonly namesFirst: boolean;
    compareGateways(a: GatewayCandidate, b: GatewayCandidate): number;
    /** The number of the next interface, given those in use and how many there have been. */
    nextInterface(used: ReadonlySet<number>, everUsed: number): number;
    /** Whether an internal bridge still gives a default route. */
    readonly internalHasGateway: boolean;
    /** Whether the first endpoint with an IPv4 gateway gives the IPv6 route as well. */
    readonly oneGatewayForBoth: boolean;
    /** Whether it is there, with its files, before the first network is joined; if not, it comes with the first endpoint. */
    readonly madeFirst: boolean;
    /** Whether legacy links set variables in the environment. */
    readonly linksSetVariables: boolean;
    /** Whether a container leaves a network for good when joining it fails after an endpoint was made: its next start is without it. */
    readonly failureLeavesNetwork: boolean;
    /** Whether `docker rename` and reverse lookups know containers whose name nobody gave. */
    readonly knowsAnonymous: boolean;
  };
  readonly endpoints: {
    /** Refuses per-endpoint settings that came later than this generation. */
    check(endpoint: EndpointSpec, index: number): string | undefined;
    /** What `docker create` and `docker network connect` refuse before they look for a free address. */
    /** What is refused of a container's sysctls. */
    checkSysctls(names: readonly string[]): string | undefined;
    checkAddress(endpoint: EndpointSpec, network: AddressableNetwork): { readonly status: RefusalStatus; readonly daemon: string } | undefined;
    /** Whether settings that the network does not take are refused by `docker create` already. */
    readonly checksAtCreate: boolean;
    /** Whether a MAC is refused where the container has no interface of its own: on `host` and `container:`. */
    readonly macNeedsSandbox: boolean;
    /** `HostConfig.NetworkMode` where nothing was said. */
    readonly defaultMode: "default" | "bridge";
    /** Whether `docker create` takes several networks. */
    readonly severalAtCreate: boolean;
    /** Whether `Aliases` has the short ID and the host name. */
    readonly aliasesShowId: boolean;
  };
  readonly ports: {
    /** The order in which one container's ports get their host ports. */
    order(publish: readonly PublishSpec[], isOfTask?: boolean): PublishSpec[];
    /** The bindings of one container, in the order in which they are made; those of a group get one number. */
    group(wanted: readonly WantedBinding[]): WantedBinding[][];
    /** The order in which the exposed ports of a linked container are opened. */
    linked(exposed: readonly ExposedPort[], published: readonly PublishSpec[]): ExposedPort[];
    /** Why `ip` cannot be given when `other` holds the same port; `undefined` if both fit. */
    clash(ip: string, other: string, port: number): string | undefined;
    /** What the daemon says when the kernel refuses to bind. */
    bindFailure(binding: { readonly protocol: string; readonly ip: string; readonly port: number }, why: string, userlandProxy: boolean): string;
    /** Whether the range of ephemeral ports is looked up when the daemon starts; if not, with the first port that needs one. */
    readonly readsRangeAtStart: boolean;
    /** Whether each family's ports go with its own default route, and those that are not translated with every bridge. */
    readonly perFamily: boolean;
    /** Whether another number of a range is tried when the kernel refuses one. */
    readonly retriesRanges: boolean;
    /** Whether `NetworkSettings.Ports` lists exposed ports on internal bridges too. */
    readonly showsInternal: boolean;
    /** Whether `NetworkSettings` keeps what it showed: ports when no endpoint can publish any more, the sandbox when it is gone. */
    readonly remembersShown: boolean;
    wrap(container: string, endpointId: string, reason: string): string;
  };
  readonly conntrack: {
    /** Whether tracked connections go when an endpoint is told its part in the default route, those to published UDP ports with them; if not, when its part is over. */
    readonly clearsWhenProgrammed: boolean;
  };
  readonly dns: {
    readonly onFailure: "silence" | "servfail";
    readonly triesNextOnNxdomain: boolean;
    /** Whether the servers of the host's own resolv.conf are asked from the host's namespace; if not, only those at loopback addresses. */
    readonly asksFromHost: boolean;
    /** Whether servers with IPv6 addresses are asked. */
    readonly asksIpv6: boolean;
    /** Whether servers of the host's file at loopback addresses are asked from the container where it has a search list or options of its own. */
    readonly losesLoopback: boolean;
    /** Whether the resolver does not ask itself. */
    readonly leavesItselfOut: boolean;
    /** Asked where the host's resolv.conf names no server. */
    readonly fallback: readonly string[];
    /** Whether a sandbox without a way out forwards to the servers of its host. */
    readonly forwardsWithoutExit: boolean;
    /** Whether AAAA of a name with only IPv4 addresses is forwarded on networks with IPv6. */
    readonly forwardsOtherFamily: boolean;
  };
  readonly messages: GenerationMessages;
}

/** What a static address depends on. */
export interface AddressableNetwork {
  readonly isPredefined: boolean;
  /** Whether a subnet of the family was given by hand. */
  hasGivenSubnet(family: 4 | 6): boolean;
  /** Whether a subnet of the network has the address. */
  contains(address: string): boolean;
}

/** Wordings that changed. */
export interface GenerationMessages {
  poolsExhausted(family: 4 | 6): string;
  readonly poolOverlaps: string;
  /** An address that was asked for is taken; `isFull`: nothing is free in its subnet. */
  addressTaken(isFull: boolean): string;
  readonly aliasNeedsUserNetwork: string;
  readonly joinsHostNetwork: string;
  readonly leavesHostNetwork: string;
  addressOutsideSubnets(address: string): string;
  readonly emptyNetworkName: { readonly status: RefusalStatus; readonly daemon: string };
  /** Of a network that has members, each as `name:"web" id:"0123456789ab"`. */
  networkInUse(name: string, id: string, members: readonly string[], chance: Chance): string;
  readonly configWithTemplate: string;
  readonly deviceNameTooLong: string;
  readonly badContainerMode: string;
  noContainerToJoin(name: string): string;
  /** `docker create` with legacy links, where it warns of them. */
  readonly linksWarning: string | undefined;
  notRunning(name: string, id: string, status: string): string;
  readonly joinsItself: string;
  readonly invalidSignal: string;
  /** `docker rm` of a container that runs. */
  stillRuns(container: { readonly id: string; readonly name: string }, isPaused: boolean): string;
  predefined(name: string): string;
  /** Of a VLAN interface that is to be made on one that is not there. */
  noParent(name: string): string;
  /** What comes before the reason for which a starting container could not join its networks. */
  /** What the OCI runtime could not do. */
  runcFailure(what: string): string;
  /** What could not be done with the interface of a container. */
  interfaceFailure(what: string): string;
  readonly startFailure: string;
}

/** What decides which endpoint gives the default route. */
export interface GatewayCandidate {
  readonly network: string;
  readonly internal: boolean;
  readonly gwPriority: number;
  readonly hasGateway4: boolean;
  readonly hasGateway6: boolean;
  /** The way out through docker_gwbridge, behind all others. */
  readonly isLastResort?: boolean;
}

/** libnetwork sandbox.go: Less. */
export function compareLastResort(a: GatewayCandidate, b: GatewayCandidate): number {
  return Number(a.isLastResort === true) - Number(b.isLastResort === true);
}

/** Byte order of names: those are ASCII in practice, so that UTF-16 order is byte order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
