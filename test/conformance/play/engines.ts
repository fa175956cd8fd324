/** Both packet engines, side by side: they are told the same at the same virtual time. */
import { CAPTURE_OUTBOUND } from "../../../assembly/abi/event";
import { DeviceKind } from "../../../assembly/abi/program";
import { Drop } from "../../../assembly/abi/drop";
import type { Counters, Engine, Nanoseconds } from "../../../src/engine/engine";
import type { DatapathProgram, ProgramPatch } from "../../../src/engine/program";
import { createTsEngine } from "../../../src/engine/ts/index";
import { PACKED } from "../../../src/engine/wasm/bytes.gen";
import { compileWasm } from "../../../src/engine/wasm/compile";
import { createWasmEngine } from "../../../src/engine/wasm/index";

export type EngineChoice = "wasm" | "ts" | "both";

/** Compiled once. */
let wasmModule: Promise<WebAssembly.Module> | undefined;

function compiledWasm(): Promise<WebAssembly.Module> {
  wasmModule ??= compileWasm(PACKED);
  return wasmModule;
}

/** Frames that a device saw, as one engine recorded them. */
export interface CapturedAt {
  readonly device: number;
  readonly bytes: Uint8Array;
}

export class Engines {
  readonly #engines: readonly Engine[];
  #captured: CapturedAt[][] = [];
  #capturing: readonly number[] = [];
  #devices: DatapathProgram["devices"] = [];

  private constructor(engines: readonly Engine[]) {
    this.#engines = engines;
  }

  static async open(choice: EngineChoice): Promise<Engines> {
    const wasm = choice === "ts" ? [] : [createWasmEngine(await compiledWasm())];
    return new Engines([...wasm, ...(choice === "wasm" ? [] : [createTsEngine()])]);
  }

  get kinds(): string[] {
    return this.#engines.map(({ kind }) => kind);
  }

  load(program: DatapathProgram): void {
    this.#devices = program.devices;
    for (const engine of this.#engines) engine.load(program, { seed: 1 });
  }

  apply(patch: ProgramPatch): void {
    this.#devices = patch.program?.devices ?? this.#devices;
    for (const engine of this.#engines) engine.apply(patch);
  }

  run(until: Nanoseconds): void {
    for (const [index, engine] of this.#engines.entries()) {
      while (engine.run(until, Number.POSITIVE_INFINITY).now < until) this.#drain(index);
      this.#drain(index);
    }
  }

  #drain(index: number): void {
    if (this.#capturing.length === 0) return;
    const { frames } = this.#engines[index]!.drain();
    const seen = frames.filter(({ reason, direction, device }) => reason === Drop.None && this.#capturing.includes(device) && direction <= CAPTURE_OUTBOUND);
    // tcpdump shows what passes a loopback device once.
    const once = seen.filter(({ device, direction }) => direction !== CAPTURE_OUTBOUND || this.#devices[device]?.kind !== DeviceKind.Loopback);
    this.#captured[index]!.push(...once.map(({ device, bytes }) => ({ device, bytes })));
  }

  /** By engine. */
  counters(): Counters[] {
    return this.#engines.map((engine) => engine.counters());
  }

  /** Records frames at devices from now on; returns what was recorded, by engine, when it is ended. */
  capture(devices: readonly number[]): () => CapturedAt[][] {
    this.#capturing = devices;
    this.#captured = this.#engines.map(() => []);
    const observe = (captureDevices: readonly number[]) => {
      for (const engine of this.#engines) engine.observe({ captureDevices, snaplen: 65_535, recordDrops: false, trace: [] });
    };
    observe(devices);
    return () => {
      observe([]);
      this.#capturing = [];
      return this.#captured;
    };
  }

  dispose(): void {
    for (const engine of this.#engines) engine.dispose();
  }
}
