/**
 * Load balancing by mark (ip_vs): at LocalIn what is for a virtual service gets a real server and goes there, with the real server's
 * address as its destination; at Forward and LocalOut the answers get the virtual address as their source.
 */
import { Drop } from "../abi/drop";
import { EventKind } from "../abi/event";
import { Forwarding } from "../abi/ipvs";
import { Node } from "../abi/node";
import { DeviceKind, RouteType } from "../abi/program";
import {
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_HOST_UNREACHABLE,
  ICMP_PORT_UNREACHABLE,
  ICMP_TIME_EXCEEDED,
  ICMP_TTL_EXCEEDED,
  ICMP_UNREACHABLE,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../abi/protocol";
import { NONE } from "../abi/version";
import { drop } from "../graph/drop";
import { recordHop, writeRecord } from "../graph/trace";
import { BALANCED, FOR_HOLDER, Packet, PacketType } from "../memory/pool";
import { icmpError } from "../nodes/icmp-error";
import { visit } from "../simulation/cpu";
import { CONFIRMED, isReply, trackedOf } from "../tables/conntrack";
import { isNull } from "../tables/device";
import { hasRoute, lookup } from "../tables/fib";
import {
  findReply,
  findRequest,
  insertConnection,
  IpvsConnection,
  isNoConnection,
  joinTracked,
  removeConnection,
  takeConnection,
} from "../tables/ipvs-connection";
import { Namespace } from "../tables/namespace";
import { pathMtu } from "../tables/path-mtu";
import { choose, findService, isNoService, Service, serverAddress, serverForwarding, serverWeight } from "../tables/virtual-service";
import { swap32 } from "../wire/bytes";
import { complement, isValid, sumPseudoHeader, sumWords } from "../wire/checksum";
import { ICMP_HEADER, writeIcmpChecksum } from "../wire/icmp";
import {
  decreaseTtl,
  fragmentWord,
  headerLength,
  IP_DESTINATION,
  IP_DF,
  IP_OFFSET_MASK,
  IP_SOURCE,
  IP_TTL,
  IPV4_HEADER,
  protocolOf,
  totalLength,
  writeChecksum,
} from "../wire/ipv4";
import { rewriteAddress, rewriteSide } from "../wire/rewrite";
import { flagsOf, RST, SYN, TCP_HEADER } from "../wire/tcp";
import { sourcePort, UDP_CHECKSUM, UDP_HEADER } from "../wire/udp";
import { advance, NO } from "./ipvs-state";
import { carriesEntry, DEFRAGMENTED, RELATED, stateOf, tupleOf } from "./state";

/** The other end of FTP's data connections (FTPDATA of ip_vs_core.c), which nobody schedules. */
const FTP_DATA: u32 = 20;

/** The packet has been here in this namespace; everybody else is seen now. */
@inline function isDone(packet: Packet): bool {
  if (packet.dontFragment & BALANCED) return true;
  visit(Node.Ipvs);
  if (packet.trace != NONE) recordHop(packet, Node.Ipvs);
  return false;
}

@inline function kindOf(stack: Namespace, protocol: u32): u32 {
  return protocol | (stack.key << 8);
}

@inline function transportOf(ip: usize): usize {
  return ip + headerLength(ip);
}

/** TCP or UDP, with a header that is there. */
@inline function hasPorts(ip: usize, protocol: u32): bool {
  const bytes = totalLength(ip) - headerLength(ip);
  return protocol == PROTOCOL_TCP ? bytes >= TCP_HEADER : protocol == PROTOCOL_UDP && bytes >= UDP_HEADER;
}

/** ip_vs_in at LocalIn. LocalIn: the hook goes on. */
export function balanceRequest(packet: Packet, stack: Namespace): Node {
  if (isDone(packet) || packet.type != PacketType.Host || packet.device.kind == DeviceKind.Loopback) return Node.LocalIn;
  const ip = packet.network;
  const protocol = protocolOf(ip);
  if (protocol == PROTOCOL_ICMP) return balanceError(packet, stack);
  if (!hasPorts(ip, protocol)) return Node.LocalIn;
  const transport = transportOf(ip);
  const flags = protocol == PROTOCOL_TCP ? flagsOf(transport) : 0;
  let connection = findRequest(load<u32>(ip, IP_SOURCE), load<u32>(ip, IP_DESTINATION), load<u32>(transport), kindOf(stack, protocol));
  if (!isNoConnection(connection) && flags & SYN && serverWeight(connection.server) == 0) {
    removeConnection(connection);
    if (carriesEntry(packet) && trackedOf(tupleOf(packet)).status & CONFIRMED) return drop(packet, Drop.IpvsNoDestination, Node.Ipvs);
    connection = changetype<IpvsConnection>(0);
  }
  if (isNoConnection(connection)) {
    if (protocol == PROTOCOL_TCP && (!(flags & SYN) || flags & RST)) return Node.LocalIn;
    const service = findService(stack.index, packet.mark);
    if (isNoService(service) || sourcePort(transport) == FTP_DATA) return Node.LocalIn;
    const server = choose(service);
    if (server == NONE) {
      icmpError(packet, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
      return drop(packet, Drop.IpvsNoDestination, Node.Ipvs);
    }
    connection = takeConnection();
    if (isNoConnection(connection)) return drop(packet, Drop.NoMemory, Node.Ipvs);
    begin(connection, ip, kindOf(stack, protocol), service, server);
  }
  advance(connection, flags, false);
  return transmit(packet, stack, connection);
}

/** ip_vs_conn_new. */
function begin(connection: IpvsConnection, ip: usize, kind: u32, service: Service, server: u32): void {
  connection.client = load<u32>(ip, IP_SOURCE);
  connection.virtual = load<u32>(ip, IP_DESTINATION);
  connection.real = swap32(serverAddress(server));
  connection.ports = load<u32>(transportOf(ip));
  connection.kind = kind;
  connection.service = service;
  connection.server = server;
  connection.forwarding = <u8>serverForwarding(server);
  connection.state = NO;
  insertConnection(connection);
}

/** Address of the TCP or UDP packet that an ICMP error quotes, or 0. */
function quoteOf(ip: usize): usize {
  const icmp = transportOf(ip);
  const bytes = totalLength(ip) - headerLength(ip);
  if (bytes < ICMP_HEADER + IPV4_HEADER) return 0;
  const type = <u32>load<u8>(icmp);
  if (type != 3 && type != 4 && type != 11) return 0;
  const inner = icmp + ICMP_HEADER;
  const header = headerLength(inner);
  if (header < IPV4_HEADER || bytes < ICMP_HEADER + header + 8 || fragmentWord(inner) & IP_OFFSET_MASK) return 0;
  const protocol = protocolOf(inner);
  return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP ? inner : 0;
}

@inline function isSoundIcmp(ip: usize): bool {
  return isValid(sumWords(transportOf(ip), totalLength(ip) - headerLength(ip)));
}

/** ip_vs_in_icmp: somebody on the client's side complains of an answer. */
function balanceError(packet: Packet, stack: Namespace): Node {
  const ip = packet.network;
  const inner = quoteOf(ip);
  if (inner == 0) return Node.LocalIn;
  const ports = rotl<u32>(load<u32>(transportOf(inner)), 16);
  const connection = findRequest(load<u32>(inner, IP_DESTINATION), load<u32>(inner, IP_SOURCE), ports, kindOf(stack, protocolOf(inner)));
  if (isNoConnection(connection)) return Node.LocalIn;
  return isSoundIcmp(ip) ? transmit(packet, stack, connection) : drop(packet, Drop.IcmpCsum, Node.Ipvs);
}

function unreachable(packet: Packet, reason: Drop): Node {
  icmpError(packet, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0);
  return drop(packet, reason, Node.Ipvs);
}

/** ip_vs_nat_xmit, ip_vs_dr_xmit. */
function transmit(packet: Packet, stack: Namespace, connection: IpvsConnection): Node {
  if (packet.trace != NONE) {
    const service = connection.service.index;
    writeRecord(EventKind.Schedule, Node.Ipvs, Drop.None, packet.trace, packet.device.index, packet.flow, connection.server, service);
  }
  const ip = packet.network;
  const real = swap32(connection.real);
  const decision = lookup(stack, real);
  if (!hasRoute(decision)) return unreachable(packet, Drop.IpOutNoRoutes);
  const route = decision.route;
  const isLocal = route.type == RouteType.Local;
  if (!isLocal && route.type != RouteType.Unicast) return unreachable(packet, Drop.RouteUnreachable);
  if (isLocal && isNull(stack.loopback)) return unreachable(packet, Drop.IpOutNoRoutes);
  let mtu: u32 = 0;
  if (!isLocal) {
    if (load<u8>(ip, IP_TTL) <= 1) {
      icmpError(packet, ICMP_TIME_EXCEEDED, ICMP_TTL_EXCEEDED, 0);
      return drop(packet, Drop.IpTtlExceeded, Node.Ipvs);
    }
    decreaseTtl(ip);
    mtu = pathMtu(stack, real, route.device.mtu);
    if (totalLength(ip) > mtu && (fragmentWord(ip) & IP_DF) != 0 && protocolOf(ip) != PROTOCOL_ICMP) {
      icmpError(packet, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, mtu);
      return drop(packet, Drop.PktTooBig, Node.Ipvs);
    }
  }
  if (connection.forwarding == Forwarding.Masquerade) readdress(ip, false, connection.real);
  if (carriesEntry(packet)) noteTransmitted(packet, connection);
  packet.dontFragment |= BALANCED;
  if (isLocal) return Node.LocalIn;
  packet.namespace = stack.index;
  packet.received &= ~FOR_HOLDER;
  packet.out = route.device;
  packet.next = route.gateway != 0 ? route.gateway : real;
  packet.routeType = <u8>RouteType.Unicast;
  // What was put together at Prerouting is cut again as it was.
  packet.mtu = packet.filter & DEFRAGMENTED ? min(packet.mtu, mtu) : totalLength(ip) > mtu ? mtu : 0;
  return Node.LocalOut;
}

/** ip_vs_update_conntrack: answers will come from the real server. */
function noteTransmitted(packet: Packet, connection: IpvsConnection): void {
  const tuple = tupleOf(packet);
  if (isReply(tuple)) return;
  const tracked = trackedOf(tuple);
  if (!(tracked.status & CONFIRMED) && connection.forwarding == Forwarding.Masquerade) {
    tracked.replyAddresses = (tracked.replyAddresses & 0xffffffff00000000) | <u64>connection.real;
  }
  if (stateOf(packet) != RELATED) joinTracked(connection, tracked);
}

/** One side gets another address, with all checksums; of an ICMP error also the other side of what it quotes. */
function readdress(ip: usize, isSource: bool, address: u32): void {
  const end = ip + totalLength(ip);
  const transport = transportOf(ip);
  const protocol = protocolOf(ip);
  if (protocol == PROTOCOL_ICMP) {
    const inner = transport + ICMP_HEADER;
    rewriteAddress(ip, isSource, address);
    store<u32>(inner + (isSource ? IP_DESTINATION : IP_SOURCE), address);
    writeChecksum(inner);
    writeIcmpChecksum(transport, <u32>(end - transport));
    return;
  }
  rewriteSide(ip, end, isSource, address, <u32>load<u16>(transport + (isSource ? 0 : 2)));
  if (protocol == PROTOCOL_UDP && load<u16>(transport, UDP_CHECKSUM) == 0) {
    const bytes = <u32>(end - transport);
    const checksum = complement(sumPseudoHeader(ip, PROTOCOL_UDP, bytes) + sumWords(transport, bytes));
    store<u16>(transport, checksum == 0 ? 0xffff : checksum, UDP_CHECKSUM);
  }
}

/** ip_vs_out at Forward and LocalOut. False: an error about an answer has a wrong checksum, and dies. */
export function balanceReply(packet: Packet, stack: Namespace): bool {
  if (isDone(packet)) return true;
  const ip = packet.network;
  const protocol = protocolOf(ip);
  if (protocol == PROTOCOL_ICMP) return balanceReplyError(packet, stack);
  if (!hasPorts(ip, protocol)) return true;
  const transport = transportOf(ip);
  const ports = rotl<u32>(load<u32>(transport), 16);
  const connection = findReply(load<u32>(ip, IP_DESTINATION), load<u32>(ip, IP_SOURCE), ports, kindOf(stack, protocol));
  if (isNoConnection(connection)) return true;
  readdress(ip, true, connection.virtual);
  if (carriesEntry(packet) && !isReply(tupleOf(packet))) {
    const tracked = trackedOf(tupleOf(packet));
    if (!(tracked.status & CONFIRMED)) tracked.replyAddresses = (tracked.replyAddresses & 0xffffffff) | (<u64>connection.virtual << 32);
  }
  advance(connection, protocol == PROTOCOL_TCP ? flagsOf(transport) : 0, true);
  packet.dontFragment |= BALANCED;
  return true;
}

/** Somebody on the real server's side complains of a request. */
function balanceReplyError(packet: Packet, stack: Namespace): bool {
  const ip = packet.network;
  const inner = quoteOf(ip);
  if (inner == 0) return true;
  const ports = load<u32>(transportOf(inner));
  const connection = findReply(load<u32>(inner, IP_SOURCE), load<u32>(inner, IP_DESTINATION), ports, kindOf(stack, protocolOf(inner)));
  if (isNoConnection(connection)) return true;
  if (!isSoundIcmp(ip)) return false;
  readdress(ip, true, connection.virtual);
  packet.dontFragment |= BALANCED;
  return true;
}
