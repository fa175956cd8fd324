import { Stop } from "../../assembly/abi/event";
import { Node } from "../../assembly/abi/node";
import type { CapturedFrame, Counters, Drained, Engine, InjectedFrame, ObserveOptions, Slice } from "../../src/engine/engine";
import { SimulationError } from "../../src/errors";

/** What `inject` does, by the device it is given: the ways in which a worker or an engine can come to grief. */
export enum Fault {
  /** Throws an error that the engine means. */
  Refuse = 1,
  /** Throws as Wasm does when an assertion fails. */
  Trap,
  /** Throws outside of a call, a moment later. */
  ThrowLater,
  /** Ends the worker from inside. */
  Exit,
  /** Never comes back. */
  Hang,
}

const FRAME_EVERY = 1_000;

/** One event per nanosecond and nothing else: stands for an engine where only the boundary around it matters. */
export class FakeEngine implements Engine {
  readonly kind = "ts";
  #now = 0;
  #events = 0;
  #frames: CapturedFrame[] = [];
  #captures = false;

  load(): void {
    this.#now = 0;
  }

  apply(): void {}

  observe({ captureDevices }: ObserveOptions): void {
    this.#captures = captureDevices.length > 0;
  }

  inject(frames: readonly InjectedFrame[]): void {
    for (const { device } of frames) this.#fault(device);
  }

  run(until: number, budget: number): Slice {
    let events = 0;
    while (this.#now < until && events < budget) {
      if (this.#frames.length >= 100) return this.#slice(events, Stop.Drain);
      this.#now += 1;
      events += 1;
      if (this.#captures && this.#now % FRAME_EVERY === 0) this.#frames.push(this.#frame());
    }
    return this.#slice(events, this.#now < until ? Stop.Budget : Stop.Until);
  }

  drain(): Drained {
    const frames = this.#frames;
    this.#frames = [];
    return { events: [], frames, eventsLost: 0 };
  }

  counters(): Counters {
    const totals = { events: this.#events, delivered: this.#events, dropped: 0, transmitted: 0, packetsAlive: 0, packetsPeak: 0, pendingEvents: 0 };
    return { now: this.#now, totals, devices: [], flows: [], deviceDrops: [], flowDrops: [] };
  }

  tally(): Counters {
    return this.counters();
  }

  digest(): string {
    return this.#now.toString(16).padStart(16, "0");
  }

  dispose(): void {}

  #slice(events: number, stop: Stop): Slice {
    this.#events += events;
    return { now: this.#now, events, stop };
  }

  #frame(): CapturedFrame {
    return { timeNs: this.#now, device: 0, direction: 1, reason: 0, node: Node.Done, length: 60, bytes: new Uint8Array(60).fill(this.#now / FRAME_EVERY) };
  }

  #fault(fault: number): void {
    switch (fault) {
      case Fault.Refuse:
        throw new SimulationError("LIMIT_EXCEEDED", "capacity: expected at most 3, found 4", {
          limit: "capacity",
          position: { file: "compose.yaml", line: 3, column: 7 },
        });
      case Fault.Trap:
        throw new WebAssembly.RuntimeError("unreachable");
      case Fault.ThrowLater:
        setTimeout(() => {
          throw new RangeError("thrown later");
        });
        return;
      case Fault.Exit:
        process.exit(3);
        return;
      case Fault.Hang:
        for (;;);
    }
  }
}
