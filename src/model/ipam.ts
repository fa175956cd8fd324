/**
 * Addresses of one IPv4 subnet. Key: the address; value: taken or free; capacity: the subnet, or its ip-range for dynamic
 * choice; nothing is evicted. Lowest free first, and a released address is the next one used
 * (moby daemon/libnetwork/ipams/defaultipam, libnetwork ipam: both generations alike for local networks).
 */
import { type Ipv4Cidr, ipv4Mask } from "../net/cidr";

export class AddressPool {
  readonly subnet: Ipv4Cidr;
  readonly #first: number;
  readonly #last: number;
  readonly #taken = new Set<number>();
  /** No address of the range below this one is free. */
  #lowest: number;

  /** `reservesEdges`: the network and the broadcast address are never handed out. */
  constructor(subnet: Ipv4Cidr, range: Ipv4Cidr | undefined, options: { readonly reservesEdges: boolean }) {
    this.subnet = subnet;
    const within = range ?? subnet;
    this.#first = within.network;
    this.#last = lastAddress(within);
    this.#lowest = this.#first;
    if (options.reservesEdges) {
      this.#taken.add(subnet.network);
      this.#taken.add(lastAddress(subnet));
    }
  }

  /** Takes the lowest free address of the range; `undefined` when it is used up. */
  take(): number | undefined {
    for (let ip = this.#lowest; ip <= this.#last; ip++) {
      if (this.#taken.has(ip)) continue;
      this.#taken.add(ip);
      this.#lowest = ip + 1;
      return ip;
    }
    this.#lowest = this.#last + 1;
    return undefined;
  }

  /** Takes one address; false if it is taken or reserved. The address must lie in the subnet. */
  claim(ip: number): boolean {
    if (this.#taken.has(ip)) return false;
    this.#taken.add(ip);
    return true;
  }

  release(ip: number): void {
    this.#taken.delete(ip);
    if (ip >= this.#first && ip < this.#lowest) this.#lowest = ip;
  }
}

/** The highest address of a block: its broadcast address if it has one. */
export function lastAddress(block: Ipv4Cidr): number {
  return (block.network | ~ipv4Mask(block.prefixLength)) >>> 0;
}
