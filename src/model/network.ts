import { type Cidr, cidrContains, formatCidr } from "../net/cidr";
import { formatIp, parseIp } from "../net/ip";
import { addressOf } from "./block";
import type { BridgeOptions } from "./drivers/bridge";
import type { ParentOptions } from "./drivers/parent";
import type { Endpoint } from "./endpoint";
import type { AddressableNetwork } from "./generation";
import type { AddressBlock } from "./network-addresses";
import type { NetworkSpec } from "./spec";
import type { OverlaySetup } from "./swarm/overlay";
import type { BridgeState, IpamConfigState, IpamState, NetworkBaseState, NetworkState, Subnet6State, SubnetState } from "./state";

export type DriverName = "bridge" | "macvlan" | "ipvlan" | "host" | "null" | "overlay";

/** The bridge under a network. */
export interface BridgeSetup {
  readonly options: BridgeOptions;
  readonly device: string;
  readonly displayName: string;
  readonly mac: number;
  /** Whether it was made for this network, and goes with it. */
  readonly created: boolean;
}

/** What a network is made of. */
export interface NetworkParts {
  readonly id: string;
  readonly host: string;
  readonly driver: DriverName;
  /** With what its template says. */
  readonly spec: NetworkSpec;
  readonly isDefault: boolean;
  readonly blocks: readonly AddressBlock[];
  readonly bridge?: BridgeSetup;
  readonly parent?: ParentOptions;
  /** Of a network of a swarm. */
  readonly overlay?: OverlaySetup;
  /** Made by the daemon for itself. */
  readonly isOwn?: boolean;
  /** The template that it depends on. */
  readonly config?: Network;
  readonly showsGateways: boolean;
  /** Whether it shows its subnets as they are in use instead of as they were written. */
  readonly showsUsed?: boolean;
}

/** A network as the daemon keeps it, and the endpoints on it. */
export class Network implements AddressableNetwork {
  readonly parts: NetworkParts;
  /** By container ID, in the order in which they joined. */
  readonly endpoints = new Map<string, Endpoint>();
  /** Networks that were made from it. */
  configUsers = 0;
  /** Whether `docker network inspect` shows gateways that nobody named. */
  #showsGateways: boolean;

  constructor(parts: NetworkParts) {
    this.parts = parts;
    this.#showsGateways = parts.showsGateways;
  }

  /** The driver has forgotten it: another network has its device, which has this address by now. */
  taken: (() => Cidr | undefined) | undefined;

  /** The daemon has read the network back from its store: from now on every gateway shows. */
  showGateways(): void {
    this.#showsGateways = true;
  }

  get id(): string {
    return this.parts.id;
  }

  get name(): string {
    return this.parts.spec.name;
  }

  get driver(): DriverName {
    return this.parts.driver;
  }

  /** It can go, as nobody is on it. */
  get isUnused(): boolean {
    return !this.isPredefined && !this.configOnly && this.endpoints.size === 0;
  }

  get isDefault(): boolean {
    return this.parts.isDefault;
  }

  get isPredefined(): boolean {
    return PREDEFINED.has(this.name);
  }

  get internal(): boolean {
    return this.parts.parent?.internal ?? this.parts.spec.internal;
  }

  get configOnly(): boolean {
    return this.parts.spec.configOnly === true;
  }

  get hasIpv6(): boolean {
    return this.parts.spec.ipv6 === true;
  }

  get interfacePrefix(): string {
    return this.parts.bridge?.options.interfacePrefix ?? "eth";
  }

  get mtu(): number {
    return this.parts.bridge?.options.mtu ?? this.parts.parent?.mtu ?? this.parts.overlay?.mtu ?? 0;
  }

  blocksOf(family: 4 | 6): AddressBlock[] {
    return this.parts.blocks.filter((block) => block.family === family);
  }

  hasGivenSubnet(family: 4 | 6): boolean {
    return this.parts.spec.ipam.some(({ subnet }) => subnet !== undefined && subnet.includes(":") === (family === 6));
  }

  contains(address: string): boolean {
    return this.parts.blocks.some(({ subnet }) => cidrContains(subnet, parseIp(address, "address")));
  }

  state(): NetworkState {
    const base = this.#base();
    const { bridge, parent, isDefault } = this.parts;
    if (bridge) {
      const [v4] = this.blocksOf(4);
      const [v6] = this.blocksOf(6);
      const { device, displayName, mac, options } = bridge;
      return {
        ...base,
        driver: "bridge",
        isDefault,
        subnet: v4 ? subnetOf(v4) : { network: 0, prefixLength: 0 },
        gateway: Number(v4?.gateway ?? 0n),
        defaultGateway: v4 && this.#defaultGateway(v4) !== undefined ? Number(this.#defaultGateway(v4)) : undefined,
        subnet6: v6 && subnet6Of(v6),
        gateway6: v6?.gateway,
        defaultGateway6: v6 && this.#defaultGateway(v6),
        bridge: { ...bridgeState(options, { device, displayName, mac }), ...(this.taken && { taken: this.taken() }) },
        mtu: options.mtu,
      };
    }
    if (parent) {
      const { mode, flag, mtu } = parent;
      const driver = this.driver === "ipvlan" ? "ipvlan" : "macvlan";
      return { ...base, driver, subnets: this.blocksOf(4).map(subnetOf), subnets6: this.blocksOf(6).map(subnet6Of), parent: parent.parent, mode, flag, mtu };
    }
    const { overlay } = this.parts;
    if (overlay) return { ...base, ...overlayState(overlay) };
    return { ...base, driver: this.driver === "host" ? "host" : "null" };
  }

