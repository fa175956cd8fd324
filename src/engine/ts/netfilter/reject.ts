import { RejectWith } from "../../../../assembly/abi/netfilter";
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
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "../../../../assembly/abi/protocol";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { icmpError, mayAnswer } from "../nodes/icmp-error";
import { icmp6Error } from "../nodes/icmp6-error";
import { replyReset } from "../tcp/segment";
import { protocolOf, transportOf } from "../wire/ip";
import { controlBits, dataOffset, RST, TCP_HEADER } from "../wire/tcp";
import { hasUdpChecksum, UDP_HEADER } from "../wire/udp";
import { hasSoundChecksum } from "./sound";

/** reject_tg: tells the sender; the caller drops. Nothing is said about what is damaged. */
export function reject(kernel: Kernel, packet: Packet, how: RejectWith): void {
  if (!isUnsummed(kernel.memory.bytes, packet) && !hasSoundChecksum(kernel, packet)) return;
  if (how === RejectWith.TcpReset) resetSender(kernel, packet);
  else if (packet.isIpv6) icmp6Error(kernel, packet, ICMP6_UNREACHABLE, code6Of(how), 0);
  else icmpError(kernel, packet, ICMP_UNREACHABLE, codeOf(how), 0);
}

/** nf_reject_verify_csum: UDP without a checksum is not looked at, of IPv6 neither. */
function isUnsummed(bytes: Uint8Array, packet: Packet): boolean {
  if (protocolOf(bytes, packet) !== PROTOCOL_UDP) return false;
  const udp = transportOf(bytes, packet);
  return packet.network + packet.datagramLength - udp >= UDP_HEADER && !hasUdpChecksum(bytes, udp);
}

function codeOf(how: RejectWith): number {
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

/** reject_tg6. */
function code6Of(how: RejectWith): number {
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

/** nf_send_reset. */
function resetSender(kernel: Kernel, packet: Packet): void {
  const { bytes } = kernel.memory;
  if (protocolOf(bytes, packet) !== PROTOCOL_TCP || !mayAnswer(kernel, packet)) return;
  const tcp = transportOf(bytes, packet);
  const available = packet.network + packet.datagramLength - tcp;
  if (available < TCP_HEADER) return;
  const offset = dataOffset(bytes, tcp);
  if (offset < TCP_HEADER || offset > available || (controlBits(bytes, tcp) & RST) !== 0) return;
  replyReset(kernel, packet, tcp, available - offset);
}
