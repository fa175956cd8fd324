/**
 * Host ports of one daemon. Key: protocol, address and port; value: taken or free; capacity: the ports themselves; nothing is
 * evicted. Ephemeral ports go up from the last one handed out (moby daemon/libnetwork/portallocator/portallocator.go).
 */
import { isIpv4, parseIp } from "../net/ip";
import type { GenerationRules } from "./generation";
import type { Host } from "./host";
import type { PortProtocol, PortRangeSpec, PublishSpec } from "./spec";

/** A port that is bound on the host. */
export interface PortBinding {
  readonly protocol: PortProtocol;
  readonly hostIp: string;
  /** 0 where nothing is translated. */
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
  /** Whether a process of the userland proxy listens. */
  readonly proxied: boolean;
  /** Not translated: only the firewall opens the container's own port. */
  readonly routed: boolean;
}

/** A binding that is to be made. */
export interface WantedBinding extends Omit<PortBinding, "hostPort"> {
  /** One host port, or a range to pick from; absent: any free port. */
  readonly wants: PortRangeSpec | undefined;
}

/** Where one container's ports lead. */
export interface PortTarget {
  /** The address of the network for ports that name none. */
  readonly defaultIp: string;
  readonly address4: string | undefined;
  /** That of IPv4 where only a proxy leads there. */
  readonly address6: string | undefined;
  /** Families of addresses of the host that are wanted. */
  readonly families: Readonly<Record<4 | 6, boolean>>;
  readonly userlandProxy: boolean;
  /** Families without translation. */
  readonly routed: Readonly<Record<4 | 6, boolean>>;
}

/** Attempts for one port when the kernel refuses to bind (libnetwork drivers/bridge: maxAllocatePortAttempts). */
const ATTEMPTS = 10;
const ANY4 = "0.0.0.0";
const ANY6 = "::";

export class HostPorts {
  readonly #rules: GenerationRules;
  readonly #host: Host;
  readonly #held = new Map<string, Set<PortBinding>>();
  /** By address, protocol and range: the port handed out last. */
  readonly #last = new Map<string, number>();
  /** The ephemeral ports of the host, as they were when the daemon looked. */
  #ephemeral: PortRangeSpec | undefined;

  constructor(rules: GenerationRules, host: Host) {
    this.#rules = rules;
    this.#host = host;
    if (rules.ports.readsRangeAtStart) this.#ephemeral = host.world.localPorts;
  }

  /**
   * Takes host ports for one container, all or none, in the order given.
   *
   * @returns the bindings, or why one could not be made, in the daemon's words.
   */
  take(publish: readonly PublishSpec[], target: PortTarget): PortBinding[] | { readonly reason: string } {
    const taken: PortBinding[] = [];
    for (const group of this.#rules.ports.group(publish.flatMap((port) => this.#expand(port, target)))) {
      const held = group[0]!.routed ? this.#hold(group, 0) : this.#bind(group);
      if (typeof held === "string") {
        this.release(taken);
        return { reason: held };
      }
      taken.push(...held);
    }
    return taken;
  }

  release(bindings: readonly PortBinding[]): void {
    for (const binding of bindings) this.#heldAt(binding.protocol, binding.hostPort).delete(binding);
  }

