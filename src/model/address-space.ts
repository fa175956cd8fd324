/**
 * Subnets of one daemon. Key: the block; value: taken or free; capacity: the default pools for dynamic choice, the whole of
 * the family for blocks given by hand; nothing is evicted.
 */
import { type Cidr, cidrsOverlap, formatCidr, parseCidr } from "../net/cidr";
import { blockAt, firstOf, lastOf, sizeOf } from "./block";
import type { AddressPoolFlag } from "./flags";

/** Default subnets of one size, cut out of a larger block. */
export interface DefaultPool {
  readonly base: Cidr;
  readonly size: number;
}

/** Which default subnet comes next; the generations differ in it alone. */
export interface SubnetChoice {
  /**
   * @param isFree whether nothing of ours overlaps it.
   * @param isUsable whether the host has no use of its own for it.
   */
  next(pools: readonly DefaultPool[], family: 4 | 6, isFree: (subnet: Cidr) => boolean, isUsable: (subnet: Cidr) => boolean): Cidr | undefined;
}

export class AddressSpace {
  #choice: SubnetChoice;
  readonly #pools: readonly DefaultPool[];
  /** Blocks may overlap: those with an ip-range are not compared (moby#46756). */
  readonly #taken: Taken[] = [];

  constructor(choice: SubnetChoice, pools: readonly DefaultPool[] = DEFAULT_POOLS) {
    this.#choice = choice;
    this.#pools = pools;
  }

  /** The daemon has started again: what is taken stays so, the search begins anew. */
  restart(choice: SubnetChoice): void {
    this.#choice = choice;
  }

  /** Takes a default subnet; `undefined` when none is free. `isUsable`: what the host leaves. */
  takeDefault(family: 4 | 6 = 4, isUsable: (subnet: Cidr) => boolean = () => true): Cidr | undefined {
    return this.#keep(this.#choice.next(this.#pools, family, (subnet) => this.isFree(subnet), isUsable));
  }

  /** The first default subnet that is free, without taking it or moving the search: how 20.10 numbers docker0. */
  findFirstDefault(isUsable: (subnet: Cidr) => boolean = () => true): Cidr | undefined {
    return inOrder(this.#pools, 4, (subnet) => this.isFree(subnet), isUsable);
  }

  /** Takes the lowest free block of that size out of the default pools: `--subnet 0.0.0.0/24` of Docker 29. */
  takeSized(family: 4 | 6, prefixLength: number, isUsable: (subnet: Cidr) => boolean = () => true): Cidr | undefined {
    const pools = this.#pools.flatMap(({ base }) => (base.prefixLength <= prefixLength ? [{ base, size: prefixLength }] : []));
    return this.#keep(firstFit().next(pools, family, (subnet) => this.isFree(subnet), isUsable));
  }

  /**
   * Takes a block given by hand; false if it overlaps a taken one. A block with a range may: several of them share the addresses of
   * one subnet; only the same range twice is refused.
   */
  claim(subnet: Cidr, range?: Cidr): boolean {
    const isTaken = range ? this.#taken.some((taken) => isSame(taken.subnet, subnet) && taken.range && isSame(taken.range, range)) : !this.isFree(subnet);
    if (isTaken) return false;
    this.#taken.push({ subnet, range, addresses: this.takenAddresses(subnet) ?? new Set() });
    return true;
  }

  release(subnet: Cidr, range?: Cidr): void {
    const index = this.#taken.findIndex((taken) => isSame(taken.subnet, subnet) && (range === undefined || (taken.range && isSame(taken.range, range))));
    if (index >= 0) this.#taken.splice(index, 1);
  }

  isFree(subnet: Cidr): boolean {
    return !this.#taken.some((taken) => cidrsOverlap(taken.subnet, subnet));
  }

  /** The addresses that are in use in a taken subnet, by all who share it. */
  takenAddresses(subnet: Cidr): Set<bigint> | undefined {
    return this.#taken.find((taken) => isSame(taken.subnet, subnet))?.addresses;
  }

  #keep(subnet: Cidr | undefined): Cidr | undefined {
    if (subnet) this.#taken.push({ subnet, range: undefined, addresses: new Set() });
    return subnet;
  }
}

interface Taken {
  readonly subnet: Cidr;
  readonly range: Cidr | undefined;
  readonly addresses: Set<bigint>;
}

function isSame(a: Cidr, b: Cidr): boolean {
  return formatCidr(a) === formatCidr(b);
}

/** 172.17.0.0/16 to 172.31.0.0/16, then the sixteen /20 of 192.168.0.0/16 (moby daemon/libnetwork/ipamutils/utils.go). */
export const DEFAULT_POOLS: readonly DefaultPool[] = [
  ...["172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16", "172.20.0.0/14", "172.24.0.0/14", "172.28.0.0/14"].map((base) => poolOf(base, 16)),
  poolOf("192.168.0.0/16", 20),
];

/** `--default-address-pool` replaces the default pools. */
export function poolsOfFlags(flags: readonly AddressPoolFlag[]): DefaultPool[] {
  return flags.map(({ base, size }) => poolOf(base, size));
}

function poolOf(base: string, size: number): DefaultPool {
  return { base: parseCidr(base, "base"), size };
}

/** Every subnet of the pools, in order, from the one with the number `start`. */
function* subnetsOf(pools: readonly DefaultPool[], start = 0n): Generator<{ readonly subnet: Cidr; readonly index: bigint }> {
  let before = 0n;
  for (const { base, size } of pools) {
    const step = sizeOf(blockAt(base.family, 0n, size));
    const count = sizeOf(base) / step;
    for (let at = start > before ? start - before : 0n; at < count; at++) {
      yield { subnet: blockAt(base.family, firstOf(base) + at * step, size), index: before + at };
    }
    before += count;
  }
}

function countOf(pools: readonly DefaultPool[]): bigint {
  return pools.reduce((sum, { base, size }) => sum + sizeOf(base) / sizeOf(blockAt(base.family, 0n, size)), 0n);
}

/**
 * The lowest free one, of pools in the order of their addresses; of pools that overlap the shorter prefix holds
 * (moby daemon/libnetwork/ipams/defaultipam/address_space.go).
 */
export function firstFit(): SubnetChoice {
  return {
    next: (pools, family, isFree, isUsable) => {
      const sorted = pools.filter(({ base }) => base.family === family).sort((a, b) => compareBigints(firstOf(a.base), firstOf(b.base)) || a.base.prefixLength - b.base.prefixLength);
      let end = -1n;
      const apart = sorted.filter(({ base }) => {
        const isApart = firstOf(base) > end;
        if (isApart) end = lastOf(base);
        return isApart;
      });
      return inOrder(apart, family, isFree, isUsable);
    },
  };
}

const inOrder: SubnetChoice["next"] = (pools, family, isFree, isUsable) => {
  for (const { subnet } of subnetsOf(pools)) if (subnet.family === family && isFree(subnet) && isUsable(subnet)) return subnet;
  return undefined;
};

/**
 * Goes on after the one handed out last and wraps, so that a released subnet is not the next one used. What the host uses itself is
 * passed over; both families have one list (libnetwork ipam/allocator.go).
 */
export function nextFit(): SubnetChoice {
  let start = 0n;
  return {
    next: (pools, family, isFree, isUsable) => {
      const count = countOf(pools);
      for (const from of [start, 0n]) {
        for (const { subnet, index } of subnetsOf(pools, from)) {
          if (subnet.family !== family || !isFree(subnet) || !isUsable(subnet)) continue;
          start = index + 1n === count ? 0n : index + 1n;
          return subnet;
        }
      }
      return undefined;
    },
  };
}

function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
