/**
 * Addresses of one subnet. Key: the address; value: taken or free; capacity: the subnet, or its ip-range for dynamic
 * choice; nothing is evicted. Lowest free first, and a released address is the next one used
 * (moby daemon/libnetwork/ipams/defaultipam, libnetwork ipam: both generations alike for local networks).
 */
import type { Cidr } from "../net/cidr";
import { firstOf, lastOf, sizeOf } from "./block";

export class AddressPool {
  readonly subnet: Cidr;
  readonly #first: bigint;
  readonly #last: bigint;
  readonly #taken: Set<bigint>;

  /**
   * `reservesEdges`: the network address, and the broadcast address of IPv4, are never handed out. `shared`: what is taken already, by
   * pools that have other ranges of the same subnet.
   */
  constructor(subnet: Cidr, range: Cidr | undefined, options: { readonly reservesEdges: boolean; readonly shared?: Set<bigint> | undefined }) {
    this.subnet = subnet;
    this.#taken = options.shared ?? new Set();
    const within = range ?? subnet;
    this.#first = firstOf(within);
    this.#last = lastOf(within);
    if (!options.reservesEdges) return;
    this.#taken.add(firstOf(subnet));
    if (subnet.family === 4) this.#taken.add(lastOf(subnet));
  }

  /** Takes the lowest free address of the range; `undefined` when it is used up. */
  take(): bigint | undefined {
    for (let ip = this.#first; ip <= this.#last; ip++) if (this.claim(ip)) return ip;
    return undefined;
  }

  /** Takes one address; false if it is taken or reserved. The address must lie in the subnet. */
  claim(ip: bigint): boolean {
    if (this.#taken.has(ip)) return false;
    this.#taken.add(ip);
    return true;
  }

  /** Whether nothing is free in the whole subnet. */
  get isFull(): boolean {
    return BigInt(this.#taken.size) >= sizeOf(this.subnet);
  }

  release(ip: bigint): void {
    this.#taken.delete(ip);
  }
}
