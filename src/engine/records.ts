import {
  CAPTURE_DEVICE,
  CAPTURE_DIRECTION,
  CAPTURE_HEADER,
  CAPTURE_LENGTH,
  CAPTURE_NODE,
  CAPTURE_REASON,
  CAPTURE_STORED,
  CAPTURE_TIME,
  EVENT_DEVICE,
  EVENT_FLOW,
  EVENT_KIND,
  EVENT_LENGTH,
  EVENT_NODE,
  EVENT_PACKET,
  EVENT_REASON,
  EVENT_SEQUENCE,
  EVENT_SIZE,
  EVENT_TIME,
} from "../../assembly/abi/event";
import type { CapturedFrame, Drained, EventRecord } from "./engine";

/** The records between two drains as two flat buffers, which change threads without a copy. Layouts: `assembly/abi/event.ts`. */
export interface RecordBatch {
  readonly events: ArrayBuffer;
  readonly frames: ArrayBuffer;
  readonly eventsLost: number;
}

/** Packs what an engine drained; `undefined` if there is nothing. */
export function packRecords(drained: Drained): RecordBatch | undefined {
  const { events, frames, eventsLost } = drained;
  if (events.length === 0 && frames.length === 0 && eventsLost === 0) return undefined;
  return { events: packEvents(events), frames: packFrames(frames), eventsLost };
}

/** The event records of a batch, oldest first. */
export function readEvents(batch: RecordBatch): EventRecord[] {
  const view = new DataView(batch.events);
  const events: EventRecord[] = [];
  for (let at = 0; at < view.byteLength; at += EVENT_SIZE) {
    events.push({
      timeNs: view.getFloat64(at + EVENT_TIME, true),
      kind: view.getUint8(at + EVENT_KIND),
      node: view.getUint8(at + EVENT_NODE),
      reason: view.getUint8(at + EVENT_REASON),
      packet: view.getUint32(at + EVENT_PACKET, true),
      device: view.getUint32(at + EVENT_DEVICE, true),
      flow: view.getUint32(at + EVENT_FLOW, true),
      sequence: view.getUint32(at + EVENT_SEQUENCE, true),
      length: view.getUint32(at + EVENT_LENGTH, true),
    });
  }
  return events;
}

/** The captured frames of a batch, oldest first. Their bytes are views into the batch. */
export function* readFrames(batch: RecordBatch): Generator<CapturedFrame> {
  const view = new DataView(batch.frames);
  for (let at = 0; at < view.byteLength; ) {
    const stored = view.getUint32(at + CAPTURE_STORED, true);
    yield {
      timeNs: view.getFloat64(at + CAPTURE_TIME, true),
      device: view.getUint32(at + CAPTURE_DEVICE, true),
      direction: view.getUint8(at + CAPTURE_DIRECTION),
      reason: view.getUint8(at + CAPTURE_REASON),
      node: view.getUint8(at + CAPTURE_NODE),
      length: view.getUint32(at + CAPTURE_LENGTH, true),
      bytes: new Uint8Array(batch.frames, at + CAPTURE_HEADER, stored),
    };
    at += captureSize(stored);
  }
}

function packEvents(events: readonly EventRecord[]): ArrayBuffer {
  const buffer = new ArrayBuffer(events.length * EVENT_SIZE);
  const view = new DataView(buffer);
  let at = 0;
  for (const event of events) {
    view.setFloat64(at + EVENT_TIME, event.timeNs, true);
    view.setUint8(at + EVENT_KIND, event.kind);
    view.setUint8(at + EVENT_NODE, event.node);
    view.setUint8(at + EVENT_REASON, event.reason);
    view.setUint32(at + EVENT_PACKET, event.packet, true);
    view.setUint32(at + EVENT_DEVICE, event.device, true);
    view.setUint32(at + EVENT_FLOW, event.flow, true);
    view.setUint32(at + EVENT_SEQUENCE, event.sequence, true);
    view.setUint32(at + EVENT_LENGTH, event.length, true);
    at += EVENT_SIZE;
  }
  return buffer;
}

function packFrames(frames: readonly CapturedFrame[]): ArrayBuffer {
  let size = 0;
  for (const { bytes } of frames) size += captureSize(bytes.length);
  const buffer = new ArrayBuffer(size);
  const view = new DataView(buffer);
  const target = new Uint8Array(buffer);
  let at = 0;
  for (const frame of frames) {
    view.setFloat64(at + CAPTURE_TIME, frame.timeNs, true);
    view.setUint32(at + CAPTURE_DEVICE, frame.device, true);
    view.setUint8(at + CAPTURE_DIRECTION, frame.direction);
    view.setUint8(at + CAPTURE_REASON, frame.reason);
    view.setUint8(at + CAPTURE_NODE, frame.node);
    view.setUint32(at + CAPTURE_STORED, frame.bytes.length, true);
    view.setUint32(at + CAPTURE_LENGTH, frame.length, true);
    target.set(frame.bytes, at + CAPTURE_HEADER);
    at += captureSize(frame.bytes.length);
  }
  return buffer;
}

/** The record keeps its successors aligned for their f64. */
function captureSize(stored: number): number {
  return CAPTURE_HEADER + ((stored + 7) & ~7);
}
