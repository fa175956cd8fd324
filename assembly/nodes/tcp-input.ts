/** tcp_v4_rcv: length, checksum, then the connection, a listening socket, or a reset. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { PROTOCOL_TCP } from "../abi/protocol";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { destinationIn, sourceIn, stackOfPacket, transportBytes, transportIn } from "../memory/network";
import { Packet, PacketType } from "../memory/pool";
import { Connection, findConnection, isBefore, isNoConnection, TcpState } from "../tables/connection";
import { findSocket, isNoSocket, Socket } from "../tables/socket";
import { segmentArrives } from "../tcp/arrive";
import { endConnection } from "../tcp/close";
import { accept } from "../tcp/connect";
import { sendReset } from "../tcp/segment";
import { load32 } from "../wire/bytes";
import { isValid, sumPseudoHeader, sumWords } from "../wire/checksum";
import { ACK, dataOffset, FIN, flagsOf, RST, sequenceOf, SYN, TCP_HEADER, timestampsOption } from "../wire/tcp";

export function tcpInput(packet: Packet): Node {
  const ip = packet.network;
  const tcp = transportIn(packet);
  const part = transportBytes(packet);
  if (part < TCP_HEADER) return drop(packet, Drop.HdrTrunc, Node.TcpInput);
  const offset = dataOffset(tcp);
  if (offset < TCP_HEADER || offset > part) return drop(packet, Drop.HdrTrunc, Node.TcpInput);
  if (!isValid(sumPseudoHeader(ip, PROTOCOL_TCP, part) + sumWords(tcp, part))) return drop(packet, Drop.TcpCsum, Node.TcpInput);
  if (packet.type != PacketType.Host) return drop(packet, Drop.NoSocket, Node.TcpInput);
  const ports = rotl<u32>(load32(tcp), 16);
  const namespace = stackOfPacket(packet);
  const connection = findConnection(namespace, destinationIn(packet), sourceIn(packet), ports);
  const bytes = part - offset;
  if (!isNoConnection(connection)) {
    if (!isReopened(connection, tcp)) return segmentArrives(connection, packet, tcp, bytes);
    endConnection(connection);
  }
  const listener = findSocket(namespace, PROTOCOL_TCP, destinationIn(packet), ports >> 16);
  return isNoSocket(listener) ? refuse(packet, tcp, bytes) : listen(packet, tcp, bytes, listener);
}

/** tcp_timewait_state_process: a SYN that is younger than all that the old connection has seen. */
@inline function isReopened(connection: Connection, tcp: usize): bool {
  return connection.state == TcpState.TimeWait && (flagsOf(tcp) & (SYN | ACK | RST)) == SYN && isYounger(connection, tcp);
}

function isYounger(connection: Connection, tcp: usize): bool {
  const timestamps = timestampsOption(tcp);
  if (timestamps != 0 && isBefore(connection.echo, load32(timestamps + 2))) return true;
  return isBefore(connection.rcvNxt, sequenceOf(tcp));
}

/** Nobody is there. */
function refuse(packet: Packet, tcp: usize, bytes: u32): Node {
  if (!(flagsOf(tcp) & RST)) sendReset(packet, bytes, Node.TcpInput);
  return drop(packet, Drop.NoSocket, Node.TcpInput);
}

/** RFC 9293 §3.10.7.2. */
function listen(packet: Packet, tcp: usize, bytes: u32, listener: Socket): Node {
  const flags = flagsOf(tcp);
  if (flags & RST) return drop(packet, Drop.TcpReset, Node.TcpInput);
  if (flags & ACK) {
    sendReset(packet, bytes, Node.TcpInput);
    return drop(packet, Drop.NoSocket, Node.TcpInput);
  }
  if ((flags & (SYN | FIN)) != SYN) return drop(packet, Drop.TcpFlags, Node.TcpInput);
  return accept(packet, tcp, listener) ? consume(packet) : drop(packet, Drop.TcpListenOverflow, Node.TcpInput);
}
