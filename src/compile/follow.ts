import { SocketRole } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import type { Nanoseconds } from "../engine/engine";
import type { SocketRecord } from "../engine/program";
import type { DockerState } from "../model/state";
import { announcements } from "./announce";
import type { FollowedTopology, TrafficCursor } from "./compiled";
import { keyOfSocket } from "./destination";
import { forgotten } from "./forgotten";
import { type PlacedSocket, topologyOf, type TopologyParts } from "./parts";
import type { KeyedSocket } from "./processes";
import { shared } from "./share";
import { compileState, type Layout } from "./state";

/** A place in the table that nobody listens at. */
const CLOSED: SocketRecord = { namespace: 0, protocol: 0, ip: 0, port: 0, role: SocketRole.Sink, flow: NONE };

/** What becomes of a topology: see `CompiledTopology.follow`. Everything that a state has in common with the one before keeps its place; the tables hold no flows and sockets. */
export function follow(parts: TopologyParts, next: DockerState, cursor: TrafficCursor, nowNs: Nanoseconds): FollowedTopology {
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
