/** Processes that send: when the next message is due, and how it leaves. */
import { FLOW_COUNTER_ANSWERED, FLOW_COUNTER_BLOCKED, FLOW_COUNTER_ERRORS, FLOW_COUNTER_SENT, FLOW_COUNTER_SENT_BYTES, FlowError, FlowState } from "../abi/counter";
import { Drop } from "../abi/drop";
import { EXPONENTIAL_ENTRIES, EXPONENTIAL_SCALE, TCP_MESSAGES_MAX, TCP_SEND_BUFFER } from "../abi/limits";
import { Node } from "../abi/node";
import { FlowKind, RouteType } from "../abi/program";
import { ARP_REQUEST, ICMP6_ECHO_REQUEST, ICMP_ECHO_REQUEST, PROTOCOL_ICMP, PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { dropUnmade } from "../graph/drop";
import { recordHop, startTrace } from "../graph/trace";
import { finish, walk } from "../graph/walk";
import { headerBytes, writeNetwork } from "../memory/network";
import { DontFragment, frameOf, Packet, takeDatagram, takePacket } from "../memory/pool";
import { MESSAGE } from "../processes/datagram";
import { writeQuery } from "../processes/dns-message";
import { writeMessage } from "../processes/stream";
import { Connection } from "../tables/connection";
import { add, count, giveUp, noteError } from "../tables/counters";
import { ADVERTISEMENT_BYTES, writeAnnouncement } from "../ipv6/discovery";
import { isNull, noDevice, ownerOf } from "../tables/device";
import { ownerOf6 } from "../tables/interface6";
import { hasRoute, lookup } from "../tables/fib";
import { Flow, flowAt, isClosedLoop, isExchange, messagesInFlight, pushMessage, setState } from "../tables/flow";
import { LENGTH, streamOf } from "../tables/stream";
import { closeIfFinished, leaveExchange } from "../tcp/close";
import { canConnect, connect } from "../tcp/connect";
import { scheduleOutput } from "../tcp/output";
import { ARP_FRAME, writeArp } from "../wire/arp";
import { ETHERNET_HEADER, MAC_BROADCAST, TYPE_ARP, writeEthernet } from "../wire/ethernet";
import { ICMP_HEADER, writeIcmpChecksum, writeIcmpHeader } from "../wire/icmp";
import { IP_BROADCAST } from "../wire/ipv4";
import { sayDatagram } from "../processes/say";
import { writePayload } from "../wire/payload";
import { UDP_HEADER, writeUdp } from "../wire/udp";
import { clock, now } from "./clock";
import { copyCost, enter, visit } from "./cpu";
import { Event, pushEvent } from "./event-queue";
import { setTimer, takeTimer } from "./timer";

/** A closed loop that could not send waits at least this long. ns. */
const PAUSE: i64 = 1000000;
/** Quantiles of the exponential distribution, u32 each. */
const EXPONENTIAL = memory.data(EXPONENTIAL_ENTRIES * 4, 16);

export function setExponential(from: usize): void {
  memory.copy(EXPONENTIAL, from, EXPONENTIAL_ENTRIES * 4);
}

/** Pushes the flow's first message. */
export function startFlow(flow: Flow): void {
  pushEvent(max(flow.start, now), Event.Source, flow.index, flow.generation);
}

/** A Source event. */
export function source(index: u32, generation: u32): void {
  const flow = flowAt(index);
  if (flow.generation != generation) return;
  const time = now;
  if (time >= flow.stop || (flow.count != NONE && flow.sequence >= flow.count) || isDone(flow)) {
    setState(flow, FlowState.Finished);
    closeIfFinished(flow);
    return;
  }
  setState(flow, FlowState.Running);
  let isSent = false;
  if (enter(flow.namespace.cpu, time)) {
    visit(Node.SocketOutput);
    if (flow.protocol == PROTOCOL_TCP) isSent = sendMessage(flow);
    else if (flow.kind == FlowKind.Announce) announce(flow);
    else if (flow.kind == FlowKind.Ping && isBroadcast(flow)) refuse(flow);
    else isSent = sendDatagram(flow);
    finish();
  } else {
    count(flow, FLOW_COUNTER_SENT);
    dropUnmade(Drop.CpuBacklog, Node.SocketOutput, noDevice, index, flow.sequence++);
  }
  if (isClosedLoop(flow)) {
    if (!isSent) pushEvent(time + max(flow.think, PAUSE), Event.Source, index, generation);
  } else {
    pushEvent(nextTime(flow, time), Event.Source, index, generation);
  }
}

/** A FlowTimer event. */
export function flowTimer(index: u32): void {
  const flow = flowAt(index);
  if (!takeTimer(flow)) return;
  if (flow.deadline > now) armTimeout(flow, flow.deadline);
  else {
    if (isExchange(flow) && flow.outstanding >= 0) leaveExchange(flow);
    giveUp(flow);
  }
}

/** Whether it has the one answer that it wanted, or an error instead. */
function isDone(flow: Flow): bool {
  return flow.untilAnswer && (load<f64>(flow.counters, FLOW_COUNTER_ANSWERED) != 0 || load<f64>(flow.counters, FLOW_COUNTER_ERRORS) != 0);
}

/** ping asks for no SO_BROADCAST. */
function isBroadcast(flow: Flow): bool {
  if (flow.destination == IP_BROADCAST && !flow.namespace.isIpv6) return true;
  const decision = lookup(flow.namespace, flow.destination);
  return hasRoute(decision) && decision.route.type == RouteType.Broadcast;
}

function refuse(flow: Flow): void {
  count(flow, FLOW_COUNTER_BLOCKED);
  noteError(flow, FlowError.AccessDenied);
}

@inline function nextTime(flow: Flow, time: i64): i64 {
  if (flow.kind == FlowKind.Poisson) return time + exponentialGap(flow);
  const next = time + max<i64>(1, flow.interval);
  return flow.kind == FlowKind.OnOff ? nextOn(flow, next) : next;
}

function exponentialGap(flow: Flow): i64 {
  const quantile = load<u32>(EXPONENTIAL + (<usize>(flow.next() >> 20) << 2));
  return max<i64>(1, <i64>Math.floor((<f64>flow.interval * <f64>quantile) / EXPONENTIAL_SCALE));
}

/** A message that is due in a pause waits for the next cycle. */
function nextOn(flow: Flow, time: i64): i64 {
  const cycle = flow.on + flow.off;
  if (cycle == 0) return time;
  const since = time - flow.start;
  return since % cycle < flow.on ? time : flow.start + (since / cycle + 1) * cycle;
}

function armTimeout(flow: Flow, deadline: i64): void {
  setTimer(flow, deadline, Event.FlowTimer, flow.index);
}

/** Sends a gratuitous ARP request, or an advertisement, for the flow's destination from the device that has it, if one does. */
function announce(flow: Flow): void {
  const ip = flow.destination;
  const stack = flow.namespace;
  const device = stack.isIpv6 ? ownerOf6(stack, ip) : ownerOf(stack, ip);
  if (isNull(device)) {
    count(flow, FLOW_COUNTER_BLOCKED);
    return;
  }
  const sequence = flow.sequence;
  const packet = takePacket(stack.isIpv6 ? ADVERTISEMENT_BYTES : ARP_FRAME - ETHERNET_HEADER);
  noteSent(flow, sequence, false);
  if (changetype<usize>(packet) == 0) {
    dropUnmade(Drop.NoMemory, Node.SocketOutput, noDevice, flow.index, sequence);
    return;
  }
  const frame = frameOf(packet);
  if (stack.isIpv6) {
    writeAnnouncement(packet, device, ip);
  } else {
    writeEthernet(frame, MAC_BROADCAST, device.mac, TYPE_ARP);
    writeArp(frame, ARP_REQUEST, device.mac, ip, MAC_BROADCAST, ip);
  }
  packet.framed = 1;
  packet.flow = flow.index;
  packet.sequence = sequence;
  packet.out = device;
  startTrace(packet, flow);
  if (packet.trace != NONE) recordHop(packet, Node.SocketOutput);
  walk(packet, Node.DeviceTransmit);
}

/** What is counted of every message that leaves; a closed loop now waits for its answer. */
@inline function noteSent(flow: Flow, sequence: u32, copies: bool): void {
  count(flow, FLOW_COUNTER_SENT);
  add(flow, FLOW_COUNTER_SENT_BYTES, flow.bytes);
  flow.sequence = sequence + 1;
  if (copies) copyCost(flow.bytes);
  if (!isClosedLoop(flow) && !isExchange(flow)) return;
  flow.outstanding = sequence;
  armTimeout(flow, clock + flow.timeout);
}

/** A UDP datagram or an ICMP echo request. */
@inline function sendDatagram(flow: Flow): bool {
  const bytes = flow.bytes;
  const stack = flow.namespace;
  const total = headerBytes(stack) + UDP_HEADER + bytes;
  const sequence = flow.sequence;
  const packet = takeDatagram(total);
  if (changetype<usize>(packet) == 0) {
    dropUnmade(Drop.NoMemory, Node.SocketOutput, noDevice, flow.index, sequence);
    noteSent(flow, sequence, false);
    return true;
  }
  packet.flow = flow.index;
  packet.sequence = sequence;
  packet.dontFragment = <u8>(flow.dontFragment ? DontFragment.Always : DontFragment.Want);
  packet.fromSource = 1;
  startTrace(packet, flow);
  build(packet, flow, total);
  if (packet.trace != NONE) recordHop(packet, Node.SocketOutput);
  noteSent(flow, sequence, true);
  walk(packet, stack.isIpv6 ? Node.Ip6Output : Node.IpOutput);
  return true;
}

/** The source address is the route's choice. */
@inline function build(packet: Packet, flow: Flow, total: u32): void {
  if (ICMP_HEADER != UDP_HEADER) ERROR("build: the two headers are taken to be of the same length");
  const stack = flow.namespace;
  const header = headerBytes(stack);
  const transport = packet.network + header;
  const length = total - header;
  const ttl = flow.ttl != 0 ? flow.ttl : stack.ttl;
  if (flow.kind == FlowKind.Query) writeQuery(transport + UDP_HEADER, packet.sequence, flow.name, flow.queryType, flow.udpSize);
  else if (flow.protocol == PROTOCOL_UDP) sayDatagram(transport + UDP_HEADER, flow.index, false, packet.sequence, flow.bytes);
  else writePayload(transport + UDP_HEADER, packet.sequence, flow.index, flow.bytes);
  if (flow.protocol == PROTOCOL_UDP) {
    writeNetwork(packet, stack, total, ttl, PROTOCOL_UDP, 0, flow.destination);
    writeUdp(transport, flow.sourcePort, flow.destinationPort, length);
  } else {
    writeNetwork(packet, stack, total, ttl, stack.isIpv6 ? PROTOCOL_ICMP6 : PROTOCOL_ICMP, 0, flow.destination);
    writeIcmpHeader(transport, stack.isIpv6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO_REQUEST, 0, flow.sourcePort, (packet.sequence + flow.firstSequence) & 0xffff);
    // That of ICMPv6 covers the source.
    if (!stack.isIpv6) writeIcmpChecksum(transport, length);
  }
}

/** A message written to a TCP socket. False: the socket does not take it now. */
function sendMessage(flow: Flow): bool {
  const isNew = flow.connection == 0;
  if (isExchange(flow) && flow.outstanding >= 0) {
    count(flow, FLOW_COUNTER_BLOCKED);
    return false;
  }
  if (isNew ? !canConnect(flow) : isFull(flow)) {
    count(flow, FLOW_COUNTER_BLOCKED);
    if (isNew) noteError(flow, FlowError.TimedOut);
    return false;
  }
  const sequence = flow.sequence;
  noteSent(flow, sequence, true);
  pushMessage(flow, clock, sequence);
  const connection = isNew ? connect(flow) : changetype<Connection>(flow.connection);
  if (connection.stream != 0) {
    writeQuery(MESSAGE, sequence, flow.name, flow.queryType, flow.udpSize);
    writeMessage(streamOf(connection), flow.bytes - LENGTH);
    return true;
  }
  connection.writeEnd += flow.bytes;
  if (!isNew) scheduleOutput(connection);
  return true;
}

function isFull(flow: Flow): bool {
  const connection = changetype<Connection>(flow.connection);
  if (connection.closing) return true;
  const messages = messagesInFlight(flow);
  if (messages == 0) return false;
  const buffered = <u64>(connection.writeEnd - connection.sndUna) + <u64>flow.bytes;
  return messages >= <u32>TCP_MESSAGES_MAX || buffered > <u64>TCP_SEND_BUFFER;
}
