/**
 * The module's exports: everything that a host can ask of the packet path. Numbers and addresses cross, nothing else; addresses
 * stay valid from `build` on, except that `setLink`, `reserveReload` and `reload` may grow the memory.
 */
import { Drop } from "./abi/drop";
import { Stop } from "./abi/event";
import { Node } from "./abi/node";
import { DEVICE_UP, DeviceKind } from "./abi/program";
import { ABI_VERSION, NONE } from "./abi/version";
import { captureAddress as addressOfCapture, captureDevice as chooseDevice, captureUsed, chooseCapture, forgetCapture } from "./graph/capture";
import { dropUnmade } from "./graph/drop";
import { chooseRecords, forgetRecords, recordsAddress, recordsLost, recordsUsed, traceFlow as chooseFlow } from "./graph/trace";
import { openImage, openReloadImage } from "./memory/image";
import { frameOf, takePacket } from "./memory/pool";
import { clock, now as currentTime } from "./simulation/clock";
import { digestA, digestB } from "./simulation/digest";
import { Event, pushEvent } from "./simulation/event-queue";
import { setLink as replaceLink } from "./simulation/link";
import { input, loadProgram, reloadProgram, replaceFlow } from "./simulation/load";
import { processed, runEvents } from "./simulation/run";
import { deleteTracked } from "./tables/conntrack";
import { updateCounters } from "./tables/counters";
import { deviceAt, deviceCounters, deviceDrops } from "./tables/device";
import { appendDomain as addDomain } from "./tables/domain";
import { openPayload, setPayload as replacePayload } from "./tables/payload";
import { flowAt, flowCount, flowCounters, flowDrops, flowHistograms, flowReplies } from "./tables/flow";
import { busyTime } from "./tables/namespace";
import { ruleCounters } from "./tables/ruleset";
import { setSocket as replaceSocket } from "./tables/socket";
import { indexVxlans } from "./tables/vxlan";
import { ETHERNET_HEADER } from "./wire/ethernet";

export function abiVersion(): u32 {
  return ABI_VERSION;
}

/** Whether this build knows VXLAN, IPVS and IPsec. */
export function manyHosts(): bool {
  return MANY_HOSTS != 0;
}

/** Where a program of so many bytes is to be written (`abi/image.ts`); 0: there is no room. */
export function reserveImage(bytes: u32): usize {
  return openImage(bytes);
}

/** Builds the tables from the image. False: its capacity asks for more memory than there is. */
export function build(seed: u32): bool {
  return loadProgram(seed);
}

/** Where a program that replaces the one that runs is to be written; 0: there is no room. */
export function reserveReload(bytes: u32): usize {
  return openReloadImage(bytes);
}

/** Takes it over. False: it asks for more memory than there is, and nothing has changed. */
export function reload(): bool {
  return reloadProgram();
}

/** Processes events up to and including `until` ns, `budget` of them at most. */
export function run(until: f64, budget: f64): Stop {
  return runEvents(<i64>until, <u64>budget);
}

/** Events that the last `run` processed. */
export function processedEvents(): f64 {
  return <f64>processed;
}

/** ns. */
export function now(): f64 {
  return <f64>currentTime;
}

/** Where the host writes what the next of the calls below works on: one record of a program, or one frame. */
export function inputAddress(): usize {
  return input;
}

/** Lets the frame in the input region arrive at a device. */
export function inject(device: u32, bytes: u32, time: f64): void {
  clock = currentTime;
  const packet = takePacket(bytes - ETHERNET_HEADER);
  if (changetype<usize>(packet) == 0) {
    dropUnmade(Drop.NoMemory, Node.Receive, deviceAt(device), NONE, 0);
    return;
  }
  packet.framed = 1;
  memory.copy(frameOf(packet), input, bytes);
  const at = max(<i64>time, currentTime);
  pushEvent(at, Event.Arrive, <u32>changetype<usize>(deviceAt(device)), <u32>changetype<usize>(packet));
}