  /** One published port becomes a binding for IPv4, one for IPv6, or both (libnetwork drivers/bridge/port_mapping.go). */
  #expand(port: PublishSpec, { defaultIp, address4, address6, families, userlandProxy, routed }: PortTarget): WantedBinding[] {
    const hostIp = port.hostIp === "" ? undefined : port.hostIp;
    const { containerPort, protocol, hostPort: wants } = port;
    const binding = (ip: string, containerIp: string, family: 4 | 6): WantedBinding => {
      // What is not translated has no address on the host.
      const own = routed[family] ? (family === 4 ? ANY4 : ANY6) : ip;
      return { protocol, hostIp: own, containerIp, containerPort, proxied: userlandProxy && !routed[family], routed: routed[family], wants };
    };
    const ip4 = hostIp === undefined ? (isIpv4(defaultIp) ? defaultIp : undefined) : isIpv4(hostIp) ? hostIp : undefined;
    const ip6 = hostIp === undefined ? (defaultIp === ANY4 ? ANY6 : isIpv4(defaultIp) ? undefined : defaultIp) : isIpv4(hostIp) ? undefined : hostIp;
    const isImplicit6 = hostIp === undefined && ip6 === ANY6;
    return [
      ...(families[4] && ip4 !== undefined && address4 !== undefined ? [binding(ip4, address4, 4)] : []),
      ...(families[6] && ip6 !== undefined && address6 !== undefined && !(isImplicit6 && !this.#host.world.ipv6) ? [binding(ip6, address6, 6)] : []),
    ];
  }

  /** What the daemon's own sockets and proxies hold of a port on the host. */
  #heldAt(protocol: PortProtocol, port: number): Set<PortBinding> {
    const key = `${protocol} ${port}`;
    const held = this.#held.get(key) ?? new Set();
    this.#held.set(key, held);
    return held;
  }

  /** One number for every binding of the group. */
  #bind(group: readonly WantedBinding[]): PortBinding[] | string {
    const [{ wants, protocol }] = group as readonly [WantedBinding];
    const ips = group.map(({ hostIp }) => hostIp);
    const isFixed = wants !== undefined && wants.from === wants.to;
    const retries = wants === undefined || (this.#rules.ports.retriesRanges && !isFixed);
    if (wants === undefined) this.#ephemeral ??= this.#host.world.localPorts;
    let reason = "";
    for (let attempt = 0; attempt < (retries ? ATTEMPTS : 1); attempt++) {
      const port = isFixed ? this.#fixed(ips, protocol, wants.from) : this.#next(ips, protocol, wants ?? this.#ephemeral!);
      if (typeof port === "string") return port;
      const refused = this.#bindError(group, port);
      if (refused === undefined) return this.#hold(group, port);
      reason = refused;
    }
    return reason;
  }

  #hold(group: readonly WantedBinding[], hostPort: number): PortBinding[] {
    const bound = group.map(({ wants: _, ...binding }) => ({ ...binding, hostPort }));
    for (const binding of bound) this.#heldAt(binding.protocol, hostPort).add(binding);
    return bound;
  }

  #bindError(group: readonly WantedBinding[], port: number): string | undefined {
    for (const [index, { hostIp, protocol, proxied }] of group.entries()) {
      const others = [...this.#heldAt(protocol, port), ...group.slice(0, index)];
      const held = others.map((binding) => ({ protocol, address: binding.hostIp, port }));
      const why = this.#host.bindError(protocol, parseIp(hostIp, "host"), port, held);
      if (why !== undefined) return this.#rules.ports.bindFailure({ protocol, ip: hostIp, port }, why, proxied);
    }
    return undefined;
  }

  #fixed(ips: readonly string[], protocol: PortProtocol, port: number): number | string {
    return this.#clash(ips, protocol, port) ?? port;
  }

  /** A port of the range after the one chosen last, or why there is none. */
  #next(ips: readonly string[], protocol: PortProtocol, { from, to }: PortRangeSpec): number | string {
    const keys = ips.map((ip) => `${ip} ${protocol} ${from}-${to}`);
    let port = this.#last.get(keys[0]!) ?? to;
    for (let step = 0; step <= to - from; step++) {
      port = port >= to ? from : port + 1;
      if (this.#clash(ips, protocol, port) !== undefined) continue;
      for (const key of keys) this.#last.set(key, port);
      return port;
    }
    return "all ports are allocated";
  }

  #clash(ips: readonly string[], protocol: PortProtocol, port: number): string | undefined {
    const holders = this.#heldAt(protocol, port);
    for (const ip of ips) {
      for (const { hostIp } of holders) {
        const reason = this.#rules.ports.clash(ip, hostIp, port);
        if (reason !== undefined) return reason;
      }
    }
    return undefined;
  }
}
