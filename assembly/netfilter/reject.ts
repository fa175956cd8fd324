/** REJECT (nf_send_unreach, nf_send_reset): the sender of a packet is told that nobody wants it. */
import { RejectWith, RULE_REJECT_WITH } from "../abi/netfilter";
import { Node } from "../abi/node";
import {
  ICMP6_ADDRESS_UNREACHABLE,
  ICMP6_NO_ROUTE,
  ICMP6_POLICY_FAIL,
  ICMP6_PORT_UNREACHABLE,
  ICMP6_PROHIBITED,
  ICMP6_REJECT_ROUTE,
  ICMP6_UNREACHABLE,
  ICMP_ADMINISTRATIVELY_PROHIBITED,
  ICMP_HOST_PROHIBITED,
  ICMP_HOST_UNREACHABLE,
  ICMP_NET_PROHIBITED,
  ICMP_NET_UNREACHABLE,
  ICMP_PORT_UNREACHABLE,
  ICMP_PROTOCOL_UNREACHABLE,
  ICMP_UNREACHABLE,
  PROTOCOL_ICMP,
  PROTOCOL_ICMP6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../abi/protocol";
import { isFragment, isIpv6, isLaterFragment, protocolIn, transportBytes, transportIn } from "../memory/network";
import { Packet } from "../memory/pool";
import { icmp6Error, mayBlame6 } from "../nodes/icmp6-error";
import { icmpError, mayBlame } from "../nodes/icmp-error";
import { sendReset } from "../tcp/segment";
import { load16 } from "../wire/bytes";
import { isValid, sumPseudoHeader, sumWords } from "../wire/checksum";
import { ICMP_HEADER } from "../wire/icmp";
import { dataOffset, flagsOf, RST, TCP_HEADER } from "../wire/tcp";
import { UDP_CHECKSUM, UDP_HEADER, UDP_LENGTH } from "../wire/udp";
import { decidingRule } from "./traverse";

/** As the rule that decided says. */
export function reject(packet: Packet, node: Node): void {
  const how = load<u32>(decidingRule, RULE_REJECT_WITH);
  if (!hasRightChecksum(packet)) return;
  if (how == RejectWith.TcpReset) reset(packet, node);
  else if (isIpv6(packet)) icmp6Error(packet, ICMP6_UNREACHABLE, code6Of(how), 0);
  else icmpError(packet, ICMP_UNREACHABLE, codeOf(how), 0);
}

function code6Of(how: u32): u32 {
  switch (how) {
    case RejectWith.NetUnreachable:
      return ICMP6_NO_ROUTE;
    case RejectWith.HostUnreachable:
      return ICMP6_ADDRESS_UNREACHABLE;
    case RejectWith.AdminProhibited:
      return ICMP6_PROHIBITED;
    case RejectWith.NetProhibited:
      return ICMP6_POLICY_FAIL;
    case RejectWith.HostProhibited:
      return ICMP6_REJECT_ROUTE;
    default:
      return ICMP6_PORT_UNREACHABLE;
  }
}

function codeOf(how: u32): u32 {
  switch (how) {
    case RejectWith.NetUnreachable:
      return ICMP_NET_UNREACHABLE;
    case RejectWith.HostUnreachable:
      return ICMP_HOST_UNREACHABLE;
    case RejectWith.ProtocolUnreachable:
      return ICMP_PROTOCOL_UNREACHABLE;
    case RejectWith.AdminProhibited:
      return ICMP_ADMINISTRATIVELY_PROHIBITED;
    case RejectWith.NetProhibited:
      return ICMP_NET_PROHIBITED;
    case RejectWith.HostProhibited:
      return ICMP_HOST_PROHIBITED;
    default:
      return ICMP_PORT_UNREACHABLE;
  }
}

/** Of whole TCP, UDP and ICMP packets; others are not looked at. */
function hasRightChecksum(packet: Packet): bool {
  if (isFragment(packet)) return true;
  const ip = packet.network;
  const bytes = transportBytes(packet);
  const transport = transportIn(packet);
  const protocol = protocolIn(packet);
  const isSix = isIpv6(packet);
  if (protocol == PROTOCOL_TCP) return bytes < TCP_HEADER || isValid(sumPseudoHeader(ip, PROTOCOL_TCP, bytes) + sumWords(transport, bytes));
  if (protocol == <u32>(isSix ? PROTOCOL_ICMP6 : PROTOCOL_ICMP)) {
    return bytes < ICMP_HEADER || isValid(sumWords(transport, bytes) + (isSix ? sumPseudoHeader(ip, PROTOCOL_ICMP6, bytes) : 0));
  }
  if (protocol != PROTOCOL_UDP || bytes < UDP_HEADER || load<u16>(transport, UDP_CHECKSUM) == 0) return true;
  const length = load16(transport + UDP_LENGTH);
  if (length < UDP_HEADER || length > bytes) return true;
  return isValid(sumPseudoHeader(ip, PROTOCOL_UDP, length) + sumWords(transport, length));
}

function reset(packet: Packet, node: Node): void {
  if (protocolIn(packet) != PROTOCOL_TCP || isLaterFragment(packet)) return;
  if (!(isIpv6(packet) ? mayBlame6(packet, false) : mayBlame(packet))) return;
  const bytes = transportBytes(packet);
  const tcp = transportIn(packet);
  if (bytes < TCP_HEADER || dataOffset(tcp) < TCP_HEADER || dataOffset(tcp) > bytes || flagsOf(tcp) & RST) return;
  sendReset(packet, bytes - dataOffset(tcp), node, true);
}
