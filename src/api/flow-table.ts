import { FlowState } from "../../assembly/abi/counter";
import type { Counters, DropCount, FlowCounters, Nanoseconds } from "../engine/engine";
import { FlowKind } from "../../assembly/abi/program";
import { keyOfSocket } from "../compile/destination";
import type { FlowRecord, ProgramPatch, SocketRecord } from "../engine/program";
import { SimulationError } from "../errors";
import { summarizeFlow, type FlowSummary } from "../observe/summary";
import { addCounters, addDrops, summarizeTraffic, type CountedFlow, type TrafficSummary } from "../observe/traffic";
import type { CompiledTopology, FlowDescription, FollowedTopology, TrafficCursor, TrafficSpec } from "./spec";

interface FlowEntry {
  /** Absent for the slot of probes: what it counts belongs to no flow that anybody described. */
  readonly description: FlowDescription | undefined;
  readonly record: FlowRecord;
  /** From when the flow counts, and until when: also if it began anew in between. */
  readonly span: Pick<FlowRecord, "startNs" | "stopNs">;
  /** What it had counted when it began anew. */
  readonly past?: { readonly counters: FlowCounters; readonly drops: readonly DropCount[] };
  /** It keeps still because its sender does not run. */
  readonly isSilent?: boolean;
  /** Of what is nobody's traffic. */
  readonly label?: string;
}

/** Of a place that has not been used yet. */
const IDLE: FlowRecord = {
  kind: FlowKind.Request, protocol: 0, namespace: 0, destination: 0, destinationPort: 0, sourcePort: 0, bytes: 0, responseBytes: 0, count: 0, dontFragment: 0,
  intervalNs: 0, onNs: 0, offNs: 0, startNs: 0, stopNs: 0, thinkNs: 0, timeoutNs: 0,
};

/** Who gets a server for what is sent there. */
type Serves = Parameters<CompiledTopology["resolveTraffic"]>[2];
type FlowPatch = Required<Pick<ProgramPatch, "flows" | "sockets">>;

/** Which flow is at which index: those of the description, those added since, one slot that pings and other probes share, and slots of announcements. */
export class FlowTable {
  readonly #topology: CompiledTopology;
  readonly #entries: FlowEntry[];
  #cursor: TrafficCursor;
  #probeIndex: number | undefined;
  /** Slots of announcements, and when they are over. */
  readonly #announcing = new Map<number, Nanoseconds>();
  /** Names that were looked up since the engine got its last program. */
  #names: string[] = [];

  constructor(topology: CompiledTopology) {
    const { flows } = topology.describe();
    this.#topology = topology;
    this.#cursor = topology.cursor;
    this.#entries = topology.program.flows.map((record, index) => ({ record, span: record, description: flows[index] }));
  }

  get descriptions(): FlowDescription[] {
    return this.#entries.flatMap(({ description }) => description ?? []);
  }

  /** Resolves traffic; once the engine has applied the patch, `commit` makes it part of the table. */
  resolve(traffic: readonly TrafficSpec[]): { readonly patch: ProgramPatch; commit(): void } {
    const { flows, sockets, descriptions, cursor } = this.#topology.resolveTraffic(traffic, this.#cursor);
    return {
      patch: { flows, sockets },
      commit: () => {
        flows.forEach(({ index, record }, position) => {
          this.#entries[index] = { record, span: record, description: descriptions[position] };
        });
        this.#cursor = cursor;
      },
    };
  }

  /** Resolves one ping or other probe. All of them use one slot, one after the other, each with an identifier or port of its own. */
  resolveProbe(traffic: TrafficSpec, serves?: Serves): {
    readonly index: number;
    readonly record: FlowRecord;
    readonly sockets: NonNullable<ProgramPatch["sockets"]>;
    readonly description: FlowDescription;
    commit(): void;
  } {
    const { flowIndex, flowNames } = this.#cursor;
    const { flows, sockets, descriptions, cursor } = this.#topology.resolveTraffic([traffic], { ...this.#cursor, flowIndex: this.#probeIndex ?? flowIndex }, serves);
    const [flow, another] = flows;
    const [description] = descriptions;
    if (flow === undefined || description === undefined || another !== undefined) {
      throw new SimulationError("INVALID_INPUT", `${traffic.kind === "ping" ? "ping" : "reach"}: expected one sender, found ${flows.length} of the name "${traffic.from}"`, {
        senders: descriptions.map(({ from }) => from),
      });
    }
    return {
      ...flow,
      sockets,
      description,
      commit: () => {
        const isNewSlot = this.#probeIndex === undefined;
        this.#probeIndex = flow.index;
        this.#entries[flow.index] = { record: flow.record, span: flow.record, description: undefined };
        this.#cursor = { ...cursor, flowIndex: isNewSlot ? cursor.flowIndex : flowIndex, flowNames };
      },
    };
  }

  /**
   * A place for a flow that is nobody's traffic, and one for its socket.
   *
   * @throws SimulationError `LIMIT_EXCEEDED` if the engine has no room for it.
   */
  reserve(label: string): { readonly flow: number; readonly socket: number } {
    const { flowIndex: flow, socketIndex: socket } = this.#cursor;
    const room = this.#topology.program.capacity;
    if (flow >= room.flows || socket >= room.sockets) throw new SimulationError("LIMIT_EXCEEDED", `flows: the network has room for ${room.flows}, and needs one more for ${label}`, { limit: "flows", needed: flow + 1 });
    this.#cursor = { ...this.#cursor, flowIndex: flow + 1, socketIndex: socket + 1 };
    this.#entries[flow] = { record: IDLE, span: IDLE, description: undefined, label };
    return { flow, socket };
  }

