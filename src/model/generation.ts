import type { SubnetChoice } from "./address-space";
import type { Identity } from "./identity";
import type { NetworkDraft } from "./ipam-config";
import type { DockerGeneration, EndpointSpec, PublishSpec } from "./spec";

/**
 * What differs between generations of Docker, as data and small functions. Everything else in `model` asks these rules
 * and never for a version.
 */
export interface GenerationRules {
  readonly name: DockerGeneration;
  readonly subnets: {
    choice(): SubnetChoice;
    /** Whether docker0 moves the search for default subnets on. */
    readonly defaultBridgeMovesSearch: boolean;
    /** Whether the network and broadcast address of a subnet of this length are kept back. */
    reservesEdges(prefixLength: number): boolean;
  };
  /** Refuses blocks, gateways and addresses that do not fit together. */
  checkIpam(network: NetworkDraft): void;
  /** MAC of an endpoint that was not given one. */
  endpointMac(identity: Identity, ip: number, name: string): number;
  bridgeMac(identity: Identity, name: string): number;
  readonly sandbox: {
    /** In which order the interfaces of a starting container are numbered. */
    orderAtStart<E extends GatewayCandidate>(endpoints: readonly E[]): E[];
    /** The number of the next interface, given those in use and how many there have been. */
    nextInterface(used: ReadonlySet<number>, everUsed: number): number;
    /** Whether an internal network still gives a default route. */
    readonly internalHasGateway: boolean;
  };
  readonly endpoints: {
    /** Refuses per-endpoint settings that came later than this generation. */
    check(endpoint: EndpointSpec, index: number): string | undefined;
    /** Whether a static address needs a subnet that was given by hand. */
    readonly staticNeedsGivenSubnet: boolean;
  };
  readonly ports: {
    /** The order in which one container's ports get their host ports. */
    compare(a: PublishSpec, b: PublishSpec): number;
    /** Why `ip` cannot be bound when `other` holds the same port; `undefined` if both fit. */
    clash(ip: string, other: string, port: number, protocol: string): string | undefined;
    wrap(container: string, endpointId: string, reason: string): string;
  };
  readonly messages: GenerationMessages;
}

/** Wordings that changed. */
export interface GenerationMessages {
  readonly poolsExhausted: string;
  readonly poolOverlaps: string;
  readonly aliasNeedsUserNetwork: string;
  readonly addressNeedsUserNetwork: string;
  readonly joinsHostNetwork: string;
  addressOutsideSubnets(address: string): string;
  networkExists(name: string): string;
  readonly emptyNetworkName: string;
  /** Of a network that has members, each as `name:"web" id:"0123456789ab"`. */
  networkInUse(name: string, id: string, members: readonly string[]): string;
  readonly badContainerMode: string;
  noContainerToJoin(name: string): string;
  notRunning(name: string, id: string): string;
  readonly joinsItself: string;
}

/** What decides which endpoint gives the default route. */
export interface GatewayCandidate {
  readonly network: string;
  readonly internal: boolean;
  readonly gwPriority: number;
}

/**
 * The order of endpoints: higher priority, then networks that are not internal, then the network's name
 * (moby daemon/libnetwork/sandbox.go: Less). Names are ASCII in practice, so that UTF-16 order is byte order.
 */
export function compareGateways(a: GatewayCandidate, b: GatewayCandidate): number {
  if (a.gwPriority !== b.gwPriority) return b.gwPriority - a.gwPriority;
  if (a.internal !== b.internal) return a.internal ? 1 : -1;
  return compareText(a.network, b.network);
}

/** Byte order of names. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