/** Entries of conntrack that the filter in the input region asks for go. */
export function deleteConntrack(): void {
  deleteTracked(input);
}

export function setDevice(index: u32, up: bool): void {
  const device = deviceAt(index);
  device.flags = up ? device.flags | DEVICE_UP : device.flags & ~DEVICE_UP;
  if (MANY_HOSTS && device.kind == DeviceKind.Vxlan) indexVxlans();
}

/** False: there is no memory for a queue that long, and the link is what it was. */
export function setLink(index: u32): bool {
  return replaceLink(index, input);
}

/** Where the host writes the text of a payload; 0: there is no memory for it. The host's views of the memory are stale after it. */
export function reservePayload(index: u32, bytes: u32): usize {
  return MANY_HOSTS ? openPayload(index, bytes) : 0;
}

/** Its text has been written, and the input region has its record. */
export function setPayload(index: u32): void {
  if (MANY_HOSTS) replacePayload(index, input);
}

/** Appends or replaces. */
export function setFlow(index: u32): void {
  clock = currentTime;
  replaceFlow(index, input);
}

/** Appends or replaces. */
export function setSocket(index: u32): void {
  replaceSocket(index, input);
}

/** The domain name in the input region gets the next index. */
export function appendDomain(bytes: u32): void {
  addDomain(input, bytes);
}

/** From now on nothing is captured or traced; `captureDevice` and `traceFlow` choose anew. */
export function observe(snaplen: u32, drops: bool): void {
  chooseCapture(snaplen);
  chooseRecords(drops);
  for (let index: u32 = 0; index < flowCount; index++) flowAt(index).traceBudget = 0;
}

export function captureDevice(index: u32): void {
  chooseDevice(index);
}

/** Traces the next so many packets of a flow. */
export function traceFlow(index: u32, packets: u32): void {
  chooseFlow(flowAt(index), packets);
}

/** Event records, EVENT_SIZE bytes each. */
export function eventsAddress(): usize {
  return recordsAddress();
}

export function eventCount(): u32 {
  return recordsUsed;
}

export function eventsLost(): u32 {
  return recordsLost;
}

/** Captured frames, CAPTURE_HEADER bytes and the frame each. */
export function captureAddress(): usize {
  return addressOfCapture();
}

export function captureBytes(): u32 {
  return captureUsed;
}

/** Empties both buffers. */
export function forget(): void {
  forgetRecords();
  forgetCapture();
}

/** Brings totals and packets in flight up to date; where the TOTAL_… are. */
export function totals(): usize {
  return updateCounters();
}

/** DEVICE_COUNTER_SIZE bytes per device. */
export function deviceCountersAddress(): usize {
  return deviceCounters();
}

/** DROP_COUNT f64 per device; the last row is for packets on no device. */
export function deviceDropsAddress(): usize {
  return deviceDrops();
}

/** FLOW_COUNTER_SIZE bytes per flow. */
export function flowCountersAddress(): usize {
  return flowCounters();
}

/** DNS_MESSAGE_MAX bytes per flow: the last answer to a Query. */
export function repliesAddress(): usize {
  return flowReplies();
}

/** HISTOGRAM_BUCKETS u32 per flow. */
export function histogramsAddress(): usize {
  return flowHistograms();
}

/** DROP_COUNT f64 per flow of the capacity; one more row is for packets of no flow. */
export function flowDropsAddress(): usize {
  return flowDrops();
}

/** RULE_COUNTER_SIZE bytes per rule, up to date. */
export function ruleCountersAddress(): usize {
  return ruleCounters();
}

/** Nanoseconds that the CPUs of a host have worked. */
export function hostBusy(index: u32): f64 {
  return busyTime(index);
}

/** The digest's two lanes. */
export function digestFirst(): u32 {
  return digestA();
}

export function digestSecond(): u32 {
  return digestB();
}
