import * as abi from "../../../assembly/abi/counter";
import { DROP_COUNT, type Drop } from "../../../assembly/abi/drop";
import * as event from "../../../assembly/abi/event";
import { DNS_LONG_REPLY, DNS_MESSAGE_MAX } from "../../../assembly/abi/dns";
import { HISTOGRAM_BUCKETS } from "../../../assembly/abi/limits";
import { NONE } from "../../../assembly/abi/version";
import type { CapturedFrame, DeviceCounters, DropCount, EventRecord, FlowCounters, FlowOutcome, FlowTally, Totals } from "../engine";
import type { AddressWords } from "../program";

/** `count` event records at `address`. */
export function decodeEvents(memory: ArrayBuffer, address: number, count: number): EventRecord[] {
  const view = new DataView(memory, address, count * event.EVENT_SIZE);
  return Array.from({ length: count }, (_, index) => {
    const at = index * event.EVENT_SIZE;
    return {
      timeNs: view.getFloat64(at + event.EVENT_TIME, true),
      kind: view.getUint8(at + event.EVENT_KIND),
      node: view.getUint8(at + event.EVENT_NODE),
      reason: view.getUint8(at + event.EVENT_REASON),
      packet: view.getUint32(at + event.EVENT_PACKET, true),
      device: view.getUint32(at + event.EVENT_DEVICE, true),
      flow: view.getUint32(at + event.EVENT_FLOW, true),
      sequence: view.getUint32(at + event.EVENT_SEQUENCE, true),
      length: view.getUint32(at + event.EVENT_LENGTH, true),
    };
  });
}

/** The frames in `bytes` bytes of capture records at `address`. What the engine overwrites is copied. */
export function decodeCapture(memory: ArrayBuffer, address: number, bytes: number): CapturedFrame[] {
  const view = new DataView(memory, address, bytes);
  const frames: CapturedFrame[] = [];
  for (let at = 0; at < bytes; ) {
    const stored = view.getUint32(at + event.CAPTURE_STORED, true);
    const from = address + at + event.CAPTURE_HEADER;
    frames.push({
      timeNs: view.getFloat64(at + event.CAPTURE_TIME, true),
      device: view.getUint32(at + event.CAPTURE_DEVICE, true),
      direction: view.getUint8(at + event.CAPTURE_DIRECTION),
      reason: view.getUint8(at + event.CAPTURE_REASON),
      node: view.getUint8(at + event.CAPTURE_NODE),
      length: view.getUint32(at + event.CAPTURE_LENGTH, true),
      bytes: new Uint8Array(memory.slice(from, from + stored)),
    });
    at += event.CAPTURE_HEADER + ((stored + 7) & ~7);
  }
  return frames;
}

export function decodeTotals(memory: ArrayBuffer, address: number): Totals {
  const view = new DataView(memory, address, abi.TOTAL_SIZE);
  return {
    events: view.getFloat64(abi.TOTAL_EVENTS, true),
    delivered: view.getFloat64(abi.TOTAL_DELIVERED, true),
    dropped: view.getFloat64(abi.TOTAL_DROPPED, true),
    transmitted: view.getFloat64(abi.TOTAL_TRANSMITTED, true),
    packetsAlive: view.getFloat64(abi.TOTAL_PACKETS_ALIVE, true),
    packetsPeak: view.getFloat64(abi.TOTAL_PACKETS_PEAK, true),
    pendingEvents: view.getFloat64(abi.TOTAL_PENDING_EVENTS, true),
  };
}

export function decodeDevices(memory: ArrayBuffer, address: number, count: number): DeviceCounters[] {
  const view = new DataView(memory, address, count * abi.DEVICE_COUNTER_SIZE);
  return Array.from({ length: count }, (_, index) => {
    const at = index * abi.DEVICE_COUNTER_SIZE;
    return {
      rxPackets: view.getFloat64(at + abi.DEVICE_COUNTER_RX_PACKETS, true),
      rxBytes: view.getFloat64(at + abi.DEVICE_COUNTER_RX_BYTES, true),
      txPackets: view.getFloat64(at + abi.DEVICE_COUNTER_TX_PACKETS, true),
      txBytes: view.getFloat64(at + abi.DEVICE_COUNTER_TX_BYTES, true),
    };
  });
}

/** Where the counters of flows lie, their histograms, and the last answers to queries. */
export interface FlowTables {
  readonly address: number;
  readonly histograms: number;
  readonly replies: number;
}

