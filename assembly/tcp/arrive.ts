/** tcp_rcv_state_process: segments of an existing connection, in the order of RFC 9293 §3.10.7. */
import { FlowError } from "../abi/counter";
import { Drop } from "../abi/drop";
import { TCP_RECEIVE_WINDOW, TCP_WINDOW_SCALE } from "../abi/limits";
import { Node } from "../abi/node";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { Packet } from "../memory/pool";
import { noteEstablished } from "../processes/stream";
import { NEVER } from "../simulation/clock";
import { Connection, isBefore, TcpState } from "../tables/connection";
import { load32 } from "../wire/bytes";
import { ACK, acknowledgementOf, FIN, flagsOf, RST, sequenceOf, SYN, timestampsOption, windowOf } from "../wire/tcp";
import { acknowledge, duplicateAcknowledgement, sampleRoundTrip } from "./acknowledge";
import { endConnection, failConnection } from "./close";
import { agree } from "./connect";
import { scheduleOutput } from "./output";
import { receiveData } from "./receive";
import { noteRetransmission, sendAck, sendReset, sendSyn } from "./segment";
import { queueWake } from "./splice";

/** `bytes` of payload follow the header at `tcp`. */
export function segmentArrives(connection: Connection, packet: Packet, tcp: usize, bytes: u32): Node {
  if (connection.state == TcpState.SynSent) return arriveInSynSent(connection, packet, tcp, bytes);
  const flags = flagsOf(tcp);
  const sequence = sequenceOf(tcp);
  if (connection.state == TcpState.SynReceived && (flags & (SYN | ACK | RST)) == SYN && sequence == connection.irs) {
    noteRetransmission(connection);
    sendSyn(connection, Node.TcpInput);
    return consume(packet);
  }
  const length = bytes + <u32>((flags & SYN) != 0) + <u32>((flags & FIN) != 0);
  if (!isAcceptable(connection, sequence, length)) return refuse(connection, packet, flags, sequence + length);
  const timestamps = timestampsOption(tcp);
  if (timestamps != 0) connection.echo = load32(timestamps + 2);
  if (flags & RST) return reset(connection, packet, sequence);
  if (flags & SYN) {
    sendAck(connection, Node.TcpInput);
    return drop(packet, Drop.TcpFlags, Node.TcpInput);
  }
  if (!(flags & ACK)) return drop(packet, Drop.TcpFlags, Node.TcpInput);
  const acknowledgement = acknowledgementOf(tcp);
  if (connection.state == TcpState.SynReceived && !establish(connection, acknowledgement, tcp)) {
    sendReset(packet, bytes, Node.TcpInput);
    return drop(packet, Drop.TcpInvalidSequence, Node.TcpInput);
  }
  if (isBefore(connection.sndMax, acknowledgement)) {
    sendAck(connection, Node.TcpInput);
    return drop(packet, Drop.TcpInvalidSequence, Node.TcpInput);
  }
  const isBare = bytes == 0 && !(flags & FIN);
  if (!processAck(connection, acknowledgement, windowOf(tcp) << TCP_WINDOW_SCALE, isBare)) return consume(packet);
  return receiveData(connection, packet, sequence, bytes, (flags & FIN) != 0);
}

/** RFC 9293 §3.10.7.4, table 6; one number before the window is let in, as Linux does for keep-alives. */
function isAcceptable(connection: Connection, sequence: u32, length: u32): bool {
  const offset = <i32>(sequence - connection.rcvNxt);
  if (length == 0) return offset >= -1 && offset <= TCP_RECEIVE_WINDOW;
  return isBefore(connection.rcvNxt, sequence + length) && offset < TCP_RECEIVE_WINDOW;
}

function refuse(connection: Connection, packet: Packet, flags: u32, end: u32): Node {
  if (flags & RST) return drop(packet, Drop.TcpInvalidSequence, Node.TcpInput);
  sendAck(connection, Node.TcpInput);
  const isOld = !isBefore(connection.rcvNxt, end);
  return drop(packet, isOld ? Drop.TcpOldData : Drop.TcpInvalidSequence, Node.TcpInput);
}

/** RFC 5961 §3.2: only the exact number counts. */
function reset(connection: Connection, packet: Packet, sequence: u32): Node {
  if (sequence != connection.rcvNxt) return drop(packet, Drop.TcpInvalidSequence, Node.TcpInput);
  if (connection.state == TcpState.TimeWait) endConnection(connection);
  else failConnection(connection, FlowError.ConnectionReset);
  return drop(packet, Drop.TcpReset, Node.TcpInput);
}

/** The third step of the set-up. */
function establish(connection: Connection, acknowledgement: u32, tcp: usize): bool {
  if (acknowledgement != connection.iss + 1) return false;
  connection.state = TcpState.Established;
  connection.sndUna = acknowledgement;
  connection.sndWnd = windowOf(tcp) << TCP_WINDOW_SCALE;
  sampleRoundTrip(connection, acknowledgement);
  connection.retries = 0;
  connection.deadline = NEVER;
  if (connection.spliced) queueWake(connection);
  if (connection.stream != 0) noteEstablished(connection);
  return true;
}

/** False: the connection is gone. */
@inline function processAck(connection: Connection, acknowledgement: u32, window: u32, isBare: bool): bool {
  // An acknowledgement of the past tells nothing.
  if (isBefore(acknowledgement, connection.sndUna)) return true;
  const sameWindow = window == connection.sndWnd;
  connection.sndWnd = window;
  if (acknowledgement != connection.sndUna) return acknowledge(connection, acknowledgement);
  if (!sameWindow) {
    if (isBefore(connection.sndNxt, connection.writeEnd)) scheduleOutput(connection);
  } else if (isBare && connection.sndNxt != connection.sndUna) {
    duplicateAcknowledgement(connection);
  }
  return true;
}

/**
 * The answer to our SYN.
 *
 * Differs from Linux: no simultaneous open.
 */
function arriveInSynSent(connection: Connection, packet: Packet, tcp: usize, bytes: u32): Node {
  const flags = flagsOf(tcp);
  const acknowledgement = acknowledgementOf(tcp);
  if ((flags & ACK) != 0 && acknowledgement != connection.iss + 1) {
    if (!(flags & RST)) sendReset(packet, bytes, Node.TcpInput);
    return drop(packet, Drop.TcpInvalidSequence, Node.TcpInput);
  }
  if (flags & RST) {
    if (!(flags & ACK)) return drop(packet, Drop.TcpInvalidSequence, Node.TcpInput);
    failConnection(connection, FlowError.ConnectionRefused);
    return drop(packet, Drop.TcpReset, Node.TcpInput);
  }
  if ((flags & (SYN | ACK)) != (SYN | ACK)) return drop(packet, Drop.TcpFlags, Node.TcpInput);
  connection.rcvNxt = sequenceOf(tcp) + 1;
  connection.sndUna = acknowledgement;
  agree(connection, tcp);
  connection.state = TcpState.Established;
  connection.deadline = NEVER;
  connection.retries = 0;
  sampleRoundTrip(connection, acknowledgement);
  sendAck(connection, Node.TcpInput);
  scheduleOutput(connection);
  if (connection.partner != 0) queueWake(changetype<Connection>(connection.partner));
  if (connection.stream != 0) noteEstablished(connection);
  return consume(packet);
}
