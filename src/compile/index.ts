import type { DatapathProgram } from "../engine/program";
import { decide } from "../model/decide";
import { Resolver } from "../model/resolver";
import type { TopologySpec } from "../model/spec";
import { capacityOf } from "./capacity";
import type { CompiledTopology } from "./compiled";
import { describeTopology } from "./describe";
import { render } from "./render";
import { renderRules } from "./render/iptables-save";
import { compileState } from "./state";
import { cursorAfter, resolveTraffic } from "./traffic";

export type { CompiledTopology } from "./compiled";
export { announcements } from "./announce";
export { type CompiledState, compileState, type Layout, type StateOptions } from "./state";

/**
 * Lets Docker decide, and turns the result into the tables of the packet path. Pure: equal descriptions give equal programs.
 *
 * @throws SimulationError with the daemon's own reason for what it refuses.
 * @example compile(docker("shop").container("web").spec).program.devices.length
 */
export function compile(spec: TopologySpec): CompiledTopology {
  const state = decide(spec);
  const { program: laidOut, layout, processes: keyed } = compileState(state, { seed: spec.seed, underlay: spec.underlay });
  const { network } = layout;
  const context = { state, network, names: new Resolver(state) };
  const processes = keyed.map(({ record }) => record);
  const { flows, sockets, descriptions, cursor } = resolveTraffic(spec.traffic, cursorAfter(processes), context);
  const flowRecords = flows.map(({ record }) => record);
  const socketRecords = sockets.map(({ record }) => record);
  const program: DatapathProgram = {
    ...laidOut,
    names: { ...laidOut.names, flows: descriptions.map(({ name }) => name) },
    sockets: [...processes, ...socketRecords],
    flows: flowRecords,
    capacity: capacityOf(network.builder, { ...laidOut, processes, flows: flowRecords, sockets: socketRecords }),
  };
  return {
    spec,
    state,
    program,
    devices: network.builder.deviceIndex,
    cursor,
    describe: () => describeTopology(spec, state, descriptions),
    resolveTraffic: (traffic, from) => resolveTraffic(traffic, from, { ...context, capacity: program.capacity }),
    render: () => render(program),
    rules: () => renderRules(state.hosts),
  };
}
