import { ABI_VERSION } from "../../../assembly/abi/version";
import { SimulationError } from "../../errors";
import { domainNameBytes } from "../../net/domain-name";
import { checkProcesses, checkProcessPatch, processTables, type ProcessTables } from "../check-processes";
import type { Counters, Drained, Engine, InjectedFrame, Nanoseconds, ObserveOptions, Slice, Tally } from "../engine";
import type { Capacity, DatapathProgram, PayloadRecord, ProgramPatch } from "../program";
import { checkPayloads } from "../check-payloads";
import { checkXfrm, withXfrmCapacity } from "../check-xfrm";
import { checkBuild, checkPayloadBuild } from "./check-build";
import { checkFrames, checkObserve, checkPatch, checkProgram, checkReload, type Network, networkOf, type Sizes, sizesOf } from "./check";
import { decodeCapture, decodeDevices, decodeDrops, decodeEvents, decodeFlows, decodeTallies, decodeTotals, type FlowTables } from "./decode";
import { imageOf, writeFlow, writeLink, writeSocket, type RecordWriter } from "./encode";
import { writePayload } from "./encode-payload";
import { writeConntrackFilter } from "./encode-rules";
import { instantiate, type WasmExports } from "./instance";

interface Loaded {
  readonly wasm: WasmExports;
  readonly seed: number;
  readonly capacity: Capacity;
  readonly sizes: Sizes;
  processes: ProcessTables;
  /** The tables in force. */
  network: Network;
}

/** The packet path in WebAssembly: numbers and records cross the boundary, never packets one by one. */
export class WasmEngine implements Engine {
  readonly kind = "wasm";
  readonly #module: WebAssembly.Module;
  #loaded: Loaded | undefined;
  #isDisposed = false;
  /** A broken invariant is final. */
  #failure: SimulationError | undefined;

  constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  load(program: DatapathProgram, { seed }: { readonly seed: number }): void {
    this.#assertOpen();
    checkProgram(program);
    checkProcesses(program);
    const capacity = withXfrmCapacity(program);
    checkXfrm(program, capacity);
    checkPayloads({ program }, capacity);
    this.#loaded = undefined;
    this.#failure = undefined;
    const loaded = { wasm: instantiate(this.#module), seed: seed >>> 0, capacity, sizes: sizesOf(program), network: networkOf(program), processes: processTables(program) };
    this.#call(loaded, (wasm) => build(wasm, program, loaded.seed));
    this.#loaded = loaded;
  }

  apply(patch: ProgramPatch): void {
    const loaded = this.#open();
    const { capacity, sizes } = loaded;
    const { program } = patch;
    if (program !== undefined) {
      checkBuild(loaded.wasm, program);
      checkReload(program, loaded.network, capacity);
      checkProcesses({ ...program, capacity });
      checkXfrm(program, capacity);
    }
    if (patch.payloads?.length) checkPayloadBuild(loaded.wasm);
    checkPayloads(patch, capacity);
    checkPatch(patch, program === undefined ? sizes : sizesOf(program, sizes), capacity);
    const processes = program === undefined ? loaded.processes : processTables(program);
    const domains = checkProcessPatch(patch, processes, capacity);
    this.#call(loaded, (wasm) => {
      if (program !== undefined) {
        reload(wasm, program);
        Object.assign(sizes, sizesOf(program, sizes));
        loaded.network = networkOf(program);
      }
      for (const filter of patch.conntrack ?? []) {
        writeInput(wasm, writeConntrackFilter, filter);
        wasm.deleteConntrack();
      }
      for (const name of patch.domains ?? []) appendDomain(wasm, name);
      loaded.processes = { ...processes, dns: { ...processes.dns, domains } };
      for (const { index, up } of patch.devices ?? []) wasm.setDevice(index, Number(up));
      for (const { index, record } of patch.links ?? []) {
        writeInput(wasm, writeLink, record);
        if (wasm.setLink(index) === 0) throw outOfMemory("links");
      }
      for (const { index, record } of patch.payloads ?? []) replacePayload(wasm, index, record);
      for (const { index, record } of patch.flows ?? []) {
        writeInput(wasm, writeFlow, record);
        wasm.setFlow(index);
        sizes.flows = Math.max(sizes.flows, index + 1);
      }
      for (const { index, record } of patch.sockets ?? []) {
        writeInput(wasm, writeSocket, record);
        wasm.setSocket(index);
        sizes.sockets = Math.max(sizes.sockets, index + 1);
      }
    });
  }

