/** REJECT (nf_send_unreach, nf_send_reset): the sender of a packet is told that nobody wants it. */
import { RejectWith, RULE_REJECT_WITH } from "../abi/netfilter";
import { Node } from "../abi/node";
import {
  ICMP_ADMINISTRATIVELY_PROHIBITED,
  ICMP_HOST_PROHIBITED,
  ICMP_HOST_UNREACHABLE,
  ICMP_NET_PROHIBITED,
  ICMP_NET_UNREACHABLE,
  ICMP_PORT_UNREACHABLE,
  ICMP_PROTOCOL_UNREACHABLE,
  ICMP_UNREACHABLE,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../abi/protocol";
import { Packet } from "../memory/pool";
import { icmpError, mayBlame } from "../nodes/icmp-error";
import { sendReset } from "../tcp/segment";
import { load16 } from "../wire/bytes";
import { isValid, sumPseudoHeader, sumWords } from "../wire/checksum";
import { fragmentWord, headerLength, IP_MF, IP_OFFSET_MASK, protocolOf, totalLength } from "../wire/ipv4";
import { dataOffset, flagsOf, RST, TCP_HEADER } from "../wire/tcp";
import { UDP_CHECKSUM, UDP_HEADER, UDP_LENGTH } from "../wire/udp";
import { decidingRule } from "./traverse";

/** As the rule that decided says. */
export function reject(packet: Packet, node: Node): void {
  const how = load<u32>(decidingRule, RULE_REJECT_WITH);
  if (!hasRightChecksum(packet)) return;
  if (how == RejectWith.TcpReset) reset(packet, node);
  else icmpError(packet, ICMP_UNREACHABLE, codeOf(how), 0);
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

/** Whole TCP and UDP packets; others are not looked at. */
function hasRightChecksum(packet: Packet): bool {
  const ip = packet.network;
  if (fragmentWord(ip) & (IP_MF | IP_OFFSET_MASK)) return true;
  const header = headerLength(ip);
  const bytes = totalLength(ip) - header;
  const transport = ip + header;
  const protocol = protocolOf(ip);
  if (protocol == PROTOCOL_TCP) return bytes < TCP_HEADER || isValid(sumPseudoHeader(ip, PROTOCOL_TCP, bytes) + sumWords(transport, bytes));
  if (protocol != PROTOCOL_UDP || bytes < UDP_HEADER || load<u16>(transport, UDP_CHECKSUM) == 0) return true;
  const length = load16(transport + UDP_LENGTH);
  if (length < UDP_HEADER || length > bytes) return true;
  return isValid(sumPseudoHeader(ip, PROTOCOL_UDP, length) + sumWords(transport, length));
}

function reset(packet: Packet, node: Node): void {
  const ip = packet.network;
  if (protocolOf(ip) != PROTOCOL_TCP || fragmentWord(ip) & IP_OFFSET_MASK || !mayBlame(packet)) return;
  const header = headerLength(ip);
  const bytes = totalLength(ip) - header;
  const tcp = ip + header;
  if (bytes < TCP_HEADER || dataOffset(tcp) < TCP_HEADER || dataOffset(tcp) > bytes || flagsOf(tcp) & RST) return;
  sendReset(packet, bytes - dataOffset(tcp), node, true);
}
