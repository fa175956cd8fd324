import { SocketRole } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import type { Nanoseconds } from "../engine/engine";
import type { DatapathProgram, SocketRecord } from "../engine/program";
import { Resolver } from "../model/resolver";
import type { TopologySpec } from "../model/spec";
import type { DockerState } from "../model/state";
import { announcements } from "./announce";
import type { CompiledTopology, FlowDescription, FollowedTopology, TrafficCursor } from "./compiled";
import { describeTopology } from "./describe";
import type { NameLayer } from "./names";
import type { OverlayLayer } from "./overlays";
import type { KeyedSocket } from "./processes";
import { forgotten } from "./forgotten";
import { render } from "./render";
import { renderRules } from "./render/iptables-save";
import { shared } from "./share";
import { compileState, type Layout } from "./state";
import { keyOfSocket } from "./destination";
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

interface PlacedSocket {
  readonly index: number;
  readonly record: SocketRecord;
}

/** A place in the table that nobody listens at. */
const CLOSED: SocketRecord = { namespace: 0, protocol: 0, ip: 0, port: 0, role: SocketRole.Sink, flow: NONE };

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
    follow: (next, from, nowNs, overlays = parts.overlays) => follow({ ...parts, overlays }, next, from, nowNs),
    render: () => render(program),
    rules: () => renderRules(state.hosts),
  };
}

/** Everything that a state has in common with the one before keeps its place; the tables hold no flows and sockets. */
function follow(parts: TopologyParts, next: DockerState, cursor: TrafficCursor, nowNs: Nanoseconds): FollowedTopology {
  const state = shared(parts.state, next);
  const { spec, layout: before, program: running, overlays, names } = parts;
  const { program: laidOut, layout, processes: keyed } = compileState(state, { seed: spec.seed, underlay: spec.underlay, overlays, names }, before);
  const program = { ...laidOut, names: { ...laidOut.names, flows: running.names.flows }, capacity: running.capacity };
  const { sockets, processes, cursor: cursorAfter } = placeProcesses(parts.processes, keyed, { ...cursor, ...closeOrphans(cursor, layout) });
  return {
    topology: topologyOf({ ...parts, state, layout, program, descriptions: [], cursor: cursorAfter, processes }),
    sockets,
    conntrack: forgotten(parts.state, state, layout),
    announcements: announcements(state, layout, before, nowNs),
  };
}

/** Sockets go with their sandbox. */
function closeOrphans({ listening, freeSockets }: TrafficCursor, { network }: Layout): Pick<TrafficCursor, "listening" | "freeSockets"> {
  const alive = new Set([...network.places.values(), ...network.namespaces.values()]);
  const [kept, orphans] = [new Map(listening), [...freeSockets]];
  for (const [key, { index, record }] of listening) {
    if (alive.has(record.namespace) || !isOfTraffic(record)) continue;
    kept.delete(key);
    orphans.push(index);
  }
  return { listening: kept, freeSockets: orphans };
}

function isOfTraffic({ role }: SocketRecord): boolean {
  return role === SocketRole.Client || role === SocketRole.Sink || role === SocketRole.Responder;
}

/** A process that is still there keeps its socket. */
function placeProcesses(known: ReadonlyMap<string, PlacedSocket>, keyed: readonly KeyedSocket[], cursor: TrafficCursor) {
  const [processes, listening] = [new Map<string, PlacedSocket>(), new Map(cursor.listening)];
  const sockets: PlacedSocket[] = [];
  const wanted = new Set(keyed.map(({ key }) => key));
  const gone = [...known].filter(([key]) => !wanted.has(key)).map(([, socket]) => socket);
  for (const { record } of known.values()) listening.delete(keyOfSocket(record));
  const free = [...cursor.freeSockets, ...gone.map(({ index }) => index)];
  let { socketIndex } = cursor;
  for (const { key, record } of keyed) {
    const before = known.get(key);
    const index = before?.index ?? free.shift() ?? socketIndex++;
    processes.set(key, { index, record });
    listening.set(keyOfSocket(record), { index, record });
    if (before === undefined || JSON.stringify(before.record) !== JSON.stringify(record)) sockets.push({ index, record });
  }
  for (const { index } of gone) if (free.includes(index)) sockets.push({ index, record: CLOSED });
  return { processes, sockets, cursor: { ...cursor, socketIndex, listening, freeSockets: free } };
}