  /** A place for a socket that serves; undefined: somebody serves there already. */
  listen(record: SocketRecord): number | undefined {
    const key = keyOfSocket(record);
    if (this.#cursor.listening.has(key)) return undefined;
    const { socketIndex: index } = this.#cursor;
    this.#cursor = { ...this.#cursor, socketIndex: index + 1, listening: new Map(this.#cursor.listening).set(key, { index, record }) };
    return index;
  }

  /** The index of a name for a query, and the names that the engine has to be given with it. */
  domainOf(name: string): { readonly index: number; readonly added: readonly string[] } {
    const wanted = name.toLowerCase().replace(/\.$/, "");
    const first = this.#topology.program.dns.domains.length;
    const known = this.#names.indexOf(wanted);
    if (known !== -1) return { index: first + known, added: [] };
    return { index: first + this.#names.push(wanted) - 1, added: [wanted] };
  }

  /** The engine has got a program, which has names of its own only. */
  forgetNames(): void {
    this.#names = [];
  }

  get cursor(): TrafficCursor {
    return this.#cursor;
  }

  /** The flows in a network that has changed: those whose sender or target is elsewhere begin anew, and go on counting. */
  follow({ topology, sockets, announcements }: FollowedTopology, counters: Counters, nowNs: Nanoseconds): { readonly patch: FlowPatch; commit(): void } {
    const placed = this.#entries.flatMap(({ description, record, isSilent = false }, index) => {
      const { state = FlowState.Waiting, sent = 0 } = counters.flows[index] ?? {};
      return description === undefined ? [] : [{ index, record, description, sent, isOver: state === FlowState.Finished && !isSilent, isSilent }];
    });
    const moved = topology.moveTraffic(placed, topology.cursor, nowNs);
    const idle = [...this.#announcing].filter(([, until]) => until < nowNs).map(([index]) => index);
    let { flowIndex } = moved.cursor;
    const told = announcements.map((record) => ({ index: idle.shift() ?? flowIndex++, record }));
    const { flows: room } = topology.program.capacity;
    if (flowIndex > room) throw new SimulationError("LIMIT_EXCEEDED", `flows: the network has room for ${room}, ${flowIndex} are needed`, { limit: "flows", needed: flowIndex });
    return {
      patch: { flows: [...moved.flows.map(({ index, record }) => ({ index, record })), ...told], sockets: [...sockets, ...moved.sockets] },
      commit: () => {
        for (const { index, record, address, isSilent } of moved.flows) this.#restart(index, { record, address, isSilent }, counters);
        for (const { index, record } of told) {
          this.#entries[index] = { record, span: record, description: undefined };
          this.#announcing.set(index, record.stopNs);
        }
        this.#cursor = { ...moved.cursor, flowIndex };
      },
    };
  }

  #restart(index: number, { record, address, isSilent }: { readonly record: FlowRecord; readonly address: string; readonly isSilent: boolean }, counters: Counters): void {
    const { description, span, past } = this.#entries[index]!;
    const seen = countersOf(counters, index, past);
    this.#entries[index] = {
      record,
      span,
      description: description && { ...description, address },
      isSilent,
      // What was under way is lost.
      ...(seen && { past: { ...seen, counters: { ...seen.counters, inFlight: 0 } } }),
    };
  }

  /** Indices of the flows that a name stands for: one flow, or all flows of one traffic. */
  indicesOf(name: string): number[] {
    return this.#entries.flatMap(({ description }, index) => (description?.name === name || description?.traffic.name === name ? [index] : []));
  }

  nameOf(flow: number): string {
    const { description, label = "probe" } = this.#entries[flow] ?? {};
    return description?.name ?? label;
  }

  /** Each flow by itself, and added up by description and sender. */
  summarize(counters: Counters): { readonly flows: FlowSummary[]; readonly traffic: TrafficSummary[] } {
    const counted = this.#entries.flatMap(({ description, record, span, past }, index): CountedFlow[] => {
      const seen = countersOf(counters, index, past);
      if (description === undefined || seen === undefined) return [];
      const { startNs, stopNs } = span;
      return [{ traffic: description.traffic.name, label: description, record: { ...record, startNs, stopNs }, ...seen }];
    });
    return {
      flows: counted.map((flow) => summarizeFlow(flow.label, flow.record, flow.counters, flow.drops, counters.now)),
      traffic: summarizeTraffic(counted, counters.now),
    };
  }
}

/** What a flow has counted since its description began. */
function countersOf({ flows, flowDrops }: Counters, index: number, past: FlowEntry["past"]): FlowEntry["past"] {
  const counters = flows[index];
  if (counters === undefined) return undefined;
  const drops = flowDrops.filter(({ of }) => of === index);
  if (past === undefined) return { counters, drops };
  return { counters: { ...addCounters(past.counters, counters), state: counters.state }, drops: addDrops(past.drops, drops) };
}
