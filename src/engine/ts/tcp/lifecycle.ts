import { FlowError, FlowState } from "../../../../assembly/abi/counter";
import { TCP_MESSAGES_MAX, TCP_RTO_INITIAL_NS, TCP_SEND_BUFFER } from "../../../../assembly/abi/limits";
import { FlowKind, SocketRole } from "../../../../assembly/abi/program";
import { sourceOfRoute6 } from "../ipv6/choose";
import type { Kernel } from "../kernel";
import { isIpv6 } from "../memory/address-table";
import { DATAGRAM_MAX } from "../memory/memory";
import type { Packet } from "../memory/packet";
import { chooseSource, outputDevice } from "../nodes/ip-output";
import { framed, leave, releaseStream, write } from "../processes/stream";
import { isNameServer } from "../processes/stream-server";
import { accountExchange, giveUpRequest, queryOf } from "../simulation/source";
import { beginCongestion } from "../tables/congestion";
import { type Connection, TcpState } from "../tables/connection";
import { type Flow, NO_REQUEST } from "../tables/flow";
import type { Namespace } from "../tables/namespace";
import type { Socket } from "../tables/socket";
import { StreamKind } from "../tables/stream";
import { destinationOf, sourceOf } from "../wire/ip";
import { IPV4_HEADER } from "../wire/ipv4";
import { IPV6_HEADER } from "../wire/ipv6";
import { destinationPort, mssOption, sequenceNumber, sourcePort, TCP_HEADER, timestampOption } from "../wire/tcp";
import { scheduleOutput } from "./output";
import { sendSyn } from "./segment";
import { sever } from "./splice";
import { arm } from "./timer";

/** tcp_min_snd_mss: room for 40 bytes of options and 8 of data. */
const MSS_MIN = 48;
/** What an end that says nothing can take (RFC 9293 §3.7.1). */
const MSS_DEFAULT = 536;

/** tcp_sendmsg's question: is there room in the socket's buffer, or a connection to be had? */
export function canWrite(kernel: Kernel, flow: Flow): boolean {
  const { connection, messages, record } = flow;
  if (flow.isExchange && flow.outstanding !== NO_REQUEST) return false;
  if (connection === null) return canConnect(kernel, flow);
  if (connection.closing || messages.size >= TCP_MESSAGES_MAX) return false;
  const buffered = (connection.writeEnd - connection.sndUna) | 0;
  return messages.size === 0 || buffered + record.bytes <= TCP_SEND_BUFFER;
}

function canConnect(kernel: Kernel, flow: Flow): boolean {
  const { namespace, destination, record } = flow;
  const { connections, streams } = kernel;
  const local = localIp(kernel, namespace, destination);
  const ports = Math.max(record.sourcePorts ?? 1, 1);
  const isFull = connections.isFull || (record.kind === FlowKind.Query && streams.isFull);
  for (let k = 0; k < ports && !isFull; k++) {
    const port = record.sourcePort + ((flow.sequence + k) % ports);
    if (connections.find(namespace, local, port, destination, record.destinationPort) !== null) continue;
    flow.sourcePort = port;
    return true;
  }
  flow.errors++;
  flow.error = FlowError.TimedOut;
  return false;
}

/** Writes a message into the stream; the first one, or the next after a failure, connects. */
export function writeMessage(kernel: Kernel, flow: Flow, sequence: number): void {
  flow.messages.push(sequence, kernel.clock);
  const connection = flow.connection ?? connect(kernel, flow);
  if (connection.stream === null) connection.writeEnd = (connection.writeEnd + flow.record.bytes) | 0;
  else write(connection.stream, connection, framed(queryOf(kernel, flow, sequence)));
  if (connection.state === TcpState.Closed) {
    connection.state = TcpState.SynSent;
    sendSyn(kernel, connection);
    connection.rto = TCP_RTO_INITIAL_NS;
    arm(kernel, connection, kernel.clock + connection.rto);
  } else {
    scheduleOutput(kernel, connection);
  }
}

/** tcp_v4_connect, up to the SYN. */
function connect(kernel: Kernel, flow: Flow): Connection {
  const { namespace, destination, record } = flow;
  const local = localIp(kernel, namespace, destination);
  const connection = kernel.connections.take(namespace, local, flow.sourcePort, destination, record.destinationPort);
  connection.begin(kernel.tcpRandom.next());
  connection.flow = flow;
  connection.ownMss = ownMss(kernel, namespace, destination);
  connection.mss = Math.min(connection.ownMss, segmentMax(kernel, destination));
  flow.connection = connection;
  if (record.kind === FlowKind.Query) kernel.streams.take(StreamKind.Client, connection);
  return connection;
}

/** A SYN came to a listening socket. The table has room. */
export function accept(kernel: Kernel, listener: Socket, namespace: Namespace, packet: Packet, tcp: number, flow: Flow | null): void {
  const { bytes } = kernel.memory;
  const remoteIp = sourceOf(bytes, packet);
  const local = destinationOf(bytes, packet);
  const connection = kernel.connections.take(namespace, local, destinationPort(bytes, tcp), remoteIp, sourcePort(bytes, tcp));
  connection.begin(kernel.tcpRandom.next());
  connection.flow = flow;
  connection.listener = listener;
  connection.role = listener.role;
  connection.isSpliced = listener.role === SocketRole.Proxy;
  if (isNameServer(listener)) kernel.streams.take(StreamKind.Server, connection);
  connection.state = TcpState.SynReceived;
  connection.irs = sequenceNumber(bytes, tcp);
  connection.rcvNxt = (connection.irs + 1) | 0;
  connection.echo = timestampOption(bytes, tcp, 0);
  connection.ownMss = ownMss(kernel, namespace, remoteIp);
  agreeOnMss(kernel, connection, tcp);
  sendSyn(kernel, connection);
  arm(kernel, connection, kernel.clock + connection.rto);
}