  /** Where containers send what is not for the subnet, whether or not an internal network gives them that route. */
  #defaultGateway(block: AddressBlock): bigint | undefined {
    return block.auxGateway ?? block.gateway;
  }

  #base(): NetworkBaseState {
    const { spec, id, host, config } = this.parts;
    return {
      id,
      name: spec.name,
      host,
      scope: this.parts.overlay ? "swarm" : "local",
      internal: this.internal,
      attachable: spec.attachable === true,
      ingress: spec.ingress === true,
      configOnly: this.configOnly,
      configFrom: config?.name ?? "",
      enableIpv4: spec.ipv4 !== false,
      enableIpv6: this.hasIpv6,
      ipam: this.#ipam(),
      options: spec.options,
      labels: spec.labels ?? {},
    };
  }

  #ipam(): IpamState {
    const { spec } = this.parts;
    if (this.driver === "host" || (this.driver === "null" && !this.configOnly)) return { driver: "default", options: null, config: [] };
    const config = this.parts.showsUsed === true ? this.#usedConfig() : ([4, 6] as const).flatMap((family) => this.#configOf(family));
    return { driver: spec.ipamDriver ?? "default", options: this.isDefault || this.parts.isOwn || this.parts.overlay ? null : (spec.ipamOptions ?? {}), config };
  }

  /** moby daemon/network.go: buildIPAMResources. */
  #usedConfig(): IpamConfigState[] {
    if (this.configOnly) return [];
    const families = ([4, 6] as const).filter((family) => this.blocksOf(family).length > 0);
    return [...families.filter((family) => this.hasGivenSubnet(family)), ...families.filter((family) => !this.hasGivenSubnet(family))].flatMap((family) => this.#configOf(family));
  }

  #configOf(family: 4 | 6): IpamConfigState[] {
    const given = this.parts.spec.ipam.filter(({ subnet }) => subnet !== undefined && subnet.includes(":") === (family === 6));
    const blocks = this.blocksOf(family);
    if (given.length === 0) return blocks.map((block) => configOf(block));
    return given.map((ipam, index) => {
      const gateway = ipam.gateway ?? (this.#showsGateways ? gatewayText(blocks[index]) : undefined);
      const isDynamic = blocks[index] !== undefined && !blocks[index].given;
      const subnet = isDynamic ? formatCidr(blocks[index]!.subnet) : ipam.subnet!;
      return {
        subnet,
        ...(ipam.ipRange !== undefined && { ipRange: ipam.ipRange }),
        ...(gateway !== undefined && { gateway }),
        ...(Object.keys(ipam.auxAddresses).length > 0 && { auxAddresses: ipam.auxAddresses }),
      };
    });
  }
}

/** Names that no network of a user may have. */
export const PREDEFINED: ReadonlySet<string> = new Set(["bridge", "host", "none", "default"]);

function configOf(block: AddressBlock): IpamConfigState {
  const gateway = gatewayText(block);
  return { subnet: formatCidr(block.subnet), ...(gateway !== undefined && { gateway }) };
}

function gatewayText(block: AddressBlock | undefined): string | undefined {
  return block?.gateway === undefined ? undefined : formatIp(addressOf(block.family, block.gateway));
}

function bridgeState({ isDefaultBridge: _, ...options }: BridgeOptions, own: Pick<BridgeState, "device" | "displayName" | "mac">): BridgeState {
  return { ...options, ...own };
}

function overlayState({ subnets, mtu, port, encrypted, peers }: OverlaySetup) {
  return {
    driver: "overlay" as const,
    shownDriver: "overlay",
    isAllotted: true,
    isLocal: true,
    subnets: subnets.map(({ subnet, gateway, vni }) => ({ network: Number(subnet.network), prefixLength: subnet.prefixLength, gateway: Number(gateway), vni })),
    mtu,
    port,
    encrypted,
    peers: peers(),
  };
}

function subnetOf({ subnet }: AddressBlock): SubnetState {
  return { network: Number(subnet.network), prefixLength: subnet.prefixLength };
}

function subnet6Of({ subnet }: AddressBlock): Subnet6State {
  return { network: BigInt(subnet.network), prefixLength: subnet.prefixLength };
}

