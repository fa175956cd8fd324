import { REASSEMBLY_MAX } from "../../../../assembly/abi/limits";
import { DATAGRAM_MAX, type Memory } from "../memory/memory";
import { Packet } from "../memory/packet";
import type { Namespace } from "./namespace";
import { NO_DEADLINE } from "./neighbour";

const UNITS = (DATAGRAM_MAX >> 3) + 1;

/** What a fragment does to its buffer. */
export enum Fit {
  Stored,
  /** Every byte of it was there. */
  Duplicate,
  /** It contradicts what was there. */
  Overlap,
}

/** One datagram that is being put together. */
export class ReassemblyBuffer {
  namespace: Namespace | null = null;
  source = 0;
  destination = 0;
  identification = 0;
  protocol = 0;
  /** Address of the payload; the first fragment's header ends here. */
  readonly payload: number;
  /** Bytes of the first fragment's header; 0 until it is there. */
  headerLength = 0;
  /** Bytes of the first fragment's payload. */
  firstLength = 0;
  /** Bytes of payload that came, and that there are in all (-1: the last fragment has not come). */
  received = 0;
  total = -1;
  /** Total length of the longest fragment, header included. */
  longest = 0;
  deadline = NO_DEADLINE;
  dueAt = NO_DEADLINE;
  timersQueued = 0;
  /** Flow, sequence and the like of the first fragment that arrived; device of the last. Owns no slot. */
  readonly kept: Packet;
  /** One byte per 8 bytes of payload: 1 if they came. */
  private readonly units = new Uint8Array(UNITS);
  private highestUnit = -1;
  private presentUnits = 0;

  constructor(
    readonly index: number,
    private readonly memory: Memory,
  ) {
    this.payload = memory.area(index);
    this.kept = new Packet(-1, this.payload);
  }

  begin(namespace: Namespace, source: number, destination: number, identification: number, protocol: number): void {
    this.namespace = namespace;
    this.source = source;
    this.destination = destination;
    this.identification = identification;
    this.protocol = protocol;
    this.units.fill(0, 0, this.highestUnit + 1);
    this.highestUnit = -1;
    this.presentUnits = 0;
    this.headerLength = this.firstLength = 0;
    this.received = this.longest = 0;
    this.total = -1;
  }

  /** Takes a fragment's payload of `length` bytes at `offset`; `from` is its address. */
  store(from: number, offset: number, length: number, isLast: boolean): Fit {
    const first = offset >> 3;
    const last = (offset + length - 1) >> 3;
    let there = 0;
    for (let unit = first; unit <= last; unit++) there += this.units[unit];
    if (there === last - first + 1) return Fit.Duplicate;
    if (there > 0) return Fit.Overlap;
    const end = offset + length;
    if (isLast) {
      if (this.total >= 0 && this.total !== end) return Fit.Overlap;
      if (this.highestUnit >= (end + 7) >> 3) return Fit.Overlap;
      this.total = end;
    } else if (this.total >= 0 && end > this.total) {
      return Fit.Overlap;
    }
    this.units.fill(1, first, last + 1);
    this.presentUnits += last - first + 1;
    if (last > this.highestUnit) this.highestUnit = last;
    this.received += length;
    this.memory.copy(this.payload + offset, from, length);
    return Fit.Stored;
  }

  storeHeader(from: number, length: number): void {
    this.memory.copy(this.payload - length, from, length);
    this.headerLength = length;
  }

  get isComplete(): boolean {
    return this.total >= 0 && this.presentUnits === (this.total + 7) >> 3;
  }

  free(): void {
    this.namespace = null;
    this.deadline = NO_DEADLINE;
    this.kept.flow = null;
    this.kept.device = null;
  }
}

/**
 * Datagrams in pieces. Key: (namespace, source, destination, identification, protocol), RFC 791 §3.2; `REASSEMBLY_MAX`
 * buffers in the whole simulation. A buffer is freed when its datagram is complete, contradicts itself, or is 30 s old.
 */
export class ReassemblyTable {
  readonly buffers: readonly ReassemblyBuffer[];

  constructor(memory: Memory) {
    this.buffers = Array.from({ length: REASSEMBLY_MAX }, (_, index) => new ReassemblyBuffer(index, memory));
  }

  find(namespace: Namespace, source: number, destination: number, identification: number, protocol: number): ReassemblyBuffer | null {
    for (const buffer of this.buffers) {
      if (
        buffer.namespace === namespace &&
        buffer.identification === identification &&
        buffer.source === source &&
        buffer.destination === destination &&
        buffer.protocol === protocol
      ) {
        return buffer;
      }
    }
    return null;
  }

  /** The first buffer that is not in use, or null. */
  findFree(): ReassemblyBuffer | null {
    for (const buffer of this.buffers) if (buffer.namespace === null) return buffer;
    return null;
  }
}
