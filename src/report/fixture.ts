import type { LatencySummary } from "../observe/histogram";
import type { FlowSummary } from "../observe/summary";
import type { ReportInput } from "./json";

/** Latencies in nanoseconds. */
export function latency(count: number, p50: number, p99: number, max: number): LatencySummary {
  return { count, min: Math.floor(p50 / 2), mean: p50 + 0.25, p50, p90: p99, p99, max };
}

/** A flow that sent 1,000 messages, of which 990 arrived. */
export function flow(name: string, some: Partial<FlowSummary> = {}): FlowSummary {
  return {
    name,
    from: "shop-web-1",
    to: "db:5432/tcp",
    address: "172.30.0.10",
    kind: "constant",
    protocol: "udp",
    state: "running",
    sent: 1_000,
    sentBytes: 512_000,
    delivered: 990,
    deliveredBytes: 506_880,
    answered: 0,
    answeredBytes: 0,
    lost: 10,
    inFlight: 0,
    duplicates: 0,
    reordered: 0,
    timeouts: 0,
    retransmits: 0,
    blocked: 0,
    errors: 0,
    throughput: { bitsPerSecond: 4_055_040, messagesPerSecond: 990 },
    latency: latency(990, 23_400, 61_000, 1_250_000),
    drops: [{ reason: "LinkLoss", count: 10 }],
    ...some,
  };
}

const requests: Partial<FlowSummary> = { kind: "request", protocol: "tcp", answered: 990, lost: 0, inFlight: 10, drops: [] };
const refused: Partial<FlowSummary> = {
  from: "shop-api-1", to: "db:1/tcp", kind: "request", protocol: "tcp", sent: 40, delivered: 0, deliveredBytes: 0, lost: 40, drops: [],
  errors: 40, lastError: "ConnectionRefused", state: "failed", throughput: { bitsPerSecond: 0, messagesPerSecond: 0 }, latency: latency(0, 0, 0, 0),
};

/** A small shop after a run in which one of three flows failed. */
export const input: ReportInput = {
  topology: {
    name: "shop",
    generation: "29",
    hosts: [{ name: "host1", cpus: 2 }],
    networks: [
      { name: "shop_front", host: "host1", driver: "bridge", internal: false, subnet: "172.18.0.0/16", gateway: "172.18.0.1", bridge: "br-1b2c3d4e5f60", mtu: 1500, encrypted: false, vnis: [] },
      { name: "shop_back", host: "host1", driver: "bridge", internal: true, subnet: "172.30.0.0/24", gateway: "172.30.0.1", bridge: "br-a0b1c2d3e4f5", mtu: 1500, encrypted: false, vnis: [] },
    ],
    services: [],
    containers: [
      {
        name: "shop-web-1",
        label: "shop-web-1",
        host: "host1",
        networkMode: "networks",
        networks: [
          endpoint("shop_front", "shop-web-1", "eth0", "172.18.0.2", true),
          endpoint("shop_back", "shop-web-1", "eth1", "172.30.0.2", false),
        ],
        ports: [
          { hostIp: "0.0.0.0", hostPort: 8080, containerPort: 80, protocol: "tcp" },
          { hostIp: "::", hostPort: 8080, containerPort: 80, protocol: "tcp" },
          { hostIp: "127.0.0.1", hostPort: 5353, containerPort: 53, protocol: "udp" },
        ],
      },
      { name: "shop-db-1", label: "shop-db-1", host: "host1", networkMode: "networks", networks: [endpoint("shop_back", "shop-db-1", "eth0", "172.30.0.10", false)], ports: [] },
      { name: "shop-agent-1", label: "shop-agent-1", host: "host1", networkMode: "host", networks: [], ports: [] },
    ],
    flows: [
      { name: "orders#1", traffic: { name: "orders" } },
      { name: "orders#2", traffic: { name: "orders" } },
      { name: "metrics", traffic: { name: "metrics" } },
      { name: "broken", traffic: { name: "broken" } },
    ],
  },
  result: {
    now: 10_000_000_000,
    flows: [flow("orders#1", requests), flow("orders#2", requests), flow("metrics"), flow("broken", refused)],
    traffic: [
      { ...flow("orders", { ...requests, sent: 2_000, answered: 1_980, inFlight: 20, latency: latency(1_980, 412_000, 1_200_000, 3_100_000) }), flows: 2 },
      { ...flow("metrics"), flows: 1 },
      { ...flow("broken", refused), flows: 1 },
    ],
    drops: [
      { reason: "TcpReset", place: "shop-api-1:eth0", count: 40 },
      { reason: "LinkLoss", place: "host1:veth-172.30.0.10", count: 10 },
      { reason: "OtherHost", place: "shop-db-1:eth0", count: 2 },
    ],
    devices: [{ name: "shop-web-1:eth0", rxPackets: 10, rxBytes: 640, txPackets: 11, txBytes: 700, dropped: 0 }],
    totals: { events: 54_321, delivered: 12_345, dropped: 52, transmitted: 37_000 },
    digest: "0123456789abcdef",
    seed: 7,
    engine: "wasm",
    place: "worker",
    elapsedMs: 12.4,
  },
  files: ["compose.yaml"],
  notices: [
    {
      kind: "not-simulated",
      path: "services.web.dns",
      message: "no DNS server is asked: names resolve as Docker's embedded one knows them",
      position: { file: "compose.yaml", line: 4, column: 10 },
    },
  ],
};

function endpoint(network: string, container: string, interfaceName: string, ipv4: string, isDefaultRoute: boolean) {
  const gateway = ipv4.replace(/\d+$/, "1");
  const devices = { device: `${container}:${interfaceName}`, hostDevice: `host1:veth-${ipv4}` };
  return { network, ipv4, prefixLength: 24, mac: "02:42:ac:1e:00:0a", gateway, interfaceName, ...devices, isDefaultRoute, dnsNames: [] };
}
