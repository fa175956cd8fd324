import { NONE } from "../../assembly/abi/version";
import type { EventRecord } from "../engine/engine";
import { readEvents, type RecordBatch } from "../engine/records";
import { SimulationError } from "../errors";
import type { PacketTrace } from "../observe/trace";
import type { FlowTable } from "./flow-table";
import type { CompiledTopology } from "./spec";

export interface TraceOptions {
  /** How many packets of each flow to follow; 1 unless given. */
  readonly packets?: number;
}

/** The way of the next packets of a flow, hop by hop, with the copies that bridges made of them and with their answers. */
export class Trace {
  /** The flow's name, or that of the traffic that became several flows. */
  readonly flow: string;
  readonly #topology: CompiledTopology;
  readonly #flows: FlowTable;
  readonly #packets: number;
  readonly #events: EventRecord[] = [];
  /** Packets seen so far, by flow. */
  readonly #seen = new Map<number, Set<number>>();

  /** @internal */
  constructor(topology: CompiledTopology, flows: FlowTable, flow: string, { packets = 1 }: TraceOptions) {
    if (!Number.isInteger(packets) || packets < 1) {
      throw new SimulationError("INVALID_INPUT", `packets: expected a whole number above 0, found ${packets}`);
    }
    this.flow = flow;
    this.#topology = topology;
    this.#flows = flows;
    this.#packets = packets;
  }

  /** One trace per packet, in the order in which they were sent. */
  async packets(): Promise<PacketTrace[]> {
    const { assembleTraces } = await import("../observe/trace");
    return assembleTraces(this.#events, this.#topology.program.names, (flow) => this.#flows.nameOf(flow));
  }

  /** All of them as text, a line per hop. */
  async text(): Promise<string> {
    return (await this.packets()).join("\n\n");
  }

  /** What the engine has still to trace. @internal */
  wanted(): { readonly flow: number; readonly packets: number }[] {
    return this.#flows
      .indicesOf(this.flow)
      .map((flow) => ({ flow, packets: this.#packets - (this.#seen.get(flow)?.size ?? 0) }))
      .filter(({ packets }) => packets > 0);
  }

  /** @internal */
  add(batch: RecordBatch): void {
    if (batch.events.byteLength === 0) return;
    const flows = new Set(this.#flows.indicesOf(this.flow));
    for (const event of readEvents(batch)) {
      if (event.packet === NONE || !flows.has(event.flow)) continue;
      const seen = this.#seen.get(event.flow) ?? new Set();
      if (!seen.has(event.packet) && seen.size >= this.#packets) continue;
      this.#seen.set(event.flow, seen.add(event.packet));
      this.#events.push(event);
    }
  }
}
