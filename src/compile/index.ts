import { ABI_VERSION } from "../../assembly/abi/version";
import { type DatapathProgram, NO_DNS } from "../engine/program";
import { decide } from "../model/decide";
import { Resolver } from "../model/resolver";
import type { TopologySpec } from "../model/spec";
import { capacityOf } from "./capacity";
import type { CompiledTopology } from "./compiled";
import { DEFAULT_COPY_COST, DEFAULT_COSTS } from "./cost-model";
import { describeTopology } from "./describe";
import { exponentialTable } from "./exponential";
import { render } from "./render";
import { layOut } from "./topology";
import { EMPTY_CURSOR, resolveTraffic } from "./traffic";

export type { CompiledTopology } from "./compiled";

/**
 * Lets Docker decide, and turns the result into the tables of the packet path. Pure: equal descriptions give equal programs.
 *
 * @throws SimulationError with the daemon's own reason for what it refuses.
 * @example compile(docker("shop").container("web").spec).program.devices.length
 */
export function compile(spec: TopologySpec): CompiledTopology {
  const state = decide(spec);
  const network = layOut(state, spec.seed);
  const context = { state, network, names: new Resolver(state) };
  const { flows, sockets, descriptions, cursor } = resolveTraffic(spec.traffic, EMPTY_CURSOR, context);
  const { builder } = network;
  const flowRecords = flows.map(({ record }) => record);
  const socketRecords = sockets.map(({ record }) => record);
  const program: DatapathProgram = {
    abi: ABI_VERSION,
    names: { hosts: builder.hostNames, namespaces: builder.namespaceNames, devices: builder.deviceNames, flows: descriptions.map(({ name }) => name), chains: [], rules: [] },
    hosts: builder.hosts,
    namespaces: builder.namespaces,
    devices: builder.devices,
    addresses: builder.addresses,
    routes: builder.routes,
    neighbours: [],
    links: builder.links,
    sockets: socketRecords,
    flows: flowRecords,
    chains: [],
    rules: [],
    dns: NO_DNS,
    costs: DEFAULT_COSTS,
    copyCost: DEFAULT_COPY_COST,
    exponential: exponentialTable(),
    capacity: capacityOf(builder, flowRecords, socketRecords),
  };
  return {
    spec,
    state,
    program,
    devices: builder.deviceIndex,
    cursor,
    describe: () => describeTopology(spec, state, descriptions),
    resolveTraffic: (traffic, from) => resolveTraffic(traffic, from, { ...context, capacity: program.capacity }),
    render: () => render(program),
  };
}
