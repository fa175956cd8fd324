import { type Ipv4Cidr, formatCidr } from "../net/cidr";
import { formatIpv4, isIpv4, parseIpv4 } from "../net/ip";
import type { AddressSpace } from "./address-space";
import { OPTION_BRIDGE_NAME, OPTION_MTU, readBridgeOptions, type BridgeOptions } from "./drivers/bridge";
import type { GenerationRules } from "./generation";
import type { Identity } from "./identity";
import { AddressPool } from "./ipam";
import { contains, type IpamBlock, ipOf, type NetworkDraft, readIpam } from "./ipam-config";
import { refuse, unsupported } from "./refusal";
import type { EndpointSpec, LinkSpec, NetworkSpec } from "./spec";
import type { BridgeNetworkState } from "./state";

/** What networks are made from; one per daemon. */
export interface NetworkContext {
  readonly host: string;
  readonly rules: GenerationRules;
  readonly identity: Identity;
  readonly space: AddressSpace;
}

/** Drivers that Docker has and that are not simulated yet. */
const OTHER_DRIVERS = new Set(["overlay", "macvlan", "ipvlan"]);

/** A bridge network: its addresses, its bridge, and which endpoints it has. */
export class Network {
  readonly spec: NetworkSpec;
  readonly id: string;
  readonly isDefault: boolean;
  readonly options: BridgeOptions;
  readonly device: string;
  readonly displayName: string;
  readonly mac: number;
  readonly subnet: Ipv4Cidr;
  /** Address of the bridge. */
  readonly gateway: number;
  /** Default route of the containers: the bridge, or the auxiliary address `DefaultGatewayIPv4`. None on internal networks, where the generation has it so. */
  readonly defaultGateway: number | undefined;
  /** Container names, in the order in which they joined. */
  readonly members = new Set<string>();
  readonly #context: NetworkContext;
  readonly #pool: AddressPool;
  /** Whether the subnet was given by hand. */
  readonly #subnetGiven: boolean;

  /**
   * Does what `docker network create` does.
   *
   * @throws SimulationError in the daemon's words; nothing stays taken then, but 20.10's search for subnets has moved on.
   */
  constructor(spec: NetworkSpec, context: NetworkContext, options: { readonly isDefault: boolean }) {
    checkDriver(spec);
    const draft = readIpam(spec);
    context.rules.checkIpam(draft);
    const block = draft.blocks[0];
    this.spec = spec;
    this.#context = context;
    this.isDefault = options.isDefault;
    this.id = context.identity.id("network", context.host, spec.name);
    this.#subnetGiven = block?.subnet !== undefined;
    this.subnet = takeSubnet(draft, context, options.isDefault);
    try {
      if (draft.blocks.length > 1) this.#refuse("INVALID_INPUT", "bridge driver doesn't support multiple subnets");
      this.#pool = new AddressPool(this.subnet, block?.range, { reservesEdges: context.rules.subnets.reservesEdges(this.subnet.prefixLength) });
      this.gateway = this.#takeGateway(block);
      const auxiliary = this.#takeAuxAddresses(block);
      this.defaultGateway = spec.internal && !context.rules.sandbox.internalHasGateway ? undefined : (auxiliary ?? this.gateway);
      this.options = readBridgeOptions(spec);
    } catch (error) {
      context.space.release(this.subnet);
      throw error;
    }
    this.device = this.options.device ?? `br-${this.id.slice(0, 12)}`;
    this.displayName = this.options.device ?? `br-${spec.name}`;
    this.mac = context.rules.bridgeMac(context.identity, `bridge ${context.host} ${spec.name}`);
  }

  get name(): string {
    return this.spec.name;
  }

  get link(): LinkSpec | undefined {
    return this.spec.link;
  }

