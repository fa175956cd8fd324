import { ICMP6_ECHO_REPLY, ICMP6_ECHO_REQUEST, PROTOCOL_ICMP, PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { read16 } from "../wire/bytes";
import { ICMP_CODE, identifier } from "../wire/icmp";
import { Tuple } from "./entry";

/** Types of ICMP that ask and answer each other (invmap in nf_conntrack_proto_icmp.c): echo, timestamp, information, address mask. */
const ECHO_REPLY = 0;
const ECHO = 8;
const TIMESTAMP = 13;
const ADDRESS_REPLY = 18;
/** RFC 4620. */
const NODE_QUERY = 139;
const NODE_REPLY = 140;
/** invmap in nf_conntrack_proto_icmpv6.c. */
const INVERSES6: Readonly<Record<number, number>> = {
  [ICMP6_ECHO_REQUEST]: ICMP6_ECHO_REPLY,
  [ICMP6_ECHO_REPLY]: ICMP6_ECHO_REQUEST,
  [NODE_QUERY]: NODE_REPLY,
  [NODE_REPLY]: NODE_QUERY,
};

/** The tuple of a datagram whose transport header begins at `transport`. */
export function readTuple(bytes: Uint8Array, protocol: number, transport: number, source: number, destination: number, tuple: Tuple): void {
  tuple.source = source;
  tuple.destination = destination;
  switch (protocol) {
    case PROTOCOL_TCP:
    case PROTOCOL_UDP:
      tuple.sourcePort = read16(bytes, transport);
      tuple.destinationPort = read16(bytes, transport + 2);
      return;
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMP6:
      tuple.sourcePort = identifier(bytes, transport);
      tuple.destinationPort = (bytes[transport] << 8) | bytes[transport + ICMP_CODE];
      return;
    default:
      tuple.sourcePort = tuple.destinationPort = 0;
  }
}

/** The other direction; false if a type of ICMP has none. `to` may not be `from`. */
export function invert(protocolNumber: number, from: Tuple, to: Tuple): boolean {
  to.source = from.destination;
  to.destination = from.source;
  if (!isIcmp(protocolNumber)) {
    to.sourcePort = from.destinationPort;
    to.destinationPort = from.sourcePort;
    return true;
  }
  const type = invertType(protocolNumber, from.destinationPort >>> 8);
  to.sourcePort = from.sourcePort;
  to.destinationPort = (type << 8) | (from.destinationPort & 255);
  return type >= 0;
}

/** ICMP of either family. */
export function isIcmp(protocol: number): boolean {
  return protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMP6;
}

function invertType(protocol: number, type: number): number {
  if (protocol === PROTOCOL_ICMP6) return INVERSES6[type] ?? -1;
  if (type === ECHO) return ECHO_REPLY;
  if (type === ECHO_REPLY) return ECHO;
  if (type < TIMESTAMP || type > ADDRESS_REPLY) return -1;
  // 13 and 14, 15 and 16, 17 and 18: the odd one asks.
  return (type & 1) === 1 ? type + 1 : type - 1;
}

/** Does the type begin a conversation? (valid_new in nf_conntrack_proto_icmp.c.) */
export function asks(protocol: number, type: number): boolean {
  if (protocol === PROTOCOL_ICMP6) return type === ICMP6_ECHO_REQUEST || type === NODE_QUERY;
  return type === ECHO || (type >= TIMESTAMP && type < ADDRESS_REPLY && (type & 1) === 1);
}

/** Has the type an identifier? */
export function hasIdentifier(protocol: number, type: number): boolean {
  return invertType(protocol, type) >= 0;
}
