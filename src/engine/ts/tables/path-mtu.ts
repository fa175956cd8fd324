import { PATH_MTU6_MIN, PATH_MTU_EXPIRES_NS, PATH_MTU_MAX, PATH_MTU_MIN } from "../../../../assembly/abi/limits";
import { isIpv6 } from "../memory/address-table";
import type { Namespace } from "./namespace";

/** A learned path MTU, the kernel's fib_nh_exception. */
export interface PathMtu {
  namespace: Namespace;
  destination: number;
  mtu: number;
  expires: number;
}

/**
 * What "fragmentation needed" taught. Key: (namespace, destination); value: the MTU of the path, for 600 s.
 * `PATH_MTU_MAX` entries in the whole simulation; when they are used up, the first that has expired makes room.
 */
export class PathMtuTable {
  private readonly entries: PathMtu[] = [];

  /** The learned MTU if it is smaller than the device's and has not expired, else the device's. */
  find(namespace: Namespace, destination: number, deviceMtu: number, clock: number): number {
    if (namespace.pathMtus.size === 0) return deviceMtu;
    const entry = namespace.pathMtus.get(destination);
    return entry === undefined || clock >= entry.expires || entry.mtu > deviceMtu ? deviceMtu : entry.mtu;
  }

  /** A router said what fits. A larger value than the known one is not believed before that expires. */
  learn(namespace: Namespace, destination: number, nextHopMtu: number, clock: number): void {
    const mtu = Math.max(nextHopMtu, isIpv6(destination) ? PATH_MTU6_MIN : PATH_MTU_MIN);
    const entry = namespace.pathMtus.get(destination) ?? this.create(namespace, destination, clock);
    if (entry === undefined || (clock < entry.expires && mtu >= entry.mtu)) return;
    entry.mtu = mtu;
    entry.expires = clock + PATH_MTU_EXPIRES_NS;
  }

  private create(namespace: Namespace, destination: number, clock: number): PathMtu | undefined {
    let entry: PathMtu | undefined;
    if (this.entries.length < PATH_MTU_MAX) {
      entry = { namespace, destination, mtu: 0, expires: 0 };
      this.entries.push(entry);
    } else {
      entry = this.entries.find(({ expires }) => clock >= expires);
      if (entry === undefined) return undefined;
      entry.namespace.pathMtus.delete(entry.destination);
      entry.namespace = namespace;
      entry.destination = destination;
    }
    namespace.pathMtus.set(destination, entry);
    return entry;
  }
}
