import { SimulationError } from "../../../errors";

/** What happens when an event's time has come. The two numbers that it carries are indices. */
export enum EventType {
  /** A frame arrives from a link: (device, packet). */
  Arrive,
  /** A process is to read a datagram: (socket, packet). */
  Wake,
  /** (neighbour). */
  NeighbourTimer,
  /** (reassembly buffer). */
  ReassemblyTimer,
  /** (connection) each. */
  TcpTimer,
  TcpOutput,
  TcpWake,
  /** A flow's next message is due: (flow, generation). */
  Source,
  /** (flow). */
  FlowTimer,
  /** A process is to read a datagram that came for a socket of its own: (session, packet). */
  SessionWake,
  /** (session). */
  SessionTimer,
  /** Addresses of IPv6 are looked after. */
  Dad,
  /** (stream). */
  StreamTimer,
}

/** Children of a heap node: a flatter heap than a binary one touches fewer cache lines. */
const ARITY = 4;

/**
 * What will happen: a heap over typed arrays, ordered by time, then by the order of pushing, so that equal times are
 * deterministic. `pop` leaves the event in `time`, `type`, `first` and `second`.
 */
export class EventQueue {
  size = 0;
  time = 0;
  type = EventType.Arrive;
  first = 0;
  second = 0;

  private sequence = 0;
  private readonly times: Float64Array;
  private readonly sequences: Float64Array;
  private readonly slots: Int32Array;
  private readonly free: Int32Array;
  private readonly types: Uint8Array;
  private readonly firsts: Int32Array;
  private readonly seconds: Int32Array;

  constructor(
    private readonly capacity: number,
    private readonly seed: number,
  ) {
    this.times = new Float64Array(capacity);
    this.sequences = new Float64Array(capacity);
    this.slots = new Int32Array(capacity);
    this.free = new Int32Array(capacity).map((_, slot) => capacity - 1 - slot);
    this.types = new Uint8Array(capacity);
    this.firsts = new Int32Array(capacity);
    this.seconds = new Int32Array(capacity);
  }

  /** When the earliest event is due; Infinity if there is none. */
  get nextTime(): number {
    return this.size === 0 ? Infinity : this.times[0];
  }

  push(time: number, type: EventType, first: number, second: number): void {
    if (this.size === this.capacity) this.overflow();
    const slot = this.free[this.capacity - 1 - this.size];
    this.types[slot] = type;
    this.firsts[slot] = first;
    this.seconds[slot] = second;
    this.rise(this.size++, time, this.sequence++, slot);
  }

  pop(): void {
    const slot = this.slots[0];
    this.time = this.times[0];
    this.type = this.types[slot];
    this.first = this.firsts[slot];
    this.second = this.seconds[slot];
    const last = --this.size;
    this.free[this.capacity - 1 - last] = slot;
    if (last > 0) this.sink(this.times[last], this.sequences[last], this.slots[last]);
  }

  private rise(from: number, time: number, sequence: number, slot: number): void {
    const { times, sequences, slots } = this;
    let at = from;
    while (at > 0) {
      const parent = ((at - 1) / ARITY) | 0;
      // A new event has the highest sequence number: it stays behind those of its own time.
      if (times[parent] <= time) break;
      times[at] = times[parent];
      sequences[at] = sequences[parent];
      slots[at] = slots[parent];
      at = parent;
    }
    times[at] = time;
    sequences[at] = sequence;
    slots[at] = slot;
  }

  private sink(time: number, sequence: number, slot: number): void {
    const { times, sequences, slots, size } = this;
    let at = 0;
    for (;;) {
      const child = at * ARITY + 1;
      if (child >= size) break;
      let least = child;
      const end = Math.min(child + ARITY, size);
      for (let c = child + 1; c < end; c++) {
        if (times[c] < times[least] || (times[c] === times[least] && sequences[c] < sequences[least])) least = c;
      }
      if (times[least] > time || (times[least] === time && sequences[least] > sequence)) break;
      times[at] = times[least];
      sequences[at] = sequences[least];
      slots[at] = slots[least];
      at = least;
    }
    times[at] = time;
    sequences[at] = sequence;
    slots[at] = slot;
  }

  private overflow(): never {
    throw new SimulationError(
      "ENGINE_FAILED",
      `the event queue holds ${this.capacity} events and one more was pushed (seed ${this.seed})`,
      {
        seed: this.seed,
        limit: "events",
      },
    );
  }
}