export function decodeFlows(memory: ArrayBuffer, { address, histograms, replies }: FlowTables, count: number): FlowCounters[] {
  return Array.from({ length: count }, (_, index) => {
    const view = new DataView(memory, address + index * abi.FLOW_COUNTER_SIZE, abi.FLOW_COUNTER_SIZE);
    const read = (offset: number) => view.getFloat64(offset, true);
    const buckets = new Uint32Array(memory, histograms + index * HISTOGRAM_BUCKETS * 4, HISTOGRAM_BUCKETS);
    return {
      sent: read(abi.FLOW_COUNTER_SENT),
      sentBytes: read(abi.FLOW_COUNTER_SENT_BYTES),
      delivered: read(abi.FLOW_COUNTER_DELIVERED),
      deliveredBytes: read(abi.FLOW_COUNTER_DELIVERED_BYTES),
      answered: read(abi.FLOW_COUNTER_ANSWERED),
      answeredBytes: read(abi.FLOW_COUNTER_ANSWERED_BYTES),
      duplicates: read(abi.FLOW_COUNTER_DUPLICATES),
      reordered: read(abi.FLOW_COUNTER_REORDERED),
      timeouts: read(abi.FLOW_COUNTER_TIMEOUTS),
      errors: read(abi.FLOW_COUNTER_ERRORS),
      retransmits: read(abi.FLOW_COUNTER_RETRANSMITS),
      blocked: read(abi.FLOW_COUNTER_BLOCKED),
      inFlight: read(abi.FLOW_COUNTER_IN_FLIGHT),
      state: view.getInt32(abi.FLOW_COUNTER_STATE, true),
      error: view.getInt32(abi.FLOW_COUNTER_ERROR, true),
      latency: {
        count: read(abi.FLOW_COUNTER_LATENCY_COUNT),
        sumNs: read(abi.FLOW_COUNTER_LATENCY_SUM),
        minNs: read(abi.FLOW_COUNTER_LATENCY_MIN),
        maxNs: read(abi.FLOW_COUNTER_LATENCY_MAX),
        buckets: buckets.slice(),
      },
      outcome: decodeOutcome(view, memory, replies, index),
    };
  });
}

export function decodeTallies(memory: ArrayBuffer, address: number, count: number): FlowTally[] {
  const view = new DataView(memory, address, count * abi.FLOW_COUNTER_SIZE);
  return Array.from({ length: count }, (_, index) => {
    const read = (offset: number) => view.getFloat64(index * abi.FLOW_COUNTER_SIZE + offset, true);
    return {
      sent: read(abi.FLOW_COUNTER_SENT),
      delivered: read(abi.FLOW_COUNTER_DELIVERED),
      answered: read(abi.FLOW_COUNTER_ANSWERED),
      inFlight: read(abi.FLOW_COUNTER_IN_FLIGHT),
    };
  });
}

function decodeOutcome(view: DataView, memory: ArrayBuffer, replies: number, index: number): FlowOutcome {
  const read = (offset: number) => view.getUint32(offset, true);
  const bytes = read(abi.FLOW_COUNTER_REPLY_BYTES);
  const reply = bytes > DNS_MESSAGE_MAX ? replies - DNS_LONG_REPLY : replies + index * DNS_MESSAGE_MAX;
  const words = (offset: number): AddressWords => [read(offset), read(offset + 4), read(offset + 8), read(offset + 12)];
  return {
    errorBy: read(abi.FLOW_COUNTER_ERROR_BY),
    replyTtl: read(abi.FLOW_COUNTER_REPLY_TTL),
    server: read(abi.FLOW_COUNTER_SERVER),
    peerIp: read(abi.FLOW_COUNTER_PEER_IP),
    peerPort: read(abi.FLOW_COUNTER_PEER_PORT),
    localIp: read(abi.FLOW_COUNTER_LOCAL_IP),
    localPort: read(abi.FLOW_COUNTER_LOCAL_PORT),
    errorBy6: words(abi.FLOW_COUNTER_ERROR_BY6),
    peerIp6: words(abi.FLOW_COUNTER_PEER_IP6),
    localIp6: words(abi.FLOW_COUNTER_LOCAL_IP6),
    reply: new Uint8Array(memory.slice(reply, reply + bytes)),
  };
}

/** The rows of a table of drops that say something: `count` of them, then the one at `last` for what belongs to none. */
export function decodeDrops(memory: ArrayBuffer, address: number, count: number, last: number): DropCount[] {
  const drops: DropCount[] = [];
  // Most of it is zeros, and a large network has thousands of rows.
  const table = new Float64Array(memory, address, (last + 1) * DROP_COUNT);
  const readRow = (row: number, of: number): void => {
    const first = row * DROP_COUNT;
    for (let reason: Drop = 0; reason < DROP_COUNT; reason++) {
      const amount = table[first + reason]!;
      if (amount !== 0) drops.push({ reason, of, count: amount });
    }
  };
  for (let index = 0; index < count; index++) readRow(index, index);
  readRow(last, NONE);
  return drops;
}
