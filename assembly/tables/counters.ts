/** What is counted of messages: totals, per flow, and how long they took. */
import {
  FLOW_COUNTER_ANSWERED,
  FLOW_COUNTER_ANSWERED_BYTES,
  FLOW_COUNTER_DELIVERED,
  FLOW_COUNTER_DELIVERED_BYTES,
  FLOW_COUNTER_DUPLICATES,
  FLOW_COUNTER_ERROR,
  FLOW_COUNTER_ERROR_BY,
  FLOW_COUNTER_ERROR_BY6,
  FLOW_COUNTER_ERRORS,
  FLOW_COUNTER_IN_FLIGHT,
  FLOW_COUNTER_LATENCY_COUNT,
  FLOW_COUNTER_LATENCY_MAX,
  FLOW_COUNTER_LATENCY_MIN,
  FLOW_COUNTER_LATENCY_SUM,
  FLOW_COUNTER_LOCAL_IP,
  FLOW_COUNTER_LOCAL_IP6,
  FLOW_COUNTER_LOCAL_PORT,
  FLOW_COUNTER_PEER_IP,
  FLOW_COUNTER_PEER_IP6,
  FLOW_COUNTER_PEER_PORT,
  FLOW_COUNTER_REORDERED,
  FLOW_COUNTER_SERVER,
  FLOW_COUNTER_TIMEOUTS,
  FlowError,
  TOTAL_DELIVERED,
  TOTAL_DROPPED,
  TOTAL_EVENTS,
  TOTAL_PACKETS_ALIVE,
  TOTAL_PACKETS_PEAK,
  TOTAL_PENDING_EVENTS,
  TOTAL_SIZE,
  TOTAL_TRANSMITTED,
} from "../abi/counter";
import { Drop } from "../abi/drop";
import { EventKind } from "../abi/event";
import { HISTOGRAM_BUCKETS, HISTOGRAM_STEP_BITS } from "../abi/limits";
import { Node } from "../abi/node";
import { PROTOCOL_TCP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { writeRecord } from "../graph/trace";
import { reserve } from "../memory/arena";
import { countByFlow, Packet, packetsAlive, packetsPeak } from "../memory/pool";
import { clock, NEVER } from "../simulation/clock";
import { digest } from "../simulation/digest";
import { Event, pendingEvents, pushEvent } from "../simulation/event-queue";
import { bytesOf6, copyWords6 } from "./address6";
import { Namespace } from "./namespace";
import { Flow, flowAt, flowCount, isClosedLoop, isRoundTrip, messagesInFlight } from "./flow";

export let events: u64 = 0;
export let delivered: u64 = 0;
export let dropped: u64 = 0;
export let transmitted: u64 = 0;

const TOTALS = memory.data(TOTAL_SIZE, 16);
/** u32 per flow, for the moment in which live packets are counted. */
let live: usize = 0;

export function reserveCounters(flows: u32): void {
  live = reserve(flows, 4);
}

/** Brings the totals and the flows' packets in flight up to date, and tells where the totals are. */
export function updateCounters(): usize {
  store<f64>(TOTALS, <f64>events, TOTAL_EVENTS);
  store<f64>(TOTALS, <f64>delivered, TOTAL_DELIVERED);
  store<f64>(TOTALS, <f64>dropped, TOTAL_DROPPED);
  store<f64>(TOTALS, <f64>transmitted, TOTAL_TRANSMITTED);
  store<f64>(TOTALS, packetsAlive, TOTAL_PACKETS_ALIVE);
  store<f64>(TOTALS, packetsPeak, TOTAL_PACKETS_PEAK);
  store<f64>(TOTALS, pendingEvents(), TOTAL_PENDING_EVENTS);
  memory.fill(live, 0, <usize>flowCount << 2);
  countByFlow(live);
  for (let index: u32 = 0; index < flowCount; index++) {
    const flow = flowAt(index);
    const count = flow.protocol == PROTOCOL_TCP ? messagesInFlight(flow) : load<u32>(live + (<usize>index << 2));
    store<f64>(flow.counters, count, FLOW_COUNTER_IN_FLIGHT);
  }
  return TOTALS;
}

@inline export function count(flow: Flow, counter: usize): void {
  add(flow, counter, 1);
}

@inline export function add(flow: Flow, counter: usize, amount: f64): void {
  const at = flow.counters + counter;
  store<f64>(at, load<f64>(at) + amount);
}

/** A message of a flow reached the process it was sent to. */
export function accountReceived(packet: Packet, bytes: u32, node: Node): void {
  const flow = flowAt(packet.flow);
  const sequence = packet.sequence;
  if (isNew(flow, sequence)) {
    count(flow, FLOW_COUNTER_DELIVERED);
    add(flow, FLOW_COUNTER_DELIVERED_BYTES, bytes);
    if (!isRoundTrip(flow)) measure(flow, clock - packet.bornAt);
  }
  recordDelivery(packet, flow, sequence, bytes, node);
}

/** A response or an echo reply reached the process that asked. */
export function accountAnswered(packet: Packet, bytes: u32, node: Node): void {
  const flow = flowAt(packet.flow);
  const sequence = packet.sequence;
  const first = isNewAnswer(flow, sequence);
  if (first) countAnswer(flow, bytes, clock - packet.bornAt);
  recordDelivery(packet, flow, sequence, bytes, node);
  if (first) closeLoop(flow, sequence);
}

export function countAnswer(flow: Flow, bytes: u32, latency: i64): void {
  count(flow, FLOW_COUNTER_ANSWERED);
  add(flow, FLOW_COUNTER_ANSWERED_BYTES, bytes);
  measure(flow, latency);
}

@inline export function recordDelivery(packet: Packet, flow: Flow, sequence: u32, bytes: u32, node: Node): void {
  const device = packet.device.index;
  digest(EventKind.Deliver, Drop.None, node, device, flow.index, sequence, bytes);
  if (packet.trace != NONE) writeRecord(EventKind.Deliver, node, Drop.None, packet.trace, device, flow.index, sequence, bytes);
}

/** A name server has read a question that came over TCP, and answers it. */
export function accountQuestion(flow: Flow, bytes: u32, node: Node): void {
  const sequence = <u32>load<f64>(flow.counters, FLOW_COUNTER_DELIVERED);
  digest(EventKind.Deliver, Drop.None, node, NONE, flow.index, sequence, bytes);
  count(flow, FLOW_COUNTER_DELIVERED);
  add(flow, FLOW_COUNTER_DELIVERED_BYTES, bytes);
}

/** The answer that a closed loop waits for lets it go on. */
export function closeLoop(flow: Flow, sequence: u32): void {
  if (flow.outstanding != <i64>sequence) return;
  flow.outstanding = -1;
  endRequest(flow);
}

/** The request that a closed loop waits for will not be answered. */
export function giveUp(flow: Flow): void {
  if (flow.outstanding < 0) return;
  count(flow, FLOW_COUNTER_TIMEOUTS);
  flow.outstanding = -1;
  endRequest(flow);
}

function endRequest(flow: Flow): void {
  flow.deadline = NEVER;
  if (isClosedLoop(flow)) pushEvent(clock + flow.think, Event.Source, flow.index, flow.generation);
}

/** What a server that answers has seen. */
export function see(flow: Flow, stack: Namespace, peerIp: u32, peerPort: u32, localIp: u32, localPort: u32): void {
  store<u32>(flow.counters, stack.index, FLOW_COUNTER_SERVER);
  storeAddress(flow, stack, peerIp, FLOW_COUNTER_PEER_IP, FLOW_COUNTER_PEER_IP6);
  store<u32>(flow.counters, peerPort, FLOW_COUNTER_PEER_PORT);
  storeAddress(flow, stack, localIp, FLOW_COUNTER_LOCAL_IP, FLOW_COUNTER_LOCAL_IP6);
  store<u32>(flow.counters, localPort, FLOW_COUNTER_LOCAL_PORT);
}

/** Who sent the ICMP error that a flow sees. */
export function noteErrorBy(flow: Flow, stack: Namespace, by: u32): void {
  storeAddress(flow, stack, by, FLOW_COUNTER_ERROR_BY, FLOW_COUNTER_ERROR_BY6);
}

/** Of the two places of an address, the other family's becomes zero. */
function storeAddress(flow: Flow, stack: Namespace, address: u32, at4: usize, at6: usize): void {
  store<u32>(flow.counters + at4, stack.isIpv6 ? 0 : address);
  if (stack.isIpv6) copyWords6(flow.counters + at6, bytesOf6(address));
  else memory.fill(flow.counters + at6, 0, 16);
}

/** What the sending process sees: of a datagram, of an echo. */
export function socketError(flow: Flow, error: FlowError, sequence: u32): void {
  noteError(flow, error);
  if (flow.outstanding == <i64>sequence) giveUp(flow);
}

export function noteError(flow: Flow, error: FlowError): void {
  count(flow, FLOW_COUNTER_ERRORS);
  store<i32>(flow.counters, error, FLOW_COUNTER_ERROR);
}

/** Whether a message arrives for the first time, as far as a window of 32 tells. */
function isNew(flow: Flow, sequence: u32): bool {
  const ahead = <i64>sequence - flow.highest;
  if (ahead > 0) {
    flow.highest = sequence;
    flow.mask = ahead < 32 ? (flow.mask << <u32>ahead) | 1 : 1;
    return true;
  }
  if (ahead > -32) {
    const bit: u32 = 1 << <u32>-ahead;
    if (flow.mask & bit) {
      count(flow, FLOW_COUNTER_DUPLICATES);
      return false;
    }
    flow.mask |= bit;
  }
  count(flow, FLOW_COUNTER_REORDERED);
  return true;
}

function isNewAnswer(flow: Flow, sequence: u32): bool {
  const ahead = <i64>sequence - flow.answerHighest;
  if (ahead > 0) {
    flow.answerHighest = sequence;
    flow.answerMask = ahead < 32 ? (flow.answerMask << <u32>ahead) | 1 : 1;
    return true;
  }
  if (ahead > -32) {
    const bit: u32 = 1 << <u32>-ahead;
    if (flow.answerMask & bit) {
      count(flow, FLOW_COUNTER_DUPLICATES);
      return false;
    }
    flow.answerMask |= bit;
  }
  count(flow, FLOW_COUNTER_REORDERED);
  return true;
}

/** Enters a duration into the flow's log-linear histogram. */
export function measure(flow: Flow, duration: i64): void {
  const counters = flow.counters;
  const value = <f64>duration;
  const samples = load<f64>(counters, FLOW_COUNTER_LATENCY_COUNT);
  store<f64>(counters, samples + 1, FLOW_COUNTER_LATENCY_COUNT);
  store<f64>(counters, load<f64>(counters, FLOW_COUNTER_LATENCY_SUM) + value, FLOW_COUNTER_LATENCY_SUM);
  if (samples == 0 || value < load<f64>(counters, FLOW_COUNTER_LATENCY_MIN)) store<f64>(counters, value, FLOW_COUNTER_LATENCY_MIN);
  if (value > load<f64>(counters, FLOW_COUNTER_LATENCY_MAX)) store<f64>(counters, value, FLOW_COUNTER_LATENCY_MAX);
  const bucket = flow.histogram + (bucketOf(<u64>duration) << 2);
  store<u32>(bucket, load<u32>(bucket) + 1);
}

/** Exact below 2^(HISTOGRAM_STEP_BITS + 1), then 2^HISTOGRAM_STEP_BITS steps per octave. */
@inline function bucketOf(value: u64): usize {
  if (value < 2 << HISTOGRAM_STEP_BITS) return <usize>value;
  const octave = <u64>(63 - clz(value)) - HISTOGRAM_STEP_BITS;
  return <usize>min<u64>((octave << HISTOGRAM_STEP_BITS) + (value >> octave), HISTOGRAM_BUCKETS - 1);
}
