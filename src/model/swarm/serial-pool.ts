import type { Cidr } from "../../net/cidr";
import { firstOf, lastOf } from "../block";

/**
 * Addresses of one subnet as the managers of a swarm hand them out: the search goes on after the address handed out last, so that one
 * that was given back is not the next one used (libnetwork bitseq with `serial`; swarmkit networkallocator). Key: the address; capacity:
 * the subnet, or its range for dynamic choice; nothing is evicted.
 */
export class SerialPool {
  readonly subnet: Cidr;
  readonly #first: bigint;
  readonly #last: bigint;
  readonly #taken = new Set<bigint>();
  #next: bigint;

  constructor(subnet: Cidr, range: Cidr | undefined) {
    this.subnet = subnet;
    this.#first = firstOf(range ?? subnet);
    this.#last = lastOf(range ?? subnet);
    this.#next = this.#first;
    this.#taken.add(firstOf(subnet));
    this.#taken.add(lastOf(subnet));
  }

  /** Takes the next free address; `undefined` when all are taken. */
  take(): bigint | undefined {
    const size = this.#last - this.#first + 1n;
    for (let step = 0n; step < size; step++) {
      const value = this.#first + ((this.#next - this.#first + step) % size);
      if (!this.claim(value)) continue;
      this.#next = value === this.#last ? this.#first : value + 1n;
      return value;
    }
    return undefined;
  }

  /** Takes one address, which does not move the search; false if it is taken. */
  claim(value: bigint): boolean {
    if (this.#taken.has(value)) return false;
    this.#taken.add(value);
    return true;
  }

  release(value: bigint): void {
    this.#taken.delete(value);
  }
}
