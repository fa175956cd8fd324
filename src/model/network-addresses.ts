import { type Cidr, cidrContains, formatCidr } from "../net/cidr";
import { formatIp, parseIp } from "../net/ip";
import type { AddressSpace } from "./address-space";
import { addressOf, blockAt, firstOf, sizeOf, valueOf } from "./block";
import type { GenerationRules } from "./generation";
import type { Host } from "./host";
import { AddressPool } from "./ipam";
import { contains, type IpamBlock, type NetworkDraft } from "./ipam-config";
import { refuse, type RefusalStatus } from "./refusal";

/** One subnet of a network. */
export interface AddressBlock {
  readonly family: 4 | 6;
  readonly subnet: Cidr;
  readonly pool: Pick<AddressPool, "subnet" | "take" | "claim" | "release" | "isFull">;
  /** Whether the subnet was given by hand. */
  readonly given: boolean;
  readonly range: Cidr | undefined;
  /** Kept back for the network: a bridge's own address. None where nobody needs one. */
  readonly gateway: bigint | undefined;
  readonly gatewayGiven: boolean;
  /** The auxiliary address that is meant as the containers' default route. */
  readonly auxGateway: bigint | undefined;
}

/** What subnets are taken from. */
export interface AddressSource {
  readonly space: AddressSpace;
  readonly host: Host;
  readonly rules: GenerationRules;
}

export interface AllocateOptions {
  /** Whether a gateway is kept back if none was given. */
  readonly wantsGateway: boolean;
}

/**
 * Takes subnets, gateways and auxiliary addresses for one network: IPv4, then IPv6 if it has it. All or nothing, but for a search
 * that moved on.
 */
export function allocateBlocks(draft: NetworkDraft, source: AddressSource, options: AllocateOptions): AddressBlock[] {
  const taken: AddressBlock[] = [];
  const release = () => releaseBlocks(taken, source.space);
  try {
    for (const family of familiesOf(draft)) {
      const configured = draft.blocks.filter((block) => block.family === family);
      const wanted: readonly (IpamBlock | undefined)[] = configured.length > 0 ? configured : [undefined];
      for (const block of wanted) taken.push(new BlockAllocation(draft, block, family, source).allocate(options));
    }
    return taken;
  } catch (error) {
    release();
    throw error;
  }
}

export function releaseBlocks(blocks: readonly AddressBlock[], space: AddressSpace): void {
  for (const { subnet, range } of blocks) space.release(subnet, range);
}

function familiesOf({ spec }: NetworkDraft): (4 | 6)[] {
  return [...(spec.ipv4 === false ? [] : [4 as const]), ...(spec.ipv6 === true ? [6 as const] : [])];
}

/**
 * An ip-range as the bitmap of its subnet has it: of a range outside of the subnet the host bits alone are left (libnetwork ipam
 * allocator.go: getAddressRange).
 */
function withinSubnet(range: Cidr, subnet: Cidr): Cidr {
  const offset = BigInt(range.network) % sizeOf(subnet);
  return blockAt(subnet.family, firstOf(subnet) + offset, Math.max(range.prefixLength, subnet.prefixLength));
}

class BlockAllocation {
  readonly #draft: NetworkDraft;
  readonly #block: IpamBlock | undefined;
  readonly #family: 4 | 6;
  readonly #source: AddressSource;

  constructor(draft: NetworkDraft, block: IpamBlock | undefined, family: 4 | 6, source: AddressSource) {
    this.#draft = draft;
    this.#block = block;
    this.#family = family;
    this.#source = source;
  }

  allocate({ wantsGateway }: AllocateOptions): AddressBlock {
    const { rules, space } = this.#source;
    const block = this.#block;
    const given = this.#isGiven();
    const subnet = given ? this.#claim(block!.subnet!) : this.#choose();
    const range = block?.range && withinSubnet(block.range, subnet);
    try {
      const reservesEdges = this.#family === 6 || rules.subnets.reservesEdges(subnet.prefixLength);
      const pool = new AddressPool(subnet, range, { reservesEdges, shared: space.takenAddresses(subnet) });
      const gateway = block?.gateway !== undefined || wantsGateway ? this.#takeGateway(pool) : undefined;
      const auxGateway = this.#takeAuxAddresses(pool);
      return { family: this.#family, subnet, pool, given, range, gateway, gatewayGiven: block?.gateway !== undefined, auxGateway };
    } catch (error) {
      space.release(subnet, range);
      throw error;
    }
  }

  /** 29 reads `0.0.0.0/24` as a wish for any subnet of that size, and `0.0.0.0/0` as one for any. */
  #isGiven(): boolean {
    const subnet = this.#block?.subnet;
    return subnet !== undefined && !(this.#source.rules.subnets.unspecifiedIsDynamic && BigInt(subnet.network) === 0n);
  }

  #claim(given: Cidr): Cidr {
    const { space, rules } = this.#source;
    const subnet = blockAt(this.#family, BigInt(given.network), given.prefixLength);
    if (!space.claim(subnet, this.#block?.range && withinSubnet(this.#block.range, subnet))) this.#refuse(403, rules.messages.poolOverlaps);
    return subnet;
  }

  #choose(): Cidr {
    const { space, host, rules } = this.#source;
    const isUsable = (subnet: Cidr) => !host.isReserved(subnet);
    const length = this.#block?.subnet?.prefixLength ?? 0;
    const chosen = length === 0 ? space.takeDefault(this.#family, isUsable) : space.takeSized(this.#family, length, isUsable);
    return chosen ?? this.#refuse(rules.subnets.exhaustedStatus, rules.messages.poolsExhausted(this.#family));
  }

  #takeGateway(pool: AddressPool): bigint {
    const given = this.#block?.gateway;
    if (given === undefined) return pool.take() ?? this.#refuse(500, "failed to allocate gateway (): No available addresses on this pool");
    if (!contains(pool.subnet, given)) return this.#refuse(500, `failed to allocate gateway (${given}): Requested address is out of range`);
    const value = valueOf(parseIp(given, "gateway"));
    if (!pool.claim(value)) this.#refuse(500, `failed to allocate gateway (${given}): ${this.#source.rules.messages.addressTaken(pool.isFull)}`);
    return value;
  }

  /** Keeps the auxiliary addresses back; returns the one that is meant as default gateway (libnetwork netlabel). */
  #takeAuxAddresses(pool: AddressPool): bigint | undefined {
    let gateway: bigint | undefined;
    for (const [name, text] of this.#block?.auxAddresses ?? []) {
      const address = parseIp(text, "aux-address");
      if (!cidrContains(pool.subnet, address)) {
        this.#refuse(403, `auxiliary address: (${name}:${text}) must belong to the master pool: ${formatCidr(pool.subnet)}`);
      }
      if (!pool.claim(valueOf(address))) {
        this.#refuse(500, `failed to allocate secondary ip address (${name}:${formatIp(addressOf(this.#family, valueOf(address)))}): ${this.#source.rules.messages.addressTaken(pool.isFull)}`);
      }
      if (name === `DefaultGatewayIPv${this.#family}`) gateway = valueOf(address);
    }
    return gateway;
  }

  #refuse(status: RefusalStatus, daemon: string): never {
    const { spec, subject } = this.#draft;
    return refuse(status, subject, daemon, this.#block?.spec.position ?? spec.position);
  }
}
