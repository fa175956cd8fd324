import type { ContainerSpec, NetworkSpec, TopologySpec, TrafficSpec } from "../../src/api/spec";

/** Traffic from `web` to `db`, 512 bytes every 100 µs over UDP unless it says otherwise. */
export function traffic(change: Partial<TrafficSpec> = {}): TrafficSpec {
  return {
    name: "queries",
    from: "web",
    to: { host: "db", port: 5432, protocol: "udp" },
    kind: "constant",
    rate: { perSecond: 10_000 },
    sizeBytes: 512,
    responseBytes: 0,
    onNs: 0,
    offNs: 0,
    thinkNs: 0,
    timeoutNs: 1e9,
    startNs: 0,
    clients: 1,
    dontFragment: false,
    ...change,
  };
}

/** `clients` that ask over TCP and think for a millisecond. */
export function requests(change: Partial<TrafficSpec> = {}): TrafficSpec {
  const { rate: _, ...rest } = traffic({ name: "pages", to: { host: "cache", port: 6379, protocol: "tcp" }, kind: "request" });
  return { ...rest, responseBytes: 2_000, thinkNs: 1e6, clients: 2, ...change };
}

/** Three containers on one network, whose cables may be given something to do. */
export function shop(traffics: readonly TrafficSpec[] = [], link?: NetworkSpec["link"]): TopologySpec {
  return {
    name: "shop",
    generation: "29",
    seed: 0,
    hosts: [{ name: "host1", cpus: 2, backlog: 1_000 }],
    networks: [{ name: "front", driver: "bridge", ipam: [], internal: false, options: {}, ...(link && { link }) }],
    containers: ["web", "db", "cache"].map(container),
    traffic: traffics,
  };
}

function container(name: string): ContainerSpec {
  const networks = [{ network: "front", aliases: [], gwPriority: 0 }];
  return { name, host: "host1", networks, publish: [], expose: [], links: [], extraHosts: [] };
}
