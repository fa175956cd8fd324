/** Builds segments and appends them to the walk; the checksum follows in IpOutput, when the source address is known. */
import { FLOW_COUNTER_RETRANSMITS } from "../abi/counter";
import { DNS_STREAM_BYTES } from "../abi/dns";
import { Drop } from "../abi/drop";
import { TCP_RECEIVE_WINDOW, TCP_SYN_WINDOW, TCP_WINDOW_SCALE } from "../abi/limits";
import { Node } from "../abi/node";
import { SocketRole } from "../abi/program";
import { PROTOCOL_TCP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { dropUnmade } from "../graph/drop";
import { startTrace } from "../graph/trace";
import { append } from "../graph/walk";
import { destinationIn, headerBytes, sourceIn, stackOfPacket, transportIn, writeNetwork } from "../memory/network";
import { CROSSING, DontFragment, Packet, takePacket } from "../memory/pool";
import { relate } from "../netfilter/state";
import { sayStream } from "../processes/say";
import { clock, NEVER } from "../simulation/clock";
import { Connection, isBefore } from "../tables/connection";
import { count } from "../tables/counters";
import { noDevice } from "../tables/device";
import { flowAt } from "../tables/flow";
import { streamOf } from "../tables/stream";
import { swap32 } from "../wire/bytes";
import {
  ACK,
  acknowledgementOf,
  DATA_OPTIONS,
  FIN,
  flagsOf,
  PSH,
  RST,
  sequenceOf,
  SYN,
  SYN_OPTIONS,
  TCP_HEADER,
  writeDataOptions,
  writeSynOptions,
  writeTcp,
} from "../wire/tcp";

/** Resolution of the timestamps. ns. */
const TIMESTAMP_TICK: i64 = 1000000;
const WINDOW: u32 = <u32>TCP_RECEIVE_WINDOW >> TCP_WINDOW_SCALE;

/** What fits behind the bytes that a proxy has not passed on. */
@inline function windowOf(connection: Connection): u32 {
  if (connection.stream != 0) return max(DNS_STREAM_BYTES - <i32>connection.unread, 0) >> TCP_WINDOW_SCALE;
  if (connection.unread == 0) return WINDOW;
  return connection.unread < <u32>TCP_RECEIVE_WINDOW ? (<u32>TCP_RECEIVE_WINDOW - connection.unread) >> TCP_WINDOW_SCALE : 0;
}

/** No slot: the segment counts as lost, and the connection goes on as if it had been sent. */
export function sendSegment(connection: Connection, sequence: u32, bytes: u32, flags: u32, inProgress: Node): void {
  if (connection.ackDelayed) {
    connection.ackDelayed = false;
    connection.deadline = NEVER;
  }
  const header = TCP_HEADER + (flags & SYN ? SYN_OPTIONS : DATA_OPTIONS);
  const ipHeader = headerBytes(connection.namespace);
  const total = ipHeader + header + bytes;
  const packet = takePacket(total);
  if (changetype<usize>(packet) == 0) {
    dropUnmade(Drop.NoMemory, inProgress, noDevice, connection.flow, 0);
    return;
  }
  packet.flow = connection.flow;
  packet.response = <u8>(connection.role != SocketRole.Client);
  packet.dontFragment = <u8>DontFragment.Always;
  if (connection.flow != NONE) startTrace(packet, flowAt(connection.flow));
  const tcp = packet.network + ipHeader;
  writeNetwork(packet, connection.namespace, total, connection.namespace.ttl, PROTOCOL_TCP, connection.localIp, connection.remoteIp);
  writeTcp(tcp, connection.ports, sequence, flags & ACK ? connection.rcvNxt : 0, header, flags, flags & SYN ? TCP_SYN_WINDOW : windowOf(connection));
  const value = <u32>(clock / TIMESTAMP_TICK);
  if (flags & SYN) writeSynOptions(tcp, connection.ownMss, value, connection.echo);
  else writeDataOptions(tcp, value, connection.echo);
  const position = sequence - connection.iss - 1;
  if (connection.stream == 0) {
    sayStream(tcp + header, connection.flow, packet.response != 0, connection.iss, position, bytes);
  } else if (bytes != 0) {
    const stream = streamOf(connection);
    memory.copy(tcp + header, stream.said + (sequence - stream.saidFrom), bytes);
  }
  append(packet, Node.SocketOutput, inProgress);
}

/** The sequence number is that of the furthest byte ever sent, so that no acknowledgement looks old. */
export function sendAck(connection: Connection, inProgress: Node): void {
  sendSegment(connection, connection.sndMax, 0, ACK, inProgress);
}

/** SYN of the client, SYN-ACK of the server. */
export function sendSyn(connection: Connection, inProgress: Node): void {
  sendSegment(connection, connection.iss, 0, connection.role == SocketRole.Client ? SYN : SYN | ACK, inProgress);
}

/** Bytes [sequence, sequence + bytes) of the stream, for the first time or again. */
export function sendData(connection: Connection, sequence: u32, bytes: u32, inProgress: Node): void {
  const end = sequence + bytes;
  if (isBefore(sequence, connection.sndMax)) {
    noteRetransmission(connection);
  } else if (!connection.timing) {
    connection.timing = true;
    connection.timedEnd = end;
    connection.timedAt = clock;
  }
  sendSegment(connection, sequence, bytes, end == connection.writeEnd ? ACK | PSH : ACK, inProgress);
}

export function sendFin(connection: Connection, inProgress: Node): void {
  if (isBefore(connection.writeEnd, connection.sndMax)) noteRetransmission(connection);
  sendSegment(connection, connection.writeEnd, 0, FIN | ACK, inProgress);
}

/** Moves sndNxt, and sndMax with it. */
export function advance(connection: Connection, next: u32): void {
  connection.sndNxt = next;
  if (isBefore(connection.sndMax, next)) connection.sndMax = next;
}

/** A segment goes out again: no round trip is measured by it (Karn, RFC 6298 §3). */
export function noteRetransmission(connection: Connection): void {
  connection.timing = false;
  if (connection.flow != NONE) count(flowAt(connection.flow), FLOW_COUNTER_RETRANSMITS);
}

/** Answers a segment that belongs to no connection, or contradicts its own (RFC 9293 §3.10.7.1); related: the packet filter answers. */
export function sendReset(offender: Packet, payload: u32, inProgress: Node, isRelated: bool = false): void {
  const stack = stackOfPacket(offender);
  const total = headerBytes(stack) + TCP_HEADER;
  const packet = takePacket(total);
  if (changetype<usize>(packet) == 0) {
    dropUnmade(Drop.NoMemory, inProgress, offender.device, offender.flow, offender.sequence);
    return;
  }
  packet.flow = offender.flow;
  packet.sequence = offender.sequence;
  packet.trace = offender.trace;
  packet.response = 1;
  packet.dontFragment = <u8>DontFragment.Always;
  const tcp = transportIn(offender);
  const flags = flagsOf(tcp);
  writeNetwork(packet, stack, total, stack.ttl, PROTOCOL_TCP, destinationIn(offender), sourceIn(offender));
  if (stack.isIpv6 && (offender.received != 0 || offender.dontFragment & CROSSING)) packet.out = offender.device;
  const own = packet.network + headerBytes(stack);
  const ports = rotl<u32>(swap32(load<u32>(tcp)), 16);
  const length = payload + <u32>((flags & SYN) != 0) + <u32>((flags & FIN) != 0);
  if (flags & ACK) writeTcp(own, ports, acknowledgementOf(tcp), 0, TCP_HEADER, RST, 0);
  else writeTcp(own, ports, 0, sequenceOf(tcp) + length, TCP_HEADER, RST | ACK, 0);
  if (isRelated) relate(packet, offender);
  append(packet, Node.SocketOutput, inProgress);
}
