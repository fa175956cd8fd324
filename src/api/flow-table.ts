import type { Counters } from "../engine/engine";
import type { FlowRecord, ProgramPatch } from "../engine/program";
import { SimulationError } from "../errors";
import { summarizeFlow, type FlowSummary } from "../observe/summary";
import { summarizeTraffic, type CountedFlow, type TrafficSummary } from "../observe/traffic";
import type { CompiledTopology, FlowDescription, TrafficCursor, TrafficSpec } from "./spec";

interface FlowEntry {
  /** Absent for the slot of probes: what it counts belongs to no flow that anybody described. */
  readonly description: FlowDescription | undefined;
  readonly record: FlowRecord;
}

/** Which flow is at which index: those of the description, those added since, and one slot that pings and other probes share. */
export class FlowTable {
  readonly #topology: CompiledTopology;
  readonly #entries: FlowEntry[];
  #cursor: TrafficCursor;
  #probeIndex: number | undefined;

  constructor(topology: CompiledTopology) {
    const { flows } = topology.describe();
    this.#topology = topology;
    this.#cursor = topology.cursor;
    this.#entries = topology.program.flows.map((record, index) => ({ record, description: flows[index] }));
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
          this.#entries[index] = { record, description: descriptions[position] };
        });
        this.#cursor = cursor;
      },
    };
  }

  /** Resolves one ping or other probe. All of them use one slot, one after the other, each with an identifier or port of its own. */
  resolveProbe(traffic: TrafficSpec): {
    readonly index: number;
    readonly record: FlowRecord;
    readonly sockets: NonNullable<ProgramPatch["sockets"]>;
    readonly description: FlowDescription;
    commit(): void;
  } {
    const { flowIndex, flowNames } = this.#cursor;
    const { flows, sockets, descriptions, cursor } = this.#topology.resolveTraffic([traffic], { ...this.#cursor, flowIndex: this.#probeIndex ?? flowIndex });
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
        this.#entries[flow.index] = { record: flow.record, description: undefined };
        this.#cursor = { ...cursor, flowIndex: isNewSlot ? cursor.flowIndex : flowIndex, flowNames };
      },
    };
  }

  /** Indices of the flows that a name stands for: one flow, or all flows of one traffic. */
  indicesOf(name: string): number[] {
    return this.#entries.flatMap(({ description }, index) => (description?.name === name || description?.traffic.name === name ? [index] : []));
  }

  nameOf(flow: number): string {
    return this.#entries[flow]?.description?.name ?? "probe";
  }

  /** Each flow by itself, and added up by description and sender. */
  summarize(counters: Counters): { readonly flows: FlowSummary[]; readonly traffic: TrafficSummary[] } {
    const counted = this.#entries.flatMap(({ description, record }, index): CountedFlow[] => {
      const flow = counters.flows[index];
      if (description === undefined || flow === undefined) return [];
      const drops = counters.flowDrops.filter(({ of }) => of === index);
      return [{ traffic: description.traffic.name, label: description, record, counters: flow, drops }];
    });
    return {
      flows: counted.map((flow) => summarizeFlow(flow.label, flow.record, flow.counters, flow.drops, counters.now)),
      traffic: summarizeTraffic(counted, counters.now),
    };
  }
}
