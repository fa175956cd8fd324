/** Event records: drops if asked for, and all that happens to traced packets. */
import { EVENT_DEVICE, EVENT_FLOW, EVENT_KIND, EVENT_LENGTH, EVENT_NODE, EVENT_PACKET, EVENT_REASON, EVENT_SEQUENCE, EVENT_SIZE, EVENT_TIME, EventKind } from "../abi/event";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { NONE } from "../abi/version";
import { reserve } from "../memory/arena";
import { frameLength, Packet } from "../memory/pool";
import { clock } from "../simulation/clock";
import { Flow } from "../tables/flow";

/** A run stops for a drain when fewer records are free. */
const RECORDS_LOW: u32 = 1024;

let base: usize = 0;
let capacity: u32 = 0;
export let recordsUsed: u32 = 0;
export let recordsLost: u32 = 0;
export let recordDrops: bool = false;
export let tracing: bool = false;
let traced: u32 = 0;

export function reserveRecords(records: u32): void {
  capacity = records;
  base = reserve(records, EVENT_SIZE);
}

export function recordsAddress(): usize {
  return base;
}

export function chooseRecords(drops: bool): void {
  recordDrops = drops;
  tracing = false;
}

export function traceFlow(flow: Flow, packets: u32): void {
  tracing = true;
  flow.traceBudget = packets;
}

export function forgetRecords(): void {
  recordsUsed = 0;
  recordsLost = 0;
}

@inline export function recordsAreLow(): bool {
  return (recordDrops || tracing) && capacity - recordsUsed < RECORDS_LOW;
}

/** Gives a packet that its flow's socket just made a number, if the flow still has some. */
@inline export function startTrace(packet: Packet, flow: Flow): void {
  if (flow.traceBudget != 0) number(packet, flow);
}

function number(packet: Packet, flow: Flow): void {
  flow.traceBudget--;
  packet.trace = traced++;
}

/** A traced packet visits a node; four of them are told which device they are to work on. */
export function recordHop(packet: Packet, node: Node): void {
  const told = node == Node.DeviceTransmit || node == Node.Receive || node == Node.BridgeForward || node == Node.NeighbourOutput;
  const device = told ? packet.out : packet.device;
  writeRecord(EventKind.Hop, node, Drop.None, packet.trace, device.index, packet.flow, packet.sequence, frameLength(packet));
}

export function writeRecord(kind: EventKind, node: Node, reason: Drop, packet: u32, device: u32, flow: u32, sequence: u32, length: u32): void {
  if (recordsUsed == capacity) {
    recordsLost++;
    return;
  }
  const at = base + <usize>recordsUsed * EVENT_SIZE;
  recordsUsed++;
  store<f64>(at, <f64>clock, EVENT_TIME);
  store<u8>(at, <u8>kind, EVENT_KIND);
  store<u8>(at, <u8>node, EVENT_NODE);
  store<u8>(at, <u8>reason, EVENT_REASON);
  store<u32>(at, packet, EVENT_PACKET);
  store<u32>(at, device, EVENT_DEVICE);
  store<u32>(at, flow, EVENT_FLOW);
  store<u32>(at, sequence, EVENT_SEQUENCE);
  store<u32>(at, length, EVENT_LENGTH);
}
