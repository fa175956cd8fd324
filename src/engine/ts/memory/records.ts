import type { Drop } from "../../../../assembly/abi/drop";
import { CAPTURE_HEADER, EventKind } from "../../../../assembly/abi/event";
import type { Node } from "../../../../assembly/abi/node";
import { NONE } from "../../../../assembly/abi/version";
import type { CapturedFrame, EventRecord } from "../../engine";

/** Free event records below which a run comes back: what one event may write. */
const EVENT_RESERVE = 1024;

/** What the numbers -1 of the engine are outside. */
function orNone(index: number): number {
  return index < 0 ? NONE : index;
}

/** Event records between two drains, one array per field. A record that finds no room is counted, not kept. */
export class EventBuffer {
  lost = 0;
  private size = 0;
  private readonly times: Float64Array;
  /** Kind, node and reason. */
  private readonly codes: Uint8Array;
  /** Packet, device, flow, length. */
  private readonly words: Int32Array;
  private readonly sequences: Float64Array;

  constructor(private readonly capacity: number) {
    this.times = new Float64Array(capacity);
    this.codes = new Uint8Array(capacity * 3);
    this.words = new Int32Array(capacity * 4);
    this.sequences = new Float64Array(capacity);
  }

  get wantsDrain(): boolean {
    return this.capacity - this.size < EVENT_RESERVE;
  }

  write(
    time: number,
    kind: EventKind,
    node: Node,
    reason: Drop,
    packet: number,
    device: number,
    flow: number,
    sequence: number,
    length: number,
  ): void {
    if (this.size === this.capacity) {
      this.lost++;
      return;
    }
    const at = this.size++;
    this.times[at] = time;
    this.codes[at * 3] = kind;
    this.codes[at * 3 + 1] = node;
    this.codes[at * 3 + 2] = reason;
    this.words[at * 4] = packet;
    this.words[at * 4 + 1] = device;
    this.words[at * 4 + 2] = flow;
    this.words[at * 4 + 3] = length;
    this.sequences[at] = sequence;
  }

  drain(): EventRecord[] {
    const records = Array.from({ length: this.size }, (_, at) => this.record(at));
    this.size = 0;
    this.lost = 0;
    return records;
  }

  private record(at: number): EventRecord {
    const { codes, words } = this;
    return {
      timeNs: this.times[at],
      kind: codes[at * 3] as EventKind,
      node: codes[at * 3 + 1] as Node,
      reason: codes[at * 3 + 2] as Drop,
      packet: orNone(words[at * 4]),
      device: orNone(words[at * 4 + 1]),
      flow: orNone(words[at * 4 + 2]),
      sequence: this.sequences[at],
      length: words[at * 4 + 3],
    };
  }
}

/** Captured frames between two drains: `capacity` bytes, of which each frame takes a header and its padded bytes. */
export class CaptureBuffer {
  private used = 0;
  private frames: CapturedFrame[] = [];

  constructor(private readonly capacity: number) {}

  get wantsDrain(): boolean {
    return (this.capacity - this.used) * 4 < this.capacity;
  }

  write(
    time: number,
    device: number,
    direction: number,
    reason: Drop,
    node: Node,
    bytes: Uint8Array,
    frame: number,
    length: number,
    snaplen: number,
  ): void {
    const stored = Math.min(length, snaplen);
    const size = CAPTURE_HEADER + ((stored + 7) & ~7);
    if (this.used + size > this.capacity) return;
    this.used += size;
    this.frames.push({ timeNs: time, device, direction, reason, node, length, bytes: bytes.slice(frame, frame + stored) });
  }

  drain(): CapturedFrame[] {
    const { frames } = this;
    this.frames = [];
    this.used = 0;
    return frames;
  }
}
