import { PROTOCOL_ICMP, PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { hasValidIcmp6Checksum, hasValidIcmpChecksum, ICMP_HEADER } from "../wire/icmp";
import { isFragment, protocolOf, transportOf } from "../wire/ip";
import { ACK, controlBits, dataOffset, FIN, hasValidTcpChecksum, RST, SYN, TCP_HEADER } from "../wire/tcp";
import { hasValidUdpChecksum, UDP_HEADER, udpLength } from "../wire/udp";

/** RFC 9293 §3.1. */
const URG = 32;
/** Combinations that a sound sender uses, PSH and the ECN bits aside (tcp_valid_flags in nf_conntrack_proto_tcp.c). */
const VALID_FLAGS = new Set([SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG]);
const FLAGS_LOOKED_AT = FIN | SYN | RST | ACK | URG;
/** NR_ICMP_TYPES: what lies beyond is a mystery. */
const ICMP_TYPE_MAX = 18;

/** Is it whole, and can it be? Fragments are not. Checksums are another matter. */
export function isTrackable(bytes: Uint8Array, packet: Packet): boolean {
  if (isFragment(bytes, packet)) return false;
  const transport = transportOf(bytes, packet);
  const available = packet.network + packet.datagramLength - transport;
  switch (protocolOf(bytes, packet)) {
    case PROTOCOL_TCP: {
      if (available < TCP_HEADER) return false;
      const offset = dataOffset(bytes, transport);
      return offset >= TCP_HEADER && offset <= available && VALID_FLAGS.has(controlBits(bytes, transport) & FLAGS_LOOKED_AT);
    }
    case PROTOCOL_UDP: {
      if (available < UDP_HEADER) return false;
      const length = udpLength(bytes, transport);
      return length >= UDP_HEADER && length <= available;
    }
    case PROTOCOL_ICMP:
      return packet.isIpv6 || (available >= ICMP_HEADER && bytes[transport] <= ICMP_TYPE_MAX);
    case PROTOCOL_ICMP6:
      return !packet.isIpv6 || available >= ICMP_HEADER;
    default:
      return true;
  }
}

/** Is the checksum of ICMP, of TCP, or of UDP (if there is one) right? Other protocols, fragments and cut headers have none. */
export function hasSoundChecksum({ memory }: Kernel, packet: Packet): boolean {
  const { bytes } = memory;
  const { network } = packet;
  if (isFragment(bytes, packet)) return true;
  const transport = transportOf(bytes, packet);
  const available = network + packet.datagramLength - transport;
  switch (protocolOf(bytes, packet)) {
    case PROTOCOL_TCP:
      return available < TCP_HEADER || hasValidTcpChecksum(memory, network, transport, available);
    case PROTOCOL_UDP: {
      if (available < UDP_HEADER) return true;
      const length = udpLength(bytes, transport);
      return length < UDP_HEADER || length > available || hasValidUdpChecksum(memory, network, transport, length);
    }
    case PROTOCOL_ICMP:
      return packet.isIpv6 || available < ICMP_HEADER || hasValidIcmpChecksum(memory, transport, available);
    case PROTOCOL_ICMP6:
      return !packet.isIpv6 || available < ICMP_HEADER || hasValidIcmp6Checksum(memory, network, transport, available);
    default:
      return true;
  }
}
