import { Stop } from "../../../assembly/abi/event";
import { Node } from "../../../assembly/abi/node";
import { SimulationError } from "../../errors";
import type { Counters, Drained, Engine, InjectedFrame, Nanoseconds, ObserveOptions, Slice, Tally, Totals } from "../engine";
import type { Capacity, DatapathProgram, ProgramPatch } from "../program";
import { checkProcesses, checkProcessPatch, processTables, type ProcessTables } from "../check-processes";
import { checkPayloads } from "../check-payloads";
import { checkXfrm, withXfrmCapacity } from "../check-xfrm";
import { checkFrames, checkPatch, checkProgram } from "./check";
import { dropUnbuilt } from "./graph/drop";
import { Kernel } from "./kernel";
import { deleteEntries } from "./netfilter/delete";
import { dispatch } from "./simulation/dispatch";
import { EventType } from "./simulation/event-queue";
import { reload } from "./tables/load";

interface Loaded {
  readonly kernel: Kernel;
  readonly capacity: Capacity;
  processes: ProcessTables;
}

/** The packet path in TypeScript: the executable specification, and the fallback where Wasm is not allowed. */
export class TsEngine implements Engine {
  readonly kind = "ts";
  private loaded: Loaded | null = null;
  private isDisposed = false;
  private isCapturing = false;
  private isRecording = false;

  load(program: DatapathProgram, { seed }: { readonly seed: number }): void {
    this.assertOpen();
    checkProgram(program);
    checkProcesses(program);
    const capacity = withXfrmCapacity(program);
    checkXfrm(program, capacity);
    checkPayloads({ program }, capacity);
    this.isCapturing = this.isRecording = false;
    this.loaded = { kernel: new Kernel(program, seed >>> 0), capacity, processes: processTables(program) };
  }

  apply(patch: ProgramPatch): void {
    const loaded = this.open();
    const { kernel, capacity } = loaded;
    const { program } = patch;
    checkPatch(patch, kernel, capacity);
    checkPayloads(patch, capacity);
    if (program !== undefined) {
      checkProcesses({ ...program, capacity });
      checkXfrm(program, capacity);
    }
    const processes = program === undefined ? loaded.processes : processTables(program);
    const domains = checkProcessPatch(patch, processes, capacity);
    loaded.processes = { ...processes, dns: { ...processes.dns, domains } };
    kernel.clock = kernel.now;
    if (program !== undefined) reload(kernel, program);
    for (const filter of patch.conntrack ?? []) deleteEntries(kernel, filter);
    kernel.dns.append(patch.domains ?? []);
    for (const { index, up } of patch.devices ?? []) kernel.devices[index].up = up;
    for (const { index, record } of patch.links ?? []) kernel.links[index].record = record;
    for (const { index, record } of patch.payloads ?? []) kernel.payloads.write(index, record);
    for (const { index, record } of patch.flows ?? []) kernel.writeFlow(index, record);
    for (const { index, record } of patch.sockets ?? []) kernel.writeSocket(index, record);
    if (patch.sockets !== undefined) kernel.sockets.index(kernel.namespaces);
  }

  observe({ captureDevices, snaplen, recordDrops, trace }: ObserveOptions): void {
    const { kernel } = this.open();
    for (const device of kernel.devices) device.captured = captureDevices.includes(device.index);
    for (const flow of kernel.flows) flow.traceBudget = 0;
    for (const { flow, packets } of trace) if (flow < kernel.flows.length) kernel.flows[flow].traceBudget = packets;
    kernel.snaplen = snaplen;
    kernel.recordDrops = recordDrops;
    this.isCapturing = captureDevices.length > 0;
    this.isRecording = recordDrops || trace.length > 0;
  }

  inject(frames: readonly InjectedFrame[]): void {
    const { kernel, capacity } = this.open();
    checkFrames(frames, kernel, capacity);
    kernel.clock = kernel.now;
    for (const { timeNs, device, bytes } of frames) {
      const packet = kernel.pool.take(null, kernel.now);
      if (packet === null) {
        dropUnbuilt(kernel, Node.Receive, kernel.devices[device], null, 0);
        continue;
      }
      kernel.memory.bytes.set(bytes, packet.frame);
      packet.frameLength = bytes.length;
      packet.hasEthernet = true;
      kernel.queue.push(Math.max(timeNs, kernel.now), EventType.Arrive, device, packet.index);
    }
  }

  run(until: Nanoseconds, budget: number): Slice {
    const { kernel } = this.open();
    const { queue } = kernel;
    let events = 0;
    while (queue.nextTime <= until) {
      if (events === budget) return { now: kernel.now, events, stop: Stop.Budget };
      if (this.wantsDrain(kernel)) return { now: kernel.now, events, stop: Stop.Drain };
      dispatch(kernel);
      events++;
    }
    kernel.now = Math.max(kernel.now, until);
    return { now: kernel.now, events, stop: Stop.Until };
  }

  drain(): Drained {
    const { events, captures } = this.open().kernel;
    const eventsLost = events.lost;
    return { events: events.drain(), frames: captures.drain(), eventsLost };
  }

  counters(): Counters {
    const { kernel } = this.open();
    return {
      now: kernel.now,
      totals: totalsOf(kernel),
      hosts: kernel.hosts.map(({ cpus }) => ({ busyNs: cpus.reduce((sum, { busyNs }) => sum + busyNs, 0) })),
      devices: kernel.devices.map(({ rxPackets, rxBytes, txPackets, txBytes }) => ({ rxPackets, rxBytes, txPackets, txBytes })),
      flows: kernel.flows.map((flow) => flow.snapshot(kernel.addresses)),
      deviceDrops: kernel.deviceDrops.list(),
      flowDrops: kernel.flowDrops.list(),
      rules: Array.from(kernel.traversal.counters),
    };
  }

  tally(): Tally {
    const { kernel } = this.open();
    return { now: kernel.now, totals: totalsOf(kernel), flows: kernel.flows.map((flow) => flow.tally()) };
  }

  digest(): string {
    return this.open().kernel.digest.toString();
  }

  dispose(): void {
    this.isDisposed = true;
    this.loaded = null;
  }

  private wantsDrain(kernel: Kernel): boolean {
    return (this.isRecording && kernel.events.wantsDrain) || (this.isCapturing && kernel.captures.wantsDrain);
  }

  private open(): Loaded {
    this.assertOpen();
    if (this.loaded === null) throw new SimulationError("INVALID_INPUT", "engine: expected a program to be loaded first, found none");
    return this.loaded;
  }

  private assertOpen(): void {
    if (this.isDisposed) throw new SimulationError("CLOSED", "engine: it was disposed");
  }
}

function totalsOf({ totals, pool, queue }: Kernel): Totals {
  const { events, delivered, dropped, transmitted } = totals;
  return { events, delivered, dropped, transmitted, packetsAlive: pool.alive, packetsPeak: pool.peak, pendingEvents: queue.size };
}