/** Both ends have said what they take: segments and the first window follow from it. */
export function agreeOnMss(kernel: Kernel, connection: Connection, tcp: number): void {
  const theirs = mssOption(kernel.memory.bytes, tcp, MSS_DEFAULT);
  connection.mss = Math.max(MSS_MIN, Math.min(connection.ownMss, theirs, segmentMax(kernel, connection.remoteIp)));
  beginCongestion(connection);
}

/** A path takes less than thought; the MSS that follows from it. */
export function mssOf(mtu: number, remoteIp: number): number {
  return Math.max(MSS_MIN, mtu - (isIpv6(remoteIp) ? IPV6_HEADER : IPV4_HEADER) - TCP_HEADER);
}

/** The source address that the route to `destination` gives; 0 if there is no way. */
export function localIp({ addresses }: Kernel, namespace: Namespace, destination: number): number {
  const route = namespace.routeTo(destination);
  const device = route === null ? null : outputDevice(namespace, route);
  if (route === null || device === null) return 0;
  if (isIpv6(destination)) return sourceOfRoute6(addresses, namespace, route, device, destination);
  return chooseSource(route, device, destination);
}

/** The longest segment that a slot holds. */
export function segmentMax({ datagramBytes }: Kernel, remoteIp: number): number {
  return mssOf(datagramBytes, remoteIp);
}

/** tcp_advertise_mss: as dst_metric_advmss has it, the longest segment that the way takes and a packet can be. */
export function ownMss(kernel: Kernel, namespace: Namespace, remoteIp: number): number {
  const route = namespace.routeTo(remoteIp);
  const device = route === null ? null : outputDevice(namespace, route);
  if (device === null) return MSS_DEFAULT;
  const mtu = kernel.pathMtus.find(namespace, remoteIp, device.announcedMtu, kernel.clock);
  // The length field of IPv6 does not count the header.
  return mssOf(Math.min(mtu, isIpv6(remoteIp) ? IPV6_HEADER + DATAGRAM_MAX : DATAGRAM_MAX), remoteIp);
}

/** The end of a connection that has nothing to complain of. */
export function close(kernel: Kernel, connection: Connection): void {
  sever(kernel, connection, false);
  if (connection.stream !== null) releaseStream(kernel, connection.stream);
  const flow = detach(connection);
  kernel.connections.release(connection);
  if (flow !== null) flow.messages.clear();
}

/** A connection fails. The client's process sees the error; the server's has nobody to tell. */
export function abort(kernel: Kernel, connection: Connection, error: FlowError): void {
  sever(kernel, connection, true);
  if (connection.stream !== null) releaseStream(kernel, connection.stream);
  const flow = detach(connection);
  kernel.connections.release(connection);
  if (flow === null) return;
  flow.messages.clear();
  flow.errors++;
  flow.error = error;
  flow.state = FlowState.Failed;
  giveUpRequest(kernel, flow);
}

/** Takes a client's connection from its flow, which it returns. */
function detach(connection: Connection): Flow | null {
  const { flow } = connection;
  if (flow === null || flow.connection !== connection) return null;
  flow.connection = null;
  return flow;
}

/** A flow that has finished closes its end once every message is complete. */
export function closeWhenIdle(kernel: Kernel, flow: Flow): void {
  const { connection } = flow;
  if (flow.state !== FlowState.Finished || connection === null || flow.messages.size > 0 || connection.closing) return;
  connection.closing = true;
  scheduleOutput(kernel, connection);
}

/** The client waits no longer for the answer of an exchange. Its connection goes on alone, if there is one. */
export function leaveExchange(kernel: Kernel, flow: Flow): void {
  const { connection } = flow;
  flow.messages.clear();
  if (connection === null) return;
  if (connection.state === TcpState.SynSent) {
    close(kernel, connection);
    return;
  }
  flow.connection = null;
  if (connection.stream !== null) {
    leave(kernel, connection.stream);
    return;
  }
  connection.closing = true;
  scheduleOutput(kernel, connection);
}

/** The server of an exchange has closed: that is the answer, or there is none. */
export function completeExchange(kernel: Kernel, connection: Connection, packet: Packet, flow: Flow): void {
  flow.connection = null;
  if (connection.stream !== null) {
    connection.stream.hasLeft = true;
    connection.unread = 0;
  }
  if (connection.pending > 0) {
    accountExchange(kernel, packet, flow, connection.pending);
    return;
  }
  flow.messages.clear();
  flow.errors++;
  flow.error = FlowError.Closed;
  flow.state = FlowState.Failed;
  giveUpRequest(kernel, flow);
}

/** A segment found no route: an attempt to connect fails, later ones are sent again until time is up. */
export function failSegment(kernel: Kernel, packet: Packet, error: FlowError): void {
  const { namespace, transport: tcp } = packet;
  if (namespace === null) return;
  const { bytes } = kernel.memory;
  const connection = kernel.connections.find(
    namespace,
    sourceOf(bytes, packet),
    sourcePort(bytes, tcp),
    destinationOf(bytes, packet),
    destinationPort(bytes, tcp),
  );
  if (connection !== null && connection.state === TcpState.SynSent) abort(kernel, connection, error);
}
