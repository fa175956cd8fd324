import type { DatapathProgram, SocketRecord } from "../engine/program";
import { Resolver } from "../model/resolver";
import type { TopologySpec } from "../model/spec";
import type { DockerState } from "../model/state";
import type { CompiledTopology, FlowDescription, TrafficCursor } from "./compiled";
import { describeTopology } from "./describe";
import type { NameLayer } from "./names";
import type { OverlayLayer } from "./overlays";
import { render } from "./render";
import { renderRules } from "./render/iptables-save";
import type { Layout } from "./state";
import { moveTraffic, resolveTraffic, type TrafficContext } from "./traffic";

/** What a compiled topology is made of. */
export interface TopologyParts {
  readonly spec: TopologySpec;
  readonly state: DockerState;
  readonly layout: Layout;
  readonly program: DatapathProgram;
  /** Flows of the description. */
  readonly descriptions: readonly FlowDescription[];
  readonly cursor: TrafficCursor;
  /** Sockets of the daemons' processes, by key. */
  readonly processes: ReadonlyMap<string, PlacedSocket>;
  readonly daemons: CompiledTopology["daemons"];
  readonly overlays: OverlayLayer | undefined;
  readonly names: NameLayer | undefined;
}

/** A socket and its index. */
export interface PlacedSocket {
  readonly index: number;
  readonly record: SocketRecord;
}

/** What traffic runs on in a state. */
export function trafficContext(state: DockerState, { network }: Layout, overlays?: OverlayLayer): TrafficContext {
  return { state, network, names: new Resolver(state, overlays?.view) };
}

export function topologyOf(parts: TopologyParts): CompiledTopology {
  const { spec, state, layout, program, descriptions, cursor, daemons } = parts;
  const context = { ...trafficContext(state, layout, parts.overlays), capacity: program.capacity };
  return {
    spec,
    state,
    program,
    devices: layout.network.builder.deviceIndex,
    cursor,
    describe: () => describeTopology(spec, state, descriptions),
    resolveTraffic: (traffic, from, serves) => resolveTraffic(traffic, from, { ...context, ...(serves && { serves }) }),
    moveTraffic: (flows, from, nowNs) => moveTraffic(flows, from, context, nowNs),
    daemons,
    // Most networks stay as they were described.
    follow: async (next, from, nowNs, overlays = parts.overlays) => (await import("./follow")).follow({ ...parts, overlays }, next, from, nowNs),
    render: () => render(program),
    rules: () => renderRules(state.hosts),
  };
}