  /**
   * Takes an address for an endpoint: the one asked for, or the lowest free one.
   *
   * @throws SimulationError in the daemon's words.
   */
  takeAddress(container: string, endpoint: EndpointSpec): number {
    const { rules } = this.#context;
    const subject = `container ${container} on network ${this.name}`;
    const asked = endpoint.ipv4;
    if (asked === undefined) {
      const full = `no available IPv4 addresses on this network's address pools: ${this.name} (${this.id})`;
      return this.#pool.take() ?? refuse("CONFLICT", subject, full, endpoint.position);
    }
    if (!isIpv4(asked)) refuse("INVALID_INPUT", subject, `invalid IPv4 address: ${asked}`, endpoint.position);
    if (this.isDefault) refuse("INVALID_INPUT", subject, rules.messages.addressNeedsUserNetwork, endpoint.position);
    if (rules.endpoints.staticNeedsGivenSubnet && !this.#subnetGiven) {
      const daemon = "user specified IP address is supported only when connecting to networks with user configured subnets";
      refuse("INVALID_INPUT", subject, daemon, endpoint.position);
    }
    if (!contains(this.subnet, asked)) refuse("INVALID_INPUT", subject, rules.messages.addressOutsideSubnets(asked), endpoint.position);
    const ip = parseIpv4(asked, "ipv4");
    if (!this.#pool.claim(ip)) refuse("CONFLICT", subject, "Address already in use", endpoint.position);
    return ip;
  }

  releaseAddress(ip: number): void {
    this.#pool.release(ip);
  }

  /** Gives the subnet back. */
  remove(): void {
    this.#context.space.release(this.subnet);
  }

  state(): BridgeNetworkState {
    return {
      id: this.id,
      name: this.name,
      host: this.#context.host,
      driver: "bridge",
      internal: this.spec.internal,
      isDefault: this.isDefault,
      subnet: { network: this.subnet.network, prefixLength: this.subnet.prefixLength },
      gateway: this.gateway,
      defaultGateway: this.defaultGateway,
      bridge: {
        device: this.device,
        displayName: this.displayName,
        mac: this.mac,
        icc: true,
        masquerade: true,
        hostIpv4: undefined,
        hostIpv6: undefined,
        hostBinding: this.options.hostBinding,
        gatewayMode4: "nat",
        gatewayMode6: "nat",
        trustedInterfaces: [],
        inhibitIpv4: false,
      },
      scope: "local",
      attachable: false,
      ingress: false,
      configOnly: false,
      configFrom: "",
      enableIpv4: true,
      enableIpv6: false,
      ipam: { driver: "default", options: {}, config: [] },
      labels: {},
      subnet6: undefined,
      gateway6: undefined,
      defaultGateway6: undefined,
      mtu: this.options.mtu,
      options: this.spec.options,
    };
  }

  #takeGateway(block: IpamBlock | undefined): number {
    if (block?.gateway !== undefined) {
      const ip = ipOf(block.gateway);
      if (!this.#pool.claim(ip)) this.#refuse("CONFLICT", `failed to allocate gateway (${block.gateway}): Address already in use`);
      return ip;
    }
    return this.#pool.take() ?? this.#refuse("CONFLICT", "failed to allocate gateway (): No available addresses on this pool");
  }

  /** Keeps the auxiliary addresses back; returns the one that is meant as default gateway. */
  #takeAuxAddresses(block: IpamBlock | undefined): number | undefined {
    let gateway: number | undefined;
    for (const [name, address] of block?.auxAddresses ?? []) {
      if (!contains(this.subnet, address)) {
        this.#refuse("INVALID_INPUT", `auxiliary address: (${name}:${address}) must belong to the master pool: ${formatCidr(this.subnet)}`);
      }
      const ip = ipOf(address);
      if (!this.#pool.claim(ip)) {
        this.#refuse("CONFLICT", `failed to allocate secondary ip address (${name}:${formatIpv4(ip)}): Address already in use`);
      }
      // libnetwork netlabel: DefaultGatewayIPv4.
      if (name === "DefaultGatewayIPv4") gateway = ip;
    }
    return gateway;
  }

  #refuse(code: "CONFLICT" | "INVALID_INPUT", daemon: string): never {
    return refuse(code, `network ${this.name}`, daemon, this.spec.ipam[0]?.position ?? this.spec.position);
  }
}

/** The network `bridge` as the daemon makes it when it starts (moby daemon/daemon_unix.go: initBridgeDriver). */
export function defaultBridgeSpec(): NetworkSpec {
  const options = { [OPTION_BRIDGE_NAME]: "docker0", [OPTION_MTU]: "1500" };
  return { name: "bridge", driver: "bridge", ipam: [], internal: false, options };
}

function checkDriver({ name, driver, position }: NetworkSpec): void {
  if (driver === "bridge" || driver === "") return;
  const subject = `network ${name}`;
  if (driver === "host" || driver === "null") refuse("CONFLICT", subject, `only one instance of "${driver}" network is allowed`, position);
  if (OTHER_DRIVERS.has(driver)) unsupported(subject, `the driver "${driver}"`, position);
  refuse("NOT_FOUND", subject, `plugin "${driver}" not found`, position);
}

function takeSubnet({ blocks, spec, subject }: NetworkDraft, { rules, space }: NetworkContext, isDefault: boolean): Ipv4Cidr {
  const given = blocks[0]?.subnet;
  if (given) {
    if (!space.claim(given)) refuse("CONFLICT", subject, rules.messages.poolOverlaps, spec.ipam[0]?.position ?? spec.position);
    return given;
  }
  const stays = isDefault && !rules.subnets.defaultBridgeMovesSearch;
  return (stays ? space.takeFirstDefault() : space.takeDefault()) ?? refuse("CONFLICT", subject, rules.messages.poolsExhausted, spec.position);
}
