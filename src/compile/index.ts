import type { DatapathProgram } from "../engine/program";
import { type Daemons, type DaemonSupport, startDaemons, stateOf } from "../model/decide";
import type { TopologySpec } from "../model/spec";
import { capacityOf } from "./capacity";
import type { CompiledTopology } from "./compiled";
import { topologyOf, trafficContext } from "./parts";
import { unsupported } from "../model/refusal";
import type { NameLayer } from "./names";
import type { OverlayLayer } from "./overlays";
import { compileState } from "./state";
import { cursorAfter, resolveTraffic } from "./traffic";

export type { CompiledTopology } from "./compiled";
export { announcements } from "./announce";
export { type CompiledState, compileState, type Layout, type StateOptions } from "./state";

/** What few descriptions take besides: those with swarms (`overlay/index.ts`), and those with rules. */
export interface SwarmLayers extends DaemonSupport {
  readonly overlays?: OverlayLayer;
  /** For names that name servers know. */
  readonly names?: NameLayer;
}

/**
 * Lets Docker decide, and turns the result into the tables of the packet path. Pure: equal descriptions give equal programs.
 *
 * @throws SimulationError with the daemon's own reason for what it refuses.
 * @example compile(docker("shop").container("web").spec).program.devices.length
 */
export function compile(described: TopologySpec, support: SwarmLayers = {}): CompiledTopology {
  const { overlays } = support;
  const names = described.underlay?.names && (support.names ?? unsupported("underlay", "a description with names that is compiled at once (start it instead)"));
  const spec = names?.surround(described) ?? described;
  const daemons = startDaemons(spec, support);
  const state = stateOf(daemons);
  const { program: laidOut, layout, processes: keyed } = compileState(state, { seed: spec.seed, underlay: spec.underlay, overlays, names });
  const processes = keyed.map(({ record }) => record);
  const { flows, sockets, descriptions, cursor } = resolveTraffic(spec.traffic, cursorAfter(processes), trafficContext(state, layout));
  const flowRecords = flows.map(({ record }) => record);
  const socketRecords = sockets.map(({ record }) => record);
  const program: DatapathProgram = {
    ...laidOut,
    names: { ...laidOut.names, flows: descriptions.map(({ name }) => name) },
    sockets: [...processes, ...socketRecords],
    flows: flowRecords,
    capacity: capacityOf(layout.network.builder, { ...laidOut, processes, flows: flowRecords, sockets: socketRecords }),
  };
  const processSockets = new Map(keyed.map(({ key, record }, index) => [key, { index, record }]));
  return topologyOf({ spec, state, layout, program, descriptions, cursor, processes: processSockets, daemons: handOver(spec, daemons, support), overlays, names });
}

/** Those that have done the work already for the first who asks, if they write what it looks at; new ones for others. */
function handOver(spec: TopologySpec, daemons: Daemons, support: DaemonSupport): CompiledTopology["daemons"] {
  let own: Daemons | undefined = daemons;
  return (files = support.files) => {
    const taken = files === support.files && own ? own : startDaemons(spec, { ...support, ...(files && { files }) });
    own = undefined;
    return taken;
  };
}
