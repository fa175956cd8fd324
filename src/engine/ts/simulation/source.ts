import { FlowError, FlowState } from "../../../../assembly/abi/counter";
import { Drop } from "../../../../assembly/abi/drop";
import { EventKind } from "../../../../assembly/abi/event";
import { EXPONENTIAL_SCALE } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { FlowKind, RouteType } from "../../../../assembly/abi/program";
import { ICMP6_ECHO_REQUEST, ICMP_ECHO_REQUEST, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { NONE } from "../../../../assembly/abi/version";
import { queryMessage } from "../dns/message";
import { account, dropUnbuilt } from "../graph/drop";
import { visit } from "../graph/step";
import { beginTrace, recordHop } from "../graph/trace";
import { enter, follow, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import { type Packet, PathMtuDiscovery, UNTRACED } from "../memory/packet";
import { fillPayload, takeDatagram, writeDatagram, writeUdpMessage } from "../nodes/socket-output";
import type { Device } from "../tables/device";
import { Arrival, type Flow, NO_REQUEST } from "../tables/flow";
import { NO_DEADLINE } from "../tables/neighbour";
import { canWrite, closeWhenIdle, leaveExchange, writeMessage } from "../tcp/lifecycle";
import { ICMP_HEADER, updateIcmpChecksum, writeIcmp } from "../wire/icmp";
import { setTtl } from "../wire/ipv4";
import { setHopLimit } from "../wire/ipv6";
import { UDP_HEADER } from "../wire/udp";
import { announce } from "./announce";
import { EventType } from "./event-queue";
import { isDue, JIFFY_NS, setDeadline } from "./timer";

/** When the source is to be asked again, from `time` on. */
export function pushSource(kernel: Kernel, flow: Flow, time: number): void {
  kernel.queue.push(time, EventType.Source, flow.index, flow.generation);
}

/** A flow's next message is due. */
export function source(kernel: Kernel, flow: Flow): void {
  const { record } = flow;
  const { now } = kernel;
  const isAnswered = record.untilAnswer === 1 && (flow.answered > 0 || flow.errors > 0);
  const isOver = now >= record.stopNs || (record.count !== NONE && flow.sent >= record.count) || isAnswered;
  if (isOver) {
    flow.state = FlowState.Finished;
    if (record.protocol === PROTOCOL_TCP) closeWhenIdle(kernel, flow);
    return;
  }
  const wasSent = sendNext(kernel, flow);
  if (!isClosedLoop(flow)) pushSource(kernel, flow, nextTime(kernel, flow, now));
  else if (!wasSent) pushSource(kernel, flow, now + Math.max(record.thinkNs, JIFFY_NS));
}

/** A flow of requests without an interval sends the next one when the last is answered or given up. */
function isClosedLoop({ record }: Flow): boolean {
  const isRequest = record.kind === FlowKind.Request || record.kind === FlowKind.Exchange || record.kind === FlowKind.Query;
  return isRequest && record.intervalNs === 0;
}

function nextTime(kernel: Kernel, { record, random }: Flow, now: number): number {
  if (record.kind === FlowKind.Poisson) {
    const quantile = kernel.exponential[random.next() >>> 20];
    return now + Math.max(1, Math.floor((record.intervalNs * quantile) / EXPONENTIAL_SCALE));
  }
  const next = now + Math.max(1, record.intervalNs);
  const cycle = record.onNs + record.offNs;
  if (record.kind !== FlowKind.OnOff || cycle === 0) return next;
  const since = next - record.startNs;
  return since % cycle < record.onNs ? next : record.startNs + (Math.floor(since / cycle) + 1) * cycle;
}

/** The process writes one message. False if it could not: the CPU is busy, or the socket's buffer is full. */
function sendNext(kernel: Kernel, flow: Flow): boolean {
  const { cpu } = flow.namespace;
  flow.state = FlowState.Running;
  if (!enter(kernel, cpu, kernel.now)) {
    account(kernel, Drop.CpuBacklog, Node.SocketOutput, UNTRACED, null, flow, flow.sequence, 0);
    flow.sent++;
    flow.sequence++;
    return false;
  }
  visit(kernel, Node.SocketOutput);
  const wasSent = write(kernel, flow);
  leave(kernel, cpu);
  return wasSent;
}

function write(kernel: Kernel, flow: Flow): boolean {
  if (flow.record.protocol === PROTOCOL_TCP) return sendStream(kernel, flow);
  if (flow.record.kind === FlowKind.Announce) return announce(kernel, flow);
  if (flow.record.kind === FlowKind.Ping && isBroadcast(flow)) {
    flow.blocked++;
    flow.errors++;
    flow.error = FlowError.AccessDenied;
    return false;
  }
  return sendDatagram(kernel, flow);
}

/** Sending there takes SO_BROADCAST, which ping does not ask for. */
function isBroadcast({ namespace, destination }: Flow): boolean {
  return destination === -1 || namespace.routeTo(destination)?.type === RouteType.Broadcast;
}

function sendStream(kernel: Kernel, flow: Flow): boolean {
  if (!canWrite(kernel, flow)) {
    flow.blocked++;
    return false;
  }
  const sequence = countSent(flow);
  kernel.chargeCopy(flow.record.bytes);
  awaitAnswer(kernel, flow, sequence);
  writeMessage(kernel, flow, sequence);
  return true;
}

function sendDatagram(kernel: Kernel, flow: Flow): boolean {
  const packet = buildMessage(kernel, flow);
  const sequence = countSent(flow);
  if (packet === null) {
    dropUnbuilt(kernel, Node.SocketOutput, null, flow, sequence);
  } else {
    if (packet.trace !== UNTRACED) recordHop(kernel, packet, Node.SocketOutput);
    kernel.chargeCopy(flow.record.bytes);
  }
  awaitAnswer(kernel, flow, sequence);
  if (packet !== null) follow(kernel, packet, packet.isIpv6 ? Node.Ip6Output : Node.IpOutput);
  return true;
}

/** Counts a message that leaves, and returns its number. */
export function countSent(flow: Flow): number {
  flow.sent++;
  flow.sentBytes += flow.record.bytes;
  return flow.sequence++;
}

function buildMessage(kernel: Kernel, flow: Flow): Packet | null {
  const { record, namespace } = flow;
  const isEcho = record.protocol === PROTOCOL_ICMP;
  const packet = takeDatagram(kernel, flow, (isEcho ? ICMP_HEADER : UDP_HEADER) + record.bytes, flow.destination);
  if (packet === null) return null;
  packet.sequence = flow.sequence;
  packet.isMessage = true;
  packet.pathMtuDiscovery = record.dontFragment === 0 ? PathMtuDiscovery.Want : PathMtuDiscovery.Do;
  writeDatagram(kernel, packet, namespace, isEcho ? PROTOCOL_ICMP : PROTOCOL_UDP, 0, flow.destination);
  if (record.ttl) setHops(kernel.memory.bytes, packet, record.ttl);
  beginTrace(kernel, packet);
  if (isEcho) {
    const icmp = packet.transport;
    const type = packet.isIpv6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO_REQUEST;
    writeIcmp(kernel.memory.bytes, icmp, type, 0, record.sourcePort, (flow.sequence + (record.firstSequence ?? 0)) & 0xffff);
    fillPayload(kernel, packet, icmp + ICMP_HEADER, flow.sequence, record.bytes);
    if (!packet.isIpv6) updateIcmpChecksum(kernel.memory, icmp, ICMP_HEADER + record.bytes);
  } else {
    writeUdpMessage(kernel, packet, record.sourcePort, record.destinationPort, record.bytes);
    if (record.kind === FlowKind.Query) kernel.memory.bytes.set(queryOf(kernel, flow, flow.sequence), packet.transport + UDP_HEADER);
  }
  return packet;
}

/** The question of a query's message with the given number. */
export function queryOf({ dns }: Kernel, { record }: Flow, sequence: number): Uint8Array {
  const { name = NONE, queryType = 0, udpSize = 0 } = record;
  return queryMessage(sequence & 0xffff, dns.domains[name], queryType, udpSize);
}

function setHops(bytes: Uint8Array, { isIpv6, network }: Packet, hops: number): void {
  if (isIpv6) setHopLimit(bytes, network, hops);
  else setTtl(bytes, network, hops);
}

function awaitAnswer(kernel: Kernel, flow: Flow, sequence: number): void {
  if (!isClosedLoop(flow) && !flow.isExchange) return;
  flow.outstanding = sequence;
  setDeadline(kernel, flow, EventType.FlowTimer, kernel.clock + flow.record.timeoutNs);
}

/** The answer to a closed loop's request may be too late. */
export function flowTimer(kernel: Kernel, flow: Flow): void {
  if (!isDue(kernel, flow, EventType.FlowTimer)) return;
  if (flow.isExchange && flow.outstanding !== NO_REQUEST) leaveExchange(kernel, flow);
  giveUpRequest(kernel, flow);
}

/** A closed loop does not wait for its outstanding request any more: it thinks and tries the next. */
export function giveUpRequest(kernel: Kernel, flow: Flow): void {
  if (flow.outstanding === NO_REQUEST) return;
  flow.timeouts++;
  endRequest(kernel, flow);
}

function endRequest(kernel: Kernel, flow: Flow): void {
  flow.outstanding = NO_REQUEST;
  flow.deadline = NO_DEADLINE;
  if (isClosedLoop(flow)) pushSource(kernel, flow, kernel.clock + flow.record.thinkNs);
}

/** The flow's process sees an error about its message with the number `sequence`. */
export function failFlow(kernel: Kernel, flow: Flow, sequence: number, error: FlowError): void {
  flow.errors++;
  flow.error = error;
  if (sequence === flow.outstanding) giveUpRequest(kernel, flow);
}

/** A message of `length` bytes reached the receiving process as a datagram. */
export function accountMessage(kernel: Kernel, packet: Packet, flow: Flow, length: number): void {
  recordDelivery(kernel, packet, flow, packet.sequence, length);
  const isNew = countArrival(flow, flow.requests.arrive(packet.sequence));
  if (!isNew) return;
  flow.delivered++;
  flow.deliveredBytes += length;
  if (!isRoundTrip(flow.record.kind)) flow.latency.record(kernel.clock - packet.bornAt);
}

function isRoundTrip(kind: FlowKind): boolean {
  return kind >= FlowKind.Request;
}

/** An answer of `length` bytes reached the sending process as a datagram. */
export function accountAnswer(kernel: Kernel, packet: Packet, flow: Flow, length: number): void {
  recordDelivery(kernel, packet, flow, packet.sequence, length);
  const isNew = countArrival(flow, flow.answers.arrive(packet.sequence));
  if (!isNew) return;
  countAnswer(kernel, flow, packet.sequence, length, packet.bornAt);
}

/** A message of a stream is complete at the receiving process. */
export function accountStreamMessage(kernel: Kernel, packet: Packet, flow: Flow): void {
  const { messages, record } = flow;
  recordDelivery(kernel, packet, flow, flow.delivered, record.bytes);
  flow.delivered++;
  flow.deliveredBytes += record.bytes;
  if (isRoundTrip(record.kind) || messages.size === 0) return;
  flow.latency.record(kernel.clock - messages.oldestWrittenAt);
  messages.shift();
  closeWhenIdle(kernel, flow);
}

/** A name server has read a question that came over TCP, and answers it. */
export function accountStreamQuery(kernel: Kernel, flow: Flow, length: number): void {
  digestDelivery(kernel, null, flow, flow.delivered, length);
  flow.delivered++;
  flow.deliveredBytes += length;
}

/** An answer is complete in the sending process's stream: it belongs to the oldest message. */
export function accountStreamAnswer(kernel: Kernel, packet: Packet, flow: Flow): void {
  const { messages, record } = flow;
  const sequence = messages.oldestSequence;
  const writtenAt = messages.oldestWrittenAt;
  recordDelivery(kernel, packet, flow, sequence, record.responseBytes);
  messages.shift();
  countAnswer(kernel, flow, sequence, record.responseBytes, writtenAt);
  closeWhenIdle(kernel, flow);
}

/** The answer of an exchange is complete: `length` bytes, and then the server has closed. */
export function accountExchange(kernel: Kernel, packet: Packet, flow: Flow, length: number): void {
  const { messages } = flow;
  const sequence = messages.oldestSequence;
  const writtenAt = messages.oldestWrittenAt;
  recordDelivery(kernel, packet, flow, sequence, length);
  messages.shift();
  countAnswer(kernel, flow, sequence, length, writtenAt);
}

function countAnswer(kernel: Kernel, flow: Flow, sequence: number, length: number, bornAt: number): void {
  flow.answered++;
  flow.answeredBytes += length;
  flow.latency.record(kernel.clock - bornAt);
  if (sequence === flow.outstanding) endRequest(kernel, flow);
}

function countArrival(flow: Flow, arrival: Arrival): boolean {
  if (arrival === Arrival.Again) flow.duplicates++;
  else if (arrival === Arrival.Late) flow.reordered++;
  return arrival !== Arrival.Again;
}

function digestDelivery({ digest, clock, node }: Kernel, at: Device | null, flow: Flow, sequence: number, length: number): void {
  digest.feedTime(clock);
  digest.feed(EventKind.Deliver | (node << 16));
  digest.feed(at === null ? -1 : at.index);
  digest.feed(flow.index);
  digest.feed(sequence);
  digest.feed(length);
}

function recordDelivery(kernel: Kernel, packet: Packet, flow: Flow, sequence: number, length: number): void {
  const { clock, node } = kernel;
  digestDelivery(kernel, packet.device, flow, sequence, length);
  if (packet.trace !== UNTRACED) {
    const device = packet.device === null ? -1 : packet.device.index;
    kernel.events.write(clock, EventKind.Deliver, node, Drop.None, packet.trace, device, flow.index, sequence, length);
  }
}
