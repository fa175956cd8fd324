/**
 * Host ports of one daemon. Key: protocol, address and port; value: taken or free; capacity: the ports themselves; nothing is
 * evicted. Ephemeral ports go up from the last one handed out (moby daemon/libnetwork/portallocator/portallocator.go).
 */
import type { GenerationRules } from "./generation";
import type { PortProtocol, PortRangeSpec, PublishSpec } from "./spec";
import type { PublishedPortState } from "./state";

/** /proc/sys/net/ipv4/ip_local_port_range. */
export const EPHEMERAL_PORTS: PortRangeSpec = { from: 32768, to: 60999 };

export class HostPorts {
  readonly #rules: GenerationRules;
  readonly #taken = new Map<string, Set<string>>();
  readonly #cursors = new Map<string, number>();

  constructor(rules: GenerationRules) {
    this.#rules = rules;
  }

  /**
   * Takes host ports for one container, all or none.
   *
   * Differs from Linux: only IPv4 bindings are made; Docker binds `::` as well where the host has IPv6.
   *
   * @returns the bindings, or why one could not be made, in the daemon's words.
   */
  take(publish: readonly PublishSpec[], defaultIp: string): PublishedPortState[] | { readonly reason: string } {
    const bindings: PublishedPortState[] = [];
    for (const port of [...publish].sort(this.#rules.ports.compare)) {
      const ip = port.hostIp === undefined || port.hostIp === "" ? defaultIp : port.hostIp;
      const range = port.hostPort ?? EPHEMERAL_PORTS;
      const hostPort = this.#choose(ip, port.protocol, range);
      if (typeof hostPort === "string") {
        this.release(bindings);
        return { reason: hostPort };
      }
      this.#holders(port.protocol, hostPort).add(ip);
      bindings.push({ hostIp: ip, hostPort, containerPort: port.containerPort, protocol: port.protocol, active: true });
    }
    return bindings;
  }

  release(bindings: readonly PublishedPortState[]): void {
    for (const { protocol, hostPort, hostIp } of bindings) this.#holders(protocol, hostPort).delete(hostIp);
  }

  /** A port of the range after the one chosen last, or why there is none. */
  #choose(ip: string, protocol: PortProtocol, range: PortRangeSpec): number | string {
    if (range.from === range.to) return this.#clash(ip, protocol, range.from) ?? range.from;
    const key = `${ip} ${protocol} ${range.from}-${range.to}`;
    const count = range.to - range.from + 1;
    const start = this.#cursors.get(key) ?? range.from;
    for (let step = 0; step < count; step++) {
      const port = range.from + ((start - range.from + step) % count);
      if (this.#clash(ip, protocol, port) !== undefined) continue;
      this.#cursors.set(key, port === range.to ? range.from : port + 1);
      return port;
    }
    return "all ports are allocated";
  }

  #clash(ip: string, protocol: PortProtocol, port: number): string | undefined {
    for (const other of this.#holders(protocol, port)) {
      const reason = this.#rules.ports.clash(ip, other, port, protocol);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  #holders(protocol: PortProtocol, port: number): Set<string> {
    const key = `${protocol} ${port}`;
    const holders = this.#taken.get(key) ?? new Set();
    this.#taken.set(key, holders);
    return holders;
  }
}
