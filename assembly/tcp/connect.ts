/** tcp_v4_connect and tcp_conn_request: both ends of the set-up. */
import { TCP_SYN_WINDOW } from "../abi/limits";
import { Node } from "../abi/node";
import { FlowKind, SocketRole } from "../abi/program";
import { PROTOCOL_TCP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { destinationIn, headerBytes, sourceIn, stackOfPacket } from "../memory/network";
import { frameBytes, Packet } from "../memory/pool";
import { servesNames } from "../processes/stream-server";
import { clock } from "../simulation/clock";
import { Random, RandomKind } from "../simulation/random";
import { startWindow } from "../tables/congestion";
import { armConnection, Connection, findConnection, hasFreeConnection, isNoConnection, takeConnection, TcpState } from "../tables/connection";
import { isNull } from "../tables/device";
import { lookup, outputDevice, sourceFor } from "../tables/fib";
import { Flow, flowAt } from "../tables/flow";
import { Namespace } from "../tables/namespace";
import { pathMtu } from "../tables/path-mtu";
import { Socket } from "../tables/socket";
import { hasFreeStream, StreamKind, takeStream } from "../tables/stream";
import { load32 } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { IPV6_HEADER } from "../wire/ipv6";
import { mssOption, sequenceOf, TCP_HEADER, timestampsOption, windowOf } from "../wire/tcp";
import { sendSyn } from "./segment";

/** RFC 9293 §3.7.1, when nothing better is known. */
const MSS_DEFAULT: u32 = 536;
/** tcp_min_snd_mss. */
const MSS_MIN: u32 = 48;

const RANDOM = changetype<Random>(memory.data(16, 8));

export function seedTcp(seed: u32): void {
  RANDOM.seed(seed, RandomKind.Tcp, 0);
}

/** Whether the flow could connect now: a record is free, and nobody uses the addresses and ports. */
export function canConnect(flow: Flow): bool {
  const namespace = flow.namespace;
  const local = localAddress(namespace, flow.destination);
  if (!hasFreeConnection() || (flow.kind == FlowKind.Query && !hasFreeStream())) return false;
  for (let k: u32 = 0; k < flow.sourcePorts; k++) {
    flow.nextPort = flow.sourcePort + ((flow.sequence + k) % flow.sourcePorts);
    if (isNoConnection(findConnection(namespace, local, flow.destination, portsOf(flow)))) return true;
  }
  return false;
}

/** Sends the SYN. */
export function connect(flow: Flow): Connection {
  const namespace = flow.namespace;
  const local = localAddress(namespace, flow.destination);
  const connection = openConnection(namespace, local, flow.destination, portsOf(flow), flow.index, Node.SocketOutput);
  flow.connection = changetype<usize>(connection);
  if (flow.kind == FlowKind.Query) takeStream(StreamKind.Client, connection);
  return connection;
}

/** The client's end of a new connection, and its SYN. A record is free, and the ports are. */
export function openConnection(namespace: Namespace, local: u32, remote: u32, ports: u32, flow: u32, inProgress: Node): Connection {
  const connection = takeConnection(namespace, local, remote, ports, TcpState.SynSent);
  connection.flow = flow;
  connection.role = SocketRole.Client;
  start(connection, 0);
  connection.mss = min(connection.ownMss, segmentMax(namespace));
  startWindow(connection);
  sendSyn(connection, inProgress);
  armConnection(connection, clock + connection.rto);
  return connection;
}

/** A SYN for a listening socket: answers with SYN-ACK. False: no record is free. */
export function accept(packet: Packet, tcp: usize, listener: Socket): bool {
  const isNameServer = servesNames(listener);
  if (!hasFreeConnection() || (isNameServer && !hasFreeStream())) return false;
  const ports = rotl<u32>(load32(tcp), 16);
  const connection = takeConnection(stackOfPacket(packet), destinationIn(packet), sourceIn(packet), ports, TcpState.SynReceived);
  const isOfFlow = packet.flow != NONE && packet.response == 0 && flowAt(packet.flow).protocol == PROTOCOL_TCP;
  connection.flow = isOfFlow ? packet.flow : NONE;
  connection.role = listener.role;
  connection.listener = changetype<usize>(listener);
  connection.spliced = listener.role == SocketRole.Proxy;
  if (isNameServer) takeStream(StreamKind.Server, connection);
  start(connection, sequenceOf(tcp) + 1);
  agree(connection, tcp);
  sendSyn(connection, Node.TcpInput);
  armConnection(connection, clock + connection.rto);
  return true;
}

/** What the other end's SYN says: its window, which is not scaled yet, its MSS, and its timestamp. */
export function agree(connection: Connection, tcp: usize): void {
  const theirs = mssOption(tcp);
  connection.irs = sequenceOf(tcp);
  connection.sndWnd = windowOf(tcp);
  connection.mss = max(MSS_MIN, min(min(connection.ownMss, segmentMax(connection.namespace)), theirs != 0 ? theirs : MSS_DEFAULT));
  const timestamps = timestampsOption(tcp);
  if (timestamps != 0) connection.echo = load32(timestamps + 2);
  startWindow(connection);
}

function start(connection: Connection, rcvNxt: u32): void {
  const iss = RANDOM.next();
  connection.iss = iss;
  connection.sndUna = iss;
  connection.sndNxt = iss + 1;
  connection.sndMax = iss + 1;
  connection.writeEnd = iss + 1;
  connection.sndWnd = TCP_SYN_WINDOW;
  connection.rcvNxt = rcvNxt;
  connection.timing = true;
  connection.timedEnd = iss + 1;
  connection.timedAt = clock;
  connection.ownMss = ownMss(connection.namespace, connection.remoteIp);
}

/** The source that IpOutput would choose; 0 without a route. */
export function localAddress(namespace: Namespace, destination: u32): u32 {
  const route = lookup(namespace, destination).route;
  return isNull(outputDevice(namespace, route)) ? 0 : sourceFor(namespace, route, destination);
}

/** What a slot holds. */
function segmentMax(namespace: Namespace): u32 {
  return segmentOf(namespace, frameBytes - ETHERNET_HEADER);
}

/** tcp_advertise_mss. The total length of IPv6 does not count its header. */
function ownMss(namespace: Namespace, destination: u32): u32 {
  const device = outputDevice(namespace, lookup(namespace, destination).route);
  if (isNull(device)) return MSS_DEFAULT;
  return segmentOf(namespace, min(pathMtu(namespace, destination, device.announcedMtu), namespace.isIpv6 ? IPV6_HEADER + 65535 : 65535));
}

function segmentOf(namespace: Namespace, mtu: u32): u32 {
  const headers = headerBytes(namespace) + TCP_HEADER;
  return max(mtu, MSS_MIN + headers) - headers;
}

function portsOf(flow: Flow): u32 {
  return (flow.nextPort << 16) | flow.destinationPort;
}