  observe(options: ObserveOptions): void {
    const loaded = this.#open();
    checkObserve(options, loaded.sizes);
    this.#call(loaded, (wasm) => {
      wasm.observe(options.snaplen, Number(options.recordDrops));
      for (const device of options.captureDevices) wasm.captureDevice(device);
      for (const { flow, packets } of options.trace) if (flow < loaded.sizes.flows) wasm.traceFlow(flow, packets);
    });
  }

  inject(frames: readonly InjectedFrame[]): void {
    const loaded = this.#open();
    checkFrames(frames, loaded.sizes, loaded.capacity);
    this.#call(loaded, (wasm) => {
      for (const { timeNs, device, bytes } of frames) {
        new Uint8Array(wasm.memory.buffer).set(bytes, wasm.inputAddress() >>> 0);
        wasm.inject(device, bytes.length, timeNs);
      }
    });
  }

  run(until: Nanoseconds, budget: number): Slice {
    return this.#call(this.#open(), (wasm) => {
      const stop = wasm.run(Math.min(until, Number.MAX_SAFE_INTEGER), Math.min(budget, Number.MAX_SAFE_INTEGER));
      return { now: wasm.now(), events: wasm.processedEvents(), stop };
    });
  }

  drain(): Drained {
    return this.#call(this.#open(), (wasm) => {
      const memory = bufferOf(wasm);
      const drained = {
        events: decodeEvents(memory, wasm.eventsAddress() >>> 0, wasm.eventCount() >>> 0),
        frames: decodeCapture(memory, wasm.captureAddress() >>> 0, wasm.captureBytes() >>> 0),
        eventsLost: wasm.eventsLost() >>> 0,
      };
      wasm.forget();
      return drained;
    });
  }

  counters(): Counters {
    const loaded = this.#open();
    const { devices, flows, rules } = loaded.sizes;
    return this.#call(loaded, (wasm) => {
      const totals = wasm.totals() >>> 0;
      const memory = bufferOf(wasm);
      return {
        now: wasm.now(),
        totals: decodeTotals(memory, totals),
        hosts: loaded.network.hosts.map((_, index) => ({ busyNs: wasm.hostBusy(index) })),
        devices: decodeDevices(memory, wasm.deviceCountersAddress() >>> 0, devices),
        flows: decodeFlows(memory, flowTables(wasm), flows),
        deviceDrops: decodeDrops(memory, wasm.deviceDropsAddress() >>> 0, devices, loaded.capacity.devices),
        flowDrops: decodeDrops(memory, wasm.flowDropsAddress() >>> 0, flows, loaded.capacity.flows),
        rules: Array.from(new Float64Array(memory, wasm.ruleCountersAddress() >>> 0, rules)),
      };
    });
  }

  tally(): Tally {
    const loaded = this.#open();
    return this.#call(loaded, (wasm) => {
      const totals = wasm.totals() >>> 0;
      const memory = bufferOf(wasm);
      return { now: wasm.now(), totals: decodeTotals(memory, totals), flows: decodeTallies(memory, wasm.flowCountersAddress() >>> 0, loaded.sizes.flows) };
    });
  }

  digest(): string {
    return this.#call(this.#open(), (wasm) => hex(wasm.digestFirst()) + hex(wasm.digestSecond()));
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#loaded = undefined;
  }

  #assertOpen(): void {
    if (this.#isDisposed) throw new SimulationError("CLOSED", "engine: it was disposed");
  }

  #open(): Loaded {
    this.#assertOpen();
    if (this.#loaded === undefined) throw new SimulationError("INVALID_INPUT", "engine: expected a program to be loaded first, found none");
    return this.#loaded;
  }

  /** Every entry into the module: what it throws is a broken invariant of ours, and the seed is what one needs to see it again. */
  #call<T>({ wasm, seed }: Loaded, action: (wasm: WasmExports) => T): T {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return action(wasm);
    } catch (error) {
      if (error instanceof SimulationError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const message = `engine wasm stopped on a broken invariant (seed ${seed}): ${reason}`;
      this.#failure = new SimulationError("ENGINE_FAILED", message, { engine: "wasm", seed, reason });
      throw this.#failure;
    }
  }
}

function build(wasm: WasmExports, program: DatapathProgram, seed: number): void {
  const version = wasm.abiVersion();
  if (version !== ABI_VERSION) throw new SimulationError("INVALID_INPUT", `wasm: expected a module of ABI version ${ABI_VERSION}, found ${version}`);
  checkBuild(wasm, program);
  const image = imageOf(program);
  const address = wasm.reserveImage(image.bytes) >>> 0;
  if (address === 0) throw outOfMemory("program");
  image.write(new DataView(wasm.memory.buffer, address, image.bytes));
  if (wasm.build(seed) === 0) throw outOfMemory("capacity");
}

function flowTables(wasm: WasmExports): FlowTables {
  return { address: wasm.flowCountersAddress() >>> 0, histograms: wasm.histogramsAddress() >>> 0, replies: wasm.repliesAddress() >>> 0 };
}

function reload(wasm: WasmExports, program: DatapathProgram): void {
  const image = imageOf(program);
  const address = wasm.reserveReload(image.bytes) >>> 0;
  if (address === 0) throw outOfMemory("program");
  image.write(new DataView(wasm.memory.buffer, address, image.bytes));
  if (wasm.reload() === 0) throw outOfMemory("program");
}

function writeInput<T>(wasm: WasmExports, write: RecordWriter<T>, record: T): void {
  write(new DataView(wasm.memory.buffer), wasm.inputAddress() >>> 0, record);
}

function appendDomain(wasm: WasmExports, name: string): void {
  const bytes = domainNameBytes(name)!;
  new Uint8Array(wasm.memory.buffer).set(bytes, wasm.inputAddress() >>> 0);
  wasm.appendDomain(bytes.length);
}

function replacePayload(wasm: WasmExports, index: number, record: PayloadRecord): void {
  const address = wasm.reservePayload(index, record.bytes.length) >>> 0;
  if (address === 0) throw outOfMemory("payloads");
  new Uint8Array(wasm.memory.buffer).set(record.bytes, address);
  writeInput(wasm, writePayload, record);
  wasm.setPayload(index);
}

/** The memory is not shared. */
function bufferOf(wasm: WasmExports): ArrayBuffer {
  return wasm.memory.buffer;
}

function outOfMemory(limit: string): SimulationError {
  return new SimulationError("LIMIT_EXCEEDED", `${limit}: expected tables of at most 2 GiB in all, found more`, { limit });
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
