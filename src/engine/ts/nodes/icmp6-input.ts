import { FlowError } from "../../../../assembly/abi/counter";
import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import {
  ICMP6_ADDRESS_UNREACHABLE,
  ICMP6_ADVERTISEMENT,
  ICMP6_BEYOND_SCOPE,
  ICMP6_ECHO_REPLY,
  ICMP6_ECHO_REQUEST,
  ICMP6_NO_ROUTE,
  ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_POLICY_FAIL,
  ICMP6_PORT_UNREACHABLE,
  ICMP6_PROHIBITED,
  ICMP6_REJECT_ROUTE,
  ICMP6_SOLICITATION,
  ICMP6_TIME_EXCEEDED,
  ICMP6_UNREACHABLE,
} from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import { discoveryInput } from "../ipv6/discovery";
import { readQuote6 } from "../ipv6/quote";
import { isGroup6 } from "../ipv6/scope";
import type { Kernel } from "../kernel";
import { UNSPECIFIED } from "../memory/address-table";
import type { Packet } from "../memory/packet";
import { read32 } from "../wire/bytes";
import { hasValidIcmp6Checksum, ICMP_CODE, ICMP_HEADER } from "../wire/icmp";
import { transportLength } from "../wire/ip";
import { echo, echoReply, tellSource } from "./icmp-input";

/** icmpv6_rcv: checksum, then by type: icmpv6_echo_reply, ping_rcv, icmpv6_notify, ndisc_rcv. */
export function icmp6Input(kernel: Kernel, packet: Packet): Node {
  const { memory } = kernel;
  const { transport: icmp, network, device } = packet;
  const length = transportLength(memory.bytes, packet);
  if (device === null || length < ICMP_HEADER) return drop(kernel, packet, Drop.HdrTrunc, Node.Icmp6Input);
  if (!hasValidIcmp6Checksum(memory, network, icmp, length)) return drop(kernel, packet, Drop.IcmpCsum, Node.Icmp6Input);
  switch (memory.bytes[icmp]) {
    case ICMP6_ECHO_REQUEST:
      echo(kernel, packet, icmp, length, isGroup6(kernel.addresses, packet.destination6) ? UNSPECIFIED : packet.destination6);
      break;
    case ICMP6_ECHO_REPLY:
      echoReply(kernel, packet, icmp, length);
      break;
    case ICMP6_UNREACHABLE:
    case ICMP6_PACKET_TOO_BIG:
    case ICMP6_TIME_EXCEEDED:
    case ICMP6_PARAMETER_PROBLEM: {
      const quote = readQuote6(kernel, icmp + ICMP_HEADER, icmp + length);
      if (quote === null || quote.isLaterFragment) return drop(kernel, packet, Drop.HdrTrunc, Node.Icmp6Input);
      const [type, code] = [memory.bytes[icmp], memory.bytes[icmp + ICMP_CODE]];
      tellSource(kernel, packet, quote, errorOf(type, code), isFatal(type, code), read32(memory.bytes, icmp + 4) >>> 0);
      break;
    }
    case ICMP6_SOLICITATION:
    case ICMP6_ADVERTISEMENT: {
      const reason = discoveryInput(kernel, packet, icmp, length);
      if (reason !== Drop.None) return drop(kernel, packet, reason, Node.Icmp6Input);
      break;
    }
    default:
      return drop(kernel, packet, Drop.UnhandledProto, Node.Icmp6Input);
  }
  kernel.pool.release(packet);
  return Node.Done;
}

/** Whether it is more than that there is no way at the moment; a datagram that is told to be too long may not be cut. */
function isFatal(type: number, code: number): boolean {
  if (type !== ICMP6_UNREACHABLE) return type !== ICMP6_TIME_EXCEEDED;
  return code !== ICMP6_NO_ROUTE && code !== ICMP6_BEYOND_SCOPE && code !== ICMP6_ADDRESS_UNREACHABLE;
}

/** icmpv6_err_convert, in the words that flows have. */
function errorOf(type: number, code: number): FlowError {
  if (type === ICMP6_PACKET_TOO_BIG) return FlowError.MessageTooLong;
  if (type !== ICMP6_UNREACHABLE) return FlowError.ProtocolError;
  switch (code) {
    case ICMP6_NO_ROUTE:
      return FlowError.NetworkUnreachable;
    case ICMP6_BEYOND_SCOPE:
    case ICMP6_ADDRESS_UNREACHABLE:
      return FlowError.HostUnreachable;
    case ICMP6_PORT_UNREACHABLE:
      return FlowError.ConnectionRefused;
    case ICMP6_PROHIBITED:
    case ICMP6_POLICY_FAIL:
    case ICMP6_REJECT_ROUTE:
      return FlowError.AccessDenied;
    default:
      return FlowError.ProtocolError;
  }
}
