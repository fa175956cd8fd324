/** icmpv6_rcv: echoes, errors about what was sent from here, and neighbour discovery. */
import { FlowError } from "../abi/counter";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import {
  ICMP6_ADVERTISEMENT,
  ICMP6_ECHO_REPLY,
  ICMP6_ECHO_REQUEST,
  ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_SOLICITATION,
  ICMP6_TIME_EXCEEDED,
  ICMP6_UNREACHABLE,
  PROTOCOL_ICMP6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../abi/protocol";
import { NONE } from "../abi/version";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { QUOTED, readQuote6, sourceIn, transportBytes, transportIn } from "../memory/network";
import { Packet } from "../memory/pool";
import { ipv6Of } from "../tables/namespace";
import { learnPathMtu } from "../tables/path-mtu";
import { tcpError } from "../tcp/error";
import { load32 } from "../wire/bytes";
import { isValid, sumPseudoHeader, sumWords } from "../wire/checksum";
import { ICMP_HEADER } from "../wire/icmp";
import { discover } from "../ipv6/discovery";
import { echoError, echoReply, echoRequest, udpError } from "./icmp-input";

export function icmp6Input(packet: Packet): Node {
  const icmp = transportIn(packet);
  const bytes = transportBytes(packet);
  if (bytes < ICMP_HEADER) return drop(packet, Drop.HdrTrunc, Node.Icmp6Input);
  if (!isValid(sumPseudoHeader(packet.network, PROTOCOL_ICMP6, bytes) + sumWords(icmp, bytes))) return drop(packet, Drop.IcmpCsum, Node.Icmp6Input);
  const type = <u32>load<u8>(icmp);
  if (type == ICMP6_ECHO_REQUEST) return echoRequest(packet, icmp, bytes, Node.Icmp6Input);
  if (type == ICMP6_ECHO_REPLY) return echoReply(packet, icmp, bytes, Node.Icmp6Input);
  if (type == ICMP6_SOLICITATION || type == ICMP6_ADVERTISEMENT) return discover(packet, icmp, bytes);
  if (type >= <u32>ICMP6_UNREACHABLE && type <= <u32>ICMP6_PARAMETER_PROBLEM) return errorMessage(packet, icmp, bytes, type);
  return drop(packet, Drop.UnhandledProto, Node.Icmp6Input);
}

/** icmpv6_notify. */
function errorMessage(packet: Packet, icmp: usize, bytes: u32, type: u32): Node {
  const inner = icmp + ICMP_HEADER;
  if (!readQuote6(inner, bytes - ICMP_HEADER)) return drop(packet, Drop.HdrTrunc, Node.Icmp6Input);
  const stack = ipv6Of(packet.device.namespace);
  const source = QUOTED.source;
  const destination = QUOTED.destination;
  if (type == ICMP6_PACKET_TOO_BIG && destination != NONE) learnPathMtu(stack, destination, load32(icmp + 4));
  const code = <u32>load<u8>(icmp, 1);
  const error = type == ICMP6_UNREACHABLE ? unreachableError(code) : type == ICMP6_PACKET_TOO_BIG ? FlowError.MessageTooLong : FlowError.ProtocolError;
  const transport = inner + QUOTED.transport;
  const protocol = QUOTED.protocol;
  if (protocol == PROTOCOL_UDP) udpError(packet, stack, source, destination, transport, error, type == ICMP6_UNREACHABLE ? code != 0 && code != 2 && code != 3 : type != <u32>ICMP6_TIME_EXCEEDED);
  else if (protocol == PROTOCOL_ICMP6) echoError(packet, transport, ICMP6_ECHO_REQUEST, error);
  else if (protocol == PROTOCOL_TCP) tcpError(stack, source, destination, transport, error, sourceIn(packet));
  return consume(packet);
}

/** icmpv6_err_convert. */
function unreachableError(code: u32): FlowError {
  if (code == 0) return FlowError.NetworkUnreachable;
  if (code == 2 || code == 3) return FlowError.HostUnreachable;
  if (code == 4) return FlowError.ConnectionRefused;
  return code == 1 || code == 5 || code == 6 ? FlowError.AccessDenied : FlowError.ProtocolError;
}
