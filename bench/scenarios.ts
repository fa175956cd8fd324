import { DeviceKind, FlowKind, SocketRole } from "../assembly/abi/program";
import { PROTOCOL_UDP } from "../assembly/abi/protocol";
import { ABI_VERSION, NONE } from "../assembly/abi/version";
import { DEFAULT_COPY_COST, DEFAULT_COSTS } from "../src/compile/cost-model";
import { exponentialTable } from "../src/compile/exponential";
import { ProgramBuilder } from "../src/compile/program-builder";
import { type DatapathProgram, type FlowRecord, NO_DNS, NO_PROCESSES, type SocketRecord } from "../src/engine/program";
import { Stop } from "../assembly/abi/event";
import type { Engine } from "../src/engine/engine";
import { createEngine, docker } from "../src/targets/node";
import { routedThroughFirewall } from "./firewall";
import type { Contest } from "./measure";
import { encryptedOverlay, udpOverVxlan } from "./overlay";

/** A whole network with traffic, as the packet path loads it. */
export interface Scenario {
  readonly name: string;
  readonly program: () => DatapathProgram;
  /** Virtual time of one sample. */
  readonly sliceNs: number;
  /** Million packets per CPU second that others reach on the machine of the measurements in the README, where they are known. */
  readonly reference?: string;
}

const MS = 1_000_000;

export const SCENARIOS: readonly Scenario[] = [
  { name: "bridge: 16 containers, UDP 64 B", program: () => udpOnBridge(16, 64), sliceNs: 20 * MS, reference: "Linux 0.39, ns-3 0.13-0.17" },
  { name: "bridge: 16 containers, UDP 1400 B", program: () => udpOnBridge(16, 1400), sliceNs: 20 * MS, reference: "ns-3 0.04" },
  { name: "two hosts, one cable, UDP 64 B", program: () => twoHosts(64), sliceNs: 20 * MS },
  { name: "overlay: 2 hosts × 8 containers, UDP 64 B over VXLAN", program: () => udpOverVxlan(64), sliceNs: 20 * MS, reference: "Linux 0.235, ns-3 0.074-0.088" },
  { name: "overlay: encrypted, sealed and opened, 1400 B", program: () => encryptedOverlay(1400), sliceNs: 5 * MS },
  { name: "bridge: TCP bulk, 4 streams", program: () => tcpBulk(4), sliceNs: 20 * MS },
  { name: "bridge: requests over TCP, 64 clients", program: () => requests(64), sliceNs: 500 * MS },
  { name: "bridge: 16 containers, Docker's rules, UDP 64 B", program: () => udpOnBridge(16, 64, true), sliceNs: 20 * MS },
  { name: "routed: no rules, UDP 64 B", program: () => routedThroughFirewall({}), sliceNs: 20 * MS },
  { name: "routed: MASQUERADE, conntrack, filter, UDP 64 B", program: () => routedThroughFirewall({ isDocker: true }), sliceNs: 20 * MS, reference: "Linux 0.30" },
  { name: "routed: 10 more rules", program: () => routedThroughFirewall({ isDocker: true, rules: 10 }), sliceNs: 20 * MS },
  { name: "routed: 10,000 more rules", program: () => routedThroughFirewall({ isDocker: true, rules: 10_000 }), sliceNs: 20 * MS },
  { name: "routed: new connections, 10 more rules", program: () => routedThroughFirewall({ isDocker: true, rules: 10, isNew: true }), sliceNs: 400_000 * MS },
  { name: "routed: new connections, 10,000 more rules", program: () => routedThroughFirewall({ isDocker: true, rules: 10_000, isNew: true }), sliceNs: 400_000 * MS },
];

/** Virtual time over which the engines must agree before they are measured. */
const VERIFIED_NS = 200 * MS;
const UNLIMITED = 2 ** 31 - 1;

/** Each scenario as a contest: both sides advance the same virtual time, and count packets that reached a process. */
export async function scenarioContests(): Promise<Contest[]> {
  const contests: Contest[] = [];
  for (const { name, program, sliceNs, reference } of SCENARIOS) {
    const [wasm, ts] = [await createEngine("wasm"), await createEngine("ts")];
    let isLoaded = false;
    const load = () => {
      if (isLoaded) return;
      for (const engine of [wasm, ts]) engine.load(program(), { seed: 1 });
      isLoaded = true;
    };
    contests.push({
      name,
      unit: "packets",
      ...(reference !== undefined && { reference }),
      verify: () => {
        load();
        for (const engine of [wasm, ts]) advance(engine, VERIFIED_NS);
        if (wasm.digest() !== ts.digest()) throw new Error(`${name}: the engines disagree: ${wasm.digest()} and ${ts.digest()}`);
      },
      wasm: () => advance(wasm, sliceNs),
      ts: () => advance(ts, sliceNs),
    });
  }
  return contests;
}

