/**
 * Subnets of one daemon. Key: the block; value: taken or free; capacity: the default pools for dynamic choice, the whole of
 * IPv4 for blocks given by hand; nothing is evicted.
 */
import { cidrsOverlap, type Ipv4Cidr, ipv4Cidr } from "../net/cidr";

/** Which default subnet comes next; the generations differ in it alone. */
export interface SubnetChoice {
  /** The index among the default subnets, or `undefined` when all are taken. */
  next(isFree: (index: number) => boolean, count: number): number | undefined;
}

export class AddressSpace {
  readonly #choice: SubnetChoice;
  readonly #defaults: readonly Ipv4Cidr[];
  readonly #taken: Ipv4Cidr[] = [];

  constructor(choice: SubnetChoice, defaults: readonly Ipv4Cidr[] = DEFAULT_SUBNETS) {
    this.#choice = choice;
    this.#defaults = defaults;
  }

  /** Takes a default subnet; `undefined` when none is free. */
  takeDefault(): Ipv4Cidr | undefined {
    const index = this.#choice.next((at) => this.#isFree(this.#defaults[at]!), this.#defaults.length);
    const subnet = index === undefined ? undefined : this.#defaults[index];
    if (subnet) this.#taken.push(subnet);
    return subnet;
  }

  /** Takes the first default subnet that is free, without moving the search: how 20.10 numbers docker0. */
  takeFirstDefault(): Ipv4Cidr | undefined {
    const subnet = this.#defaults.find((candidate) => this.#isFree(candidate));
    if (subnet) this.#taken.push(subnet);
    return subnet;
  }

  /** Takes a block given by hand; false if it overlaps a taken one. */
  claim(subnet: Ipv4Cidr): boolean {
    if (!this.#isFree(subnet)) return false;
    this.#taken.push(subnet);
    return true;
  }

  release(subnet: Ipv4Cidr): void {
    const index = this.#taken.findIndex((taken) => taken.network === subnet.network && taken.prefixLength === subnet.prefixLength);
    if (index >= 0) this.#taken.splice(index, 1);
  }

  #isFree(subnet: Ipv4Cidr): boolean {
    return !this.#taken.some((taken) => cidrsOverlap(taken, subnet));
  }
}

/** 172.17.0.0/16 to 172.31.0.0/16, then the sixteen /20 of 192.168.0.0/16 (moby daemon/libnetwork/ipamutils/utils.go). */
export const DEFAULT_SUBNETS: readonly Ipv4Cidr[] = [
  ...Array.from({ length: 15 }, (_, index) => ipv4Cidr(0xac110000 + index * 0x10000, 16)),
  ...Array.from({ length: 16 }, (_, index) => ipv4Cidr(0xc0a80000 + index * 0x1000, 20)),
];

/** The lowest free one (moby daemon/libnetwork/ipams/defaultipam/address_space.go). */
export function firstFit(): SubnetChoice {
  return {
    next: (isFree, count) => {
      for (let index = 0; index < count; index++) if (isFree(index)) return index;
      return undefined;
    },
  };
}

/** Goes on after the one handed out last and wraps, so that a released subnet is not the next one used (libnetwork ipam/allocator.go). */
export function nextFit(): SubnetChoice {
  let start = 0;
  return {
    next: (isFree, count) => {
      for (let step = 0; step < count; step++) {
        const index = (start + step) % count;
        if (!isFree(index)) continue;
        start = (index + 1) % count;
        return index;
      }
      return undefined;
    },
  };
}
