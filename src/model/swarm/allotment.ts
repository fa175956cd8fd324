import { type Cidr, cidrsOverlap, parseCidr } from "../../net/cidr";
import { parseIp } from "../../net/ip";
import { blockAt, firstOf, lastOf, sizeOf, valueOf } from "../block";
import type { IpamSpec, NetworkSpec } from "../spec";
import type { ClusterSubnet } from "./objects";
import { SerialPool } from "./serial-pool";

/** `swarm init --default-addr-pool`, `--default-addr-pool-mask-length`. */
export interface SwarmPools {
  readonly pools: readonly Cidr[];
  readonly maskLength: number;
}

/** libnetwork ipamutils: globalScopeDefaultNetworks. */
export const DEFAULT_SWARM_POOLS: SwarmPools = { pools: [parseCidr("10.0.0.0/8", "pool")], maskLength: 24 };

/** libnetwork drivers/overlay/ovmanager: vxlanIDStart, vxlanIDEnd. */
const FIRST_VNI = 4096;
const LAST_VNI = (1 << 24) - 1;
const OPTION_VNI = "com.docker.network.driver.overlay.vxlanid_list";

/** The subnets and the VXLAN numbers of a swarm: one of each for every subnet of an overlay network, in rising order. */
export class Allotment {
  readonly #pools: SwarmPools;
  readonly #subnets = new Set<Cidr>();
  readonly #numbers = new Set<number>();
  #nextSubnet = 0n;
  #nextNumber = FIRST_VNI;

  constructor(pools: SwarmPools) {
    this.#pools = pools;
  }

  /** Subnets, gateways and numbers for a network; `undefined` if it cannot have what it asks for, or nothing is left. */
  allot(spec: NetworkSpec): readonly ClusterSubnet[] | undefined {
    const given = (spec.options[OPTION_VNI] ?? "").split(",").filter((text) => text !== "").map(Number);
    const wanted: readonly (IpamSpec | undefined)[] = spec.ipam.length > 0 ? spec.ipam : [undefined];
    const made: ClusterSubnet[] = [];
    for (const [index, block] of wanted.entries()) {
      const subnet = this.#allotSubnet(block, given[index]);
      if (subnet === undefined) {
        this.release(made);
        return undefined;
      }
      made.push(subnet);
    }
    return made;
  }

  release(subnets: readonly ClusterSubnet[]): void {
    for (const { subnet, vni } of subnets) {
      this.#subnets.delete(subnet);
      this.#numbers.delete(vni);
    }
  }

  #allotSubnet(block: IpamSpec | undefined, number: number | undefined): ClusterSubnet | undefined {
    const subnet = block?.subnet === undefined ? this.#chooseSubnet() : normal(block.subnet);
    if (subnet === undefined || this.#isTaken(subnet)) return undefined;
    const vni = number ?? this.#chooseNumber();
    if (vni === undefined || this.#numbers.has(vni)) return undefined;
    const range = block?.ipRange === undefined ? undefined : normal(block.ipRange);
    const pool = new SerialPool(subnet, range);
    const wanted = block?.gateway === undefined ? undefined : valueOf(parseIp(block.gateway, "gateway"));
    const gateway = wanted === undefined ? pool.take() : pool.claim(wanted) ? wanted : undefined;
    if (gateway === undefined) return undefined;
    this.#subnets.add(subnet);
    this.#numbers.add(vni);
    return { subnet, range, gateway, vni, pool };
  }

  #isTaken(subnet: Cidr): boolean {
    return [...this.#subnets].some((other) => cidrsOverlap(other, subnet));
  }

  /** The next free one after that chosen last (libnetwork ipam with `serial`). */
  #chooseSubnet(): Cidr | undefined {
    const { pools, maskLength } = this.#pools;
    const blocks = pools.map((pool) => ({ pool, count: 1n << BigInt(Math.max(0, maskLength - pool.prefixLength)) }));
    const total = blocks.reduce((sum, { count }) => sum + count, 0n);
    for (let step = 0n; step < total; step++) {
      const at = (this.#nextSubnet + step) % total;
      const subnet = nthBlock(blocks, at, maskLength);
      if (this.#isTaken(subnet)) continue;
      this.#nextSubnet = at + 1n;
      return subnet;
    }
    return undefined;
  }

  #chooseNumber(): number | undefined {
    const size = LAST_VNI - FIRST_VNI + 1;
    for (let step = 0; step < size; step++) {
      const vni = FIRST_VNI + ((this.#nextNumber - FIRST_VNI + step) % size);
      if (this.#numbers.has(vni)) continue;
      this.#nextNumber = vni + 1;
      return vni;
    }
    return undefined;
  }
}

function nthBlock(blocks: readonly { readonly pool: Cidr; readonly count: bigint }[], nth: bigint, length: number): Cidr {
  let left = nth;
  for (const { pool, count } of blocks) {
    if (left < count) {
      const block = blockAt(4, firstOf(pool), Math.max(length, pool.prefixLength));
      return blockAt(4, firstOf(pool) + left * sizeOf(block), block.prefixLength);
    }
    left -= count;
  }
  throw new RangeError(`${nth}: expected less than the number of blocks`);
}

function normal(text: string): Cidr {
  const block = parseCidr(text, "subnet");
  return blockAt(block.family, firstOf(block), block.prefixLength);
}

/** Whether an address lies in a subnet. */
export function holds(subnet: Cidr, value: bigint): boolean {
  return value >= firstOf(subnet) && value <= lastOf(subnet);
}
