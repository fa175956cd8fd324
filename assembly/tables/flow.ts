/**
 * Flows: what processes send, and what the sending process knows of it. Key: index. Capacity: `capacity.flows`. A patch may
 * append or replace one.
 */
import { FLOW_COUNTER_REPLY_BYTES, FLOW_COUNTER_SERVER, FLOW_COUNTER_SIZE, FLOW_COUNTER_STATE, FlowState } from "../abi/counter";
import { DNS_LONG_REPLY, DNS_MESSAGE_MAX } from "../abi/dns";
import { DROP_COUNT } from "../abi/drop";
import { Section } from "../abi/image";
import { Family } from "../abi/netfilter";
import { HISTOGRAM_BUCKETS, TCP_MESSAGES_MAX } from "../abi/limits";
import {
  FLOW_ANSWER,
  FLOW_BYTES,
  FLOW_COUNT,
  FLOW_DESTINATION,
  FLOW_DESTINATION6,
  FLOW_DESTINATION_PORT,
  FLOW_DONT_FRAGMENT,
  FLOW_FAMILY,
  FLOW_FIRST_SEQUENCE,
  FLOW_INTERVAL,
  FLOW_KIND,
  FLOW_MESSAGE,
  FLOW_NAME,
  FLOW_NAMESPACE,
  FLOW_OFF,
  FLOW_ON,
  FLOW_PROTOCOL,
  FLOW_QUERY_TYPE,
  FLOW_RESPONSE_BYTES,
  FLOW_SIZE,
  FLOW_SOURCE_PORT,
  FLOW_SOURCE_PORTS,
  FLOW_START,
  FLOW_STOP,
  FLOW_THINK,
  FLOW_TIMEOUT,
  FLOW_TTL,
  FLOW_UDP_SIZE,
  FLOW_UNTIL_ANSWER,
  FlowKind,
} from "../abi/program";
import { PROTOCOL_TCP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { reserve } from "../memory/arena";
import { record, recordCount } from "../memory/image";
import { NEVER } from "../simulation/clock";
import { Random, RandomKind } from "../simulation/random";
import { noteTarget6 } from "./address6";
import { Namespace, namespaceAt, stackOf } from "./namespace";

/** Its generator is the flow's. */
@unmanaged
export class Flow extends Random {
  index: u32;
  kind: FlowKind;
  protocol: u32;
  namespace: Namespace;
  destination: u32;
  destinationPort: u32;
  sourcePort: u32;
  bytes: u32;
  responseBytes: u32;
  /** Messages to send, or NONE. */
  count: u32;
  /** Of a query: index of its name, type, and how long an answer may be (0: it does not say). */
  name: u32;
  queryType: u32;
  udpSize: u32;
  /** Payloads that its messages and the answers consist of, or NONE. */
  message: u32;
  answer: u32;
  /** Of an exchange, a query over TCP too: how many ports it has, and the one of the next connection. */
  sourcePorts: u32;
  nextPort: u32;
  /** It ends with the first answer or error. */
  untilAnswer: bool;
  /** Of its datagrams and echo requests; 0: the namespace's. */
  ttl: u32;
  firstSequence: u32;
  dontFragment: bool;
  /** Timer events of it in the queue. */
  timers: u8;
  interval: i64;
  on: i64;
  off: i64;
  start: i64;
  stop: i64;
  think: i64;
  timeout: i64;
  /** Tells the Source events of a replaced flow from those of its successor. */
  generation: u32;
  /** Number of the next message. */
  sequence: u32;
  /** The request that a closed loop waits for; -1: none. */
  outstanding: i64;
  deadline: i64;
  dueAt: i64;
  /** Highest number that arrived (-1: none) and which of the 32 up to it did, bit 0 being itself; the same for answers. */
  highest: i64;
  answerHighest: i64;
  mask: u32;
  answerMask: u32;
  /** The client's connection, or 0. */
  connection: usize;
  /** Messages of a TCP flow that are not complete at the other end: MESSAGE_BYTES each, in a ring. Both indices run freely. */
  messages: usize;
  messageHead: u32;
  messageTail: u32;
  /** Packets still to be traced. */
  traceBudget: u32;
  /** Addresses of its FLOW_COUNTER_…, of its histogram, and of its row of drops. */
  counters: usize;
  histogram: usize;
  drops: usize;
}

const FLOW_BYTES_EACH: usize = 256;
/** writtenAt i64, sequence u32. */
export const MESSAGE_BYTES: i32 = 16;
export const MESSAGE_SEQUENCE: usize = 8;
const HISTOGRAM_BYTES: usize = <usize>HISTOGRAM_BUCKETS * 4;

let base: usize = 0;
let counters: usize = 0;
let histograms: usize = 0;
let drops: usize = 0;
let messages: usize = 0;
/** Behind DNS_LONG_REPLY bytes for the last answer that is longer than its place, of the flow `longReplyOf`. */
let replies: usize = 0;
let longReplyOf: u32 = NONE;
/** The records that are in force, FLOW_SIZE bytes each. */
let records: usize = 0;
let capacity: u32 = 0;
let seed: u32 = 0;
export let flowCount: u32 = 0;

export function reserveFlows(entries: u32): void {
  if (offsetof<Flow>() > FLOW_BYTES_EACH) ERROR("Flow outgrew its stride");
  capacity = entries;
  base = reserve(entries, FLOW_BYTES_EACH);
  records = reserve(entries, FLOW_SIZE);
  counters = reserve(entries, FLOW_COUNTER_SIZE);
  histograms = reserve(entries, HISTOGRAM_BYTES);
  // The last row is for packets without a flow.
  drops = reserve(<u64>entries + 1, DROP_COUNT * 8);
  messages = reserve(<u64>entries * TCP_MESSAGES_MAX, MESSAGE_BYTES);
  replies = reserve(<u64>entries * DNS_MESSAGE_MAX + DNS_LONG_REPLY, 1) + DNS_LONG_REPLY;
  longReplyOf = NONE;
}

@inline export function flowAt(index: u32): Flow {
  return changetype<Flow>(base + <usize>index * FLOW_BYTES_EACH);
}

/** The row of drops of packets without a flow. */
@inline export function dropsWithoutFlow(): usize {
  return drops + <usize>capacity * (DROP_COUNT * 8);
}

/** The seed of the run. */
export function flowSeed(): u32 {
  return seed;
}

export function flowCounters(): usize {
  return counters;
}

/** Keeps the answer to a query; of a long one there can be one. */
export function keepReply(flow: Flow, from: usize, bytes: u32): void {
  memory.copy(replies + <usize>flow.index * DNS_MESSAGE_MAX, from, min(bytes, <u32>DNS_MESSAGE_MAX));
  store<u32>(flow.counters, bytes, FLOW_COUNTER_REPLY_BYTES);
  if (bytes <= <u32>DNS_MESSAGE_MAX) return;
  if (longReplyOf != NONE && longReplyOf != flow.index) {
    const other = flowAt(longReplyOf).counters;
    store<u32>(other, min(load<u32>(other, FLOW_COUNTER_REPLY_BYTES), <u32>DNS_MESSAGE_MAX), FLOW_COUNTER_REPLY_BYTES);
  }
  longReplyOf = flow.index;
  memory.copy(replies - DNS_LONG_REPLY, from, bytes);
}

/** Whether a flow of requests waits for one answer before it sends the next. */
@inline export function isClosedLoop(flow: Flow): bool {
  const kind = flow.kind;
  return flow.interval == 0 && (kind == FlowKind.Request || kind == FlowKind.Exchange || kind == FlowKind.Query);
}

/** Whether each message has a connection of its own. */
@inline export function isExchange(flow: Flow): bool {
  return flow.kind == FlowKind.Exchange || (flow.kind == FlowKind.Query && flow.protocol == PROTOCOL_TCP);
}

/** Whether a message is complete only with its answer. */
@inline export function isRoundTrip(flow: Flow): bool {
  return flow.kind >= FlowKind.Request;
}

/** The last answers to queries, DNS_MESSAGE_MAX bytes per flow. */
export function flowReplies(): usize {
  return replies;
}

export function flowHistograms(): usize {
  return histograms;
}

export function flowDrops(): usize {
  return drops;
}

export function fillFlows(withSeed: u32): void {
  seed = withSeed;
  const count = recordCount(Section.Flows);
  for (let index: u32 = 0; index < count; index++) setFlow(index, record(Section.Flows, index, FLOW_SIZE));
}

/** Whether a record says what is in force at its index already. */
export function isSameFlow(index: u32, from: usize): bool {
  // What fills a record up to its stride may be anything.
  return index < flowCount && memory.compare(records + <usize>index * FLOW_SIZE, from, FLOW_ANSWER + 4) == 0;
}

/** Appends or replaces; everything that is counted of it starts anew. */
export function setFlow(index: u32, from: usize): void {
  const flow = flowAt(index);
  memory.copy(records + <usize>index * FLOW_SIZE, from, FLOW_SIZE);
  flow.index = index;
  flow.kind = load<u32>(from, FLOW_KIND);
  flow.protocol = load<u32>(from, FLOW_PROTOCOL);
  const isIpv6 = load<u32>(from, FLOW_FAMILY) == Family.Ipv6;
  flow.namespace = stackOf(namespaceAt(load<u32>(from, FLOW_NAMESPACE)), isIpv6);
  flow.destination = isIpv6 ? noteTarget6(from + FLOW_DESTINATION6) : load<u32>(from, FLOW_DESTINATION);
  flow.destinationPort = load<u32>(from, FLOW_DESTINATION_PORT);
  flow.sourcePort = load<u32>(from, FLOW_SOURCE_PORT);
  flow.bytes = load<u32>(from, FLOW_BYTES);
  flow.responseBytes = load<u32>(from, FLOW_RESPONSE_BYTES);
  flow.count = load<u32>(from, FLOW_COUNT);
  flow.dontFragment = load<u32>(from, FLOW_DONT_FRAGMENT) != 0;
  flow.name = load<u32>(from, FLOW_NAME);
  flow.queryType = load<u32>(from, FLOW_QUERY_TYPE);
  flow.udpSize = load<u32>(from, FLOW_UDP_SIZE);
  flow.sourcePorts = max(load<u32>(from, FLOW_SOURCE_PORTS), 1);
  flow.untilAnswer = load<u32>(from, FLOW_UNTIL_ANSWER) != 0;
  flow.message = load<u32>(from, FLOW_MESSAGE);
  flow.answer = load<u32>(from, FLOW_ANSWER);
  flow.ttl = load<u32>(from, FLOW_TTL);
  flow.firstSequence = load<u32>(from, FLOW_FIRST_SEQUENCE);
  flow.interval = <i64>load<f64>(from, FLOW_INTERVAL);
  flow.on = <i64>load<f64>(from, FLOW_ON);
  flow.off = <i64>load<f64>(from, FLOW_OFF);
  flow.start = <i64>load<f64>(from, FLOW_START);
  flow.stop = <i64>load<f64>(from, FLOW_STOP);
  flow.think = <i64>load<f64>(from, FLOW_THINK);
  flow.timeout = <i64>load<f64>(from, FLOW_TIMEOUT);
  flow.seed(seed, RandomKind.Flow, index);
  flow.generation++;
  flow.sequence = 0;
  flow.outstanding = -1;
  flow.deadline = NEVER;
  flow.highest = -1;
  flow.answerHighest = -1;
  flow.mask = 0;
  flow.answerMask = 0;
  flow.connection = 0;
  flow.messages = messages + <usize>index * (TCP_MESSAGES_MAX * MESSAGE_BYTES);
  flow.messageHead = 0;
  flow.messageTail = 0;
  startCounters(flow);
  if (index == flowCount) flowCount++;
}

function startCounters(flow: Flow): void {
  const index = <usize>flow.index;
  flow.counters = counters + index * FLOW_COUNTER_SIZE;
  flow.histogram = histograms + index * HISTOGRAM_BYTES;
  flow.drops = drops + index * (DROP_COUNT * 8);
  memory.fill(flow.counters, 0, FLOW_COUNTER_SIZE);
  store<u32>(flow.counters, NONE, FLOW_COUNTER_SERVER);
  memory.fill(flow.histogram, 0, HISTOGRAM_BYTES);
  memory.fill(flow.drops, 0, DROP_COUNT * 8);
}

@inline export function setState(flow: Flow, state: FlowState): void {
  store<i32>(flow.counters, state, FLOW_COUNTER_STATE);
}

@inline export function stateOf(flow: Flow): FlowState {
  return load<i32>(flow.counters, FLOW_COUNTER_STATE);
}

/** Messages written and not complete at the other end. */
@inline export function messagesInFlight(flow: Flow): u32 {
  return flow.messageTail - flow.messageHead;
}

export function pushMessage(flow: Flow, writtenAt: i64, sequence: u32): void {
  const at = flow.messages + <usize>(flow.messageTail & (TCP_MESSAGES_MAX - 1)) * MESSAGE_BYTES;
  store<i64>(at, writtenAt);
  store<u32>(at, sequence, MESSAGE_SEQUENCE);
  flow.messageTail++;
}

/** Address of the oldest message, which leaves the ring; there is one. */
export function takeMessage(flow: Flow): usize {
  return flow.messages + <usize>(flow.messageHead++ & (TCP_MESSAGES_MAX - 1)) * MESSAGE_BYTES;
}
