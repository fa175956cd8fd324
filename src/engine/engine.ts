import type { FlowError, FlowState } from "../../assembly/abi/counter";
import type { Drop } from "../../assembly/abi/drop";
import type { EventKind, Stop } from "../../assembly/abi/event";
import type { Node } from "../../assembly/abi/node";
import type { AddressWords, DatapathProgram, ProgramPatch } from "./program";

export type EngineKind = "wasm" | "ts";

/** Simulated time in integer nanoseconds; exact up to 2^53 (104 days). */
export type Nanoseconds = number;

/**
 * A packet path: the one interface that both engines implement and the only thing that their users import. It is
 * synchronous; `worker/` makes either of them asynchronous. What each call does to packets is written down in docs/ENGINE.md.
 */
export interface Engine {
  readonly kind: EngineKind;
  /** Builds every table. Throws `LIMIT_EXCEEDED` if the program does not fit its own capacity. */
  load(program: DatapathProgram, options: { readonly seed: number }): void;
  /** Changes tables between two events; what Linux would keep (FDB, neighbours, connections) is kept. */
  apply(patch: ProgramPatch): void;
  /** Chooses what is recorded from now on. */
  observe(options: ObserveOptions): void;
  /** Lets frames arrive at devices, as if from the wire. Times before the present count as the present. */
  inject(frames: readonly InjectedFrame[]): void;
  /**
   * Advances simulated time to `until` (events at `until` itself included), or returns earlier: after `budget` events, or
   * when a record buffer wants draining. Results never depend on how a run is cut into slices.
   */
  run(until: Nanoseconds, budget: number): Slice;
  /** Hands over the records written since the last drain, oldest first, and empties the buffers. */
  drain(): Drained;
  counters(): Counters;
  /** The little of the counters that is looked at often: it costs little. */
  tally(): Tally;
  /** 16 hexadecimal digits: a running hash over every delivery and drop. Equal for equal programs, seeds and engines. */
  digest(): string;
  /** Gives the memory back. Every later call throws `CLOSED`. */
  dispose(): void;
}

export interface ObserveOptions {
  /** Devices whose frames are captured. */
  readonly captureDevices: readonly number[];
  /** Bytes stored per frame. */
  readonly snaplen: number;
  /** Record a `Drop` event for every drop (traced packets are always recorded). */
  readonly recordDrops: boolean;
  /** Trace the next `packets` packets of each flow, hop by hop. */
  readonly trace: readonly { readonly flow: number; readonly packets: number }[];
}

export interface InjectedFrame {
  readonly timeNs: Nanoseconds;
  readonly device: number;
  /** From 0 bytes up to the program's `capacity.frameBytes`; longer ones are refused with `INVALID_INPUT`. */
  readonly bytes: Uint8Array;
}

export interface Slice {
  readonly now: Nanoseconds;
  /** Events processed by this call. */
  readonly events: number;
  readonly stop: Stop;
}

export interface EventRecord {
  readonly timeNs: Nanoseconds;
  readonly kind: EventKind;
  readonly node: Node;
  readonly reason: Drop;
  readonly packet: number;
  readonly device: number;
  readonly flow: number;
  readonly sequence: number;
  readonly length: number;
}

export interface CapturedFrame {
  readonly timeNs: Nanoseconds;
  readonly device: number;
  /** CAPTURE_INBOUND, CAPTURE_OUTBOUND. */
  readonly direction: number;
  /** `Drop.None`, or why the frame died here; `node` says where. */
  readonly reason: Drop;
  readonly node: Node;
  /** Bytes of the whole frame. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

export interface Drained {
  readonly events: readonly EventRecord[];
  readonly frames: readonly CapturedFrame[];
  /** Event records that found the buffer full; counters and digest have them all the same. */
  readonly eventsLost: number;
}

export interface DeviceCounters {
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly txBytes: number;
}

export interface FlowCounters {
  readonly sent: number;
  readonly sentBytes: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly answered: number;
  readonly answeredBytes: number;
  readonly duplicates: number;
  readonly reordered: number;
  readonly timeouts: number;
  readonly errors: number;
  readonly retransmits: number;
  readonly blocked: number;
  readonly inFlight: number;
  readonly state: FlowState;
  readonly error: FlowError;
  readonly latency: LatencyHistogram;
  readonly outcome: FlowOutcome;
}

/** What the last messages of a flow came to. Addresses are u32, 0 if there was none. */
export interface FlowOutcome {
  /** Who sent the last ICMP error. */
  readonly errorBy: number;
  /** TTL of the last echo reply. */
  readonly replyTtl: number;
  /** Namespace of the last server that answered, NONE if none did; whom it saw, and where it was asked. */
  readonly server: number;
  readonly peerIp: number;
  readonly peerPort: number;
  readonly localIp: number;
  readonly localPort: number;
  /** The same addresses where they are of IPv6 (the numbers above are 0 then); zeros if not. */
  readonly errorBy6: AddressWords;
  readonly peerIp6: AddressWords;
  readonly localIp6: AddressWords;
  /** The last answer to a Query, as it came: a DNS message. Empty: none. */
  readonly reply: Uint8Array;
}

/** Nanoseconds, in the log-linear buckets of docs/ENGINE.md. `minNs` and `maxNs` are exact; 0 if nothing was measured. */
export interface LatencyHistogram {
  readonly count: number;
  readonly sumNs: number;
  readonly minNs: number;
  readonly maxNs: number;
  /** `HISTOGRAM_BUCKETS` counts. */
  readonly buckets: Uint32Array;
}

/** How often one thing died of one reason. */
export interface DropCount {
  readonly reason: Drop;
  /** Index of the device or flow; NONE for packets without one. */
  readonly of: number;
  readonly count: number;
}

export interface Totals {
  readonly events: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly transmitted: number;
  readonly packetsAlive: number;
  readonly packetsPeak: number;
  readonly pendingEvents: number;
}

export interface HostCounters {
  /** Time that its CPUs have worked, all together. */
  readonly busyNs: number;
}

export interface Counters {
  readonly now: Nanoseconds;
  readonly totals: Totals;
  /** By host index. */
  readonly hosts?: readonly HostCounters[];
  /** By device index. */
  readonly devices: readonly DeviceCounters[];
  /** By flow index. */
  readonly flows: readonly FlowCounters[];
  /** Sorted by device, then reason; only what happened. NONE comes last. */
  readonly deviceDrops: readonly DropCount[];
  /** The same packets by flow, then reason. NONE (ARP, injected frames) comes last. */
  readonly flowDrops: readonly DropCount[];
  /** Packets that matched, by index of rule. */
  readonly rules?: readonly number[];
}

/** How messages of a flow have fared. */
export type FlowTally = Pick<FlowCounters, "sent" | "delivered" | "answered" | "inFlight">;

export interface Tally extends Pick<Counters, "now" | "totals"> {
  /** By index. */
  readonly flows: readonly FlowTally[];
}