/** Lets virtual time pass. Returns how many packets reached a process meanwhile. */
export function advance(engine: Engine, byNs: number): number {
  const { now, totals } = engine.tally();
  while (engine.run(now + byNs, UNLIMITED).stop !== Stop.Until) engine.drain();
  return engine.tally().totals.delivered - totals.delivered;
}

/** Without the rules that Docker makes. */
function withoutRules(program: DatapathProgram): DatapathProgram {
  return { ...program, chains: [], rules: [] };
}

/** Every container sends to the one half-way around, 100,000 datagrams a second each. */
function udpOnBridge(containers: number, size: number, hasRules = false): DatapathProgram {
  const names = Array.from({ length: containers }, (_, index) => `c${index}`);
  let network = docker("bench", { cpus: containers }).network("bridge0");
  for (const name of names) network = network.container(name, { networks: ["bridge0"] });
  for (const [index, name] of names.entries()) {
    const to = names[(index + containers / 2) % containers] ?? "";
    network = network.traffic(name, name).to(`${to}:9000/udp`).rate("100kpps").size(size);
  }
  const { program } = network.compile();
  return hasRules ? program : withoutRules(program);
}

function tcpBulk(streams: number): DatapathProgram {
  let network = docker("bench", { cpus: 16 }).network("bridge0");
  for (let index = 0; index < streams; index++) {
    network = network
      .container(`a${index}`, { networks: ["bridge0"] })
      .container(`b${index}`, { networks: ["bridge0"] })
      .traffic(`bulk${index}`, `a${index}`).to(`b${index}:9000/tcp`).rate("2Gbit").size("64k");
  }
  return withoutRules(network.compile().program);
}

/** Two hosts without containers, cabled NIC to NIC: what a link costs. */
function twoHosts(size: number): DatapathProgram {
  const builder = new ProgramBuilder();
  const nics = ["a", "b"].map((name, index) => {
    const host = builder.host(name, { cpus: 8, backlog: 1000 });
    const namespace = builder.namespace(name, host);
    builder.loopback(namespace, name);
    const nic = builder.device({ namespace, kind: DeviceKind.Physical, displayName: `${name}:eth0`, mtu: 1500, mac: 0x020000000001 + index });
    builder.address(nic, 0x0a000001 + index, 24);
    return nic;
  });
  builder.pair(nics[0] ?? NONE, nics[1] ?? NONE, { rateBps: 10e9, delayNs: 50_000, jitterNs: 0, loss: 0, duplicate: 0, reorder: 0, limit: 1000 });
  const pairs = [[0, 1], [1, 0]] as const;
  const flows = pairs.map(([from, to]): FlowRecord => ({
    kind: FlowKind.Constant, protocol: PROTOCOL_UDP, namespace: from, destination: 0x0a000001 + to, destinationPort: 9000, sourcePort: 40_000,
    bytes: size, responseBytes: 0, count: NONE, dontFragment: 0, intervalNs: 4_000, onNs: 0, offNs: 0, startNs: 0, stopNs: Number.MAX_SAFE_INTEGER,
    thinkNs: 0, timeoutNs: 0,
  }));
  const sockets = pairs.flatMap(([from, to], flow): SocketRecord[] => [
    { namespace: from, protocol: PROTOCOL_UDP, ip: 0, port: 40_000, role: SocketRole.Client, flow },
    { namespace: to, protocol: PROTOCOL_UDP, ip: 0, port: 9000, role: SocketRole.Sink, flow: NONE },
  ]);
  return {
    abi: ABI_VERSION,
    names: { hosts: builder.hostNames, namespaces: builder.namespaceNames, devices: builder.deviceNames, flows: ["a-b", "b-a"], chains: [], rules: [] },
    hosts: builder.hosts, namespaces: builder.namespaces, devices: builder.devices, addresses: builder.addresses, routes: builder.routes,
    neighbours: [], addresses6: [], routes6: [], neighbours6: [], links: builder.links, sockets, flows, chains: [], rules: [], dns: NO_DNS, costs: DEFAULT_COSTS, copyCost: DEFAULT_COPY_COST, exponential: exponentialTable(),
    capacity: {
      packets: 4096, frameBytes: 1514, events: 8192, fdb: 16, neighbours: 16, sockets: 8, flows: 4, connections: 1, ...NO_PROCESSES, conntrack: 1,
      hosts: 4, namespaces: 8, devices: 16, addresses: 16, routes: 64, links: 16, chains: 1, rules: 1, addresses6: 16, eventRecords: 1024, captureBytes: 65_536,
    },
  };
}

function requests(clients: number): DatapathProgram {
  const network = docker("bench", { cpus: 16 })
    .network("bridge0")
    .container("web", { networks: ["bridge0"] })
    .container("db", { networks: ["bridge0"] })
    .traffic("queries", "web").to("db:5432/tcp").request({ size: 200, response: "4k", clients });
  return withoutRules(network.compile().program);
}
