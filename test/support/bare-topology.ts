import { ABI_VERSION } from "../../assembly/abi/version";
import type { CompiledTopology } from "../../src/api/spec";
import { NO_DNS, NO_PROCESSES } from "../../src/engine/program";
import { SimulationError } from "../../src/errors";

/** A network of one device and nothing else, for engines that do not look at it. */
export function bareTopology(): CompiledTopology {
  return {
    spec: { name: "bare", generation: "29", seed: 5, hosts: [], networks: [], containers: [], traffic: [] },
    state: { generation: "29", hosts: [], networks: [], containers: [] },
    program: {
      abi: ABI_VERSION,
      names: { hosts: ["host1"], namespaces: ["host1"], devices: ["host1:docker0"], flows: [], chains: [], rules: [] },
      hosts: [],
      namespaces: [],
      devices: [],
      addresses: [],
      routes: [],
      neighbours: [],
      addresses6: [],
      routes6: [],
      neighbours6: [],
      links: [],
      sockets: [],
      flows: [],
      chains: [],
      rules: [],
      dns: NO_DNS,
      costs: [],
      copyCost: 0,
      exponential: [],
      capacity: { packets: 0, frameBytes: 0, events: 0, fdb: 0, neighbours: 0, sockets: 0, flows: 0, connections: 0, ...NO_PROCESSES, conntrack: 0, hosts: 0, namespaces: 0, devices: 0, addresses: 0, routes: 0, links: 0, chains: 0, rules: 0, addresses6: 0, eventRecords: 0, captureBytes: 0 },
    },
    devices: new Map([["host1:docker0", 0]]),
    cursor: { flowIndex: 0, socketIndex: 0, icmpIdentifier: 1, ephemeralPorts: new Map(), listening: new Map(), flowNames: new Set(), freeSockets: [] },
    describe: () => ({ name: "bare", generation: "29", hosts: [], networks: [], services: [], containers: [], flows: [] }),
    resolveTraffic: () => {
      throw new SimulationError("NOT_FOUND", 'from: expected a container, found "nobody"');
    },
    moveTraffic: (_, cursor) => ({ flows: [], sockets: [], cursor }),
    daemons: () => new Map(),
    follow: () => {
      throw new SimulationError("UNSUPPORTED", "nothing can change it");
    },
    render: () => "",
    rules: () => "",
  };
}
