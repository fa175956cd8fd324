/** xfrm_lookup: what goes out of here may have to be encrypted; asked anew whenever a rule changes what policies look at. */
import { RouteType } from "../abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { HAS_POLICY, Packet, setPolicy, TRANSFORMED } from "../memory/pool";
import { DEFRAGMENTED } from "../netfilter/state";
import { Namespace } from "../tables/namespace";
import { findPolicy } from "../tables/xfrm";
import { load16 } from "../wire/bytes";
import { destinationOf, headerLength, protocolOf, sourceOf, totalLength } from "../wire/ipv4";

/** Bytes of a transport's header that has ports. */
const PORTS_MIN: u32 = 8;

/** The packet of IPv4 gets the policy that it has now, or none. */
export function choosePolicy(packet: Packet, namespace: Namespace): void {
  packet.dontFragment &= ~HAS_POLICY;
  if (packet.received != 0 || packet.filter & DEFRAGMENTED || packet.dontFragment & TRANSFORMED || packet.routeType == RouteType.Local) return;
  const ip = packet.network;
  const policy = findPolicy(namespace, sourceOf(ip), destinationOf(ip), packet.mark, protocolOf(ip), portOf(ip, 2));
  if (changetype<usize>(policy) != 0) setPolicy(packet, changetype<usize>(policy));
}

/** Destination and its port: what a translation on the way out may change that policies look at. */
export function receiverOf(packet: Packet): u64 {
  const ip = packet.network;
  return (<u64>destinationOf(ip) << 16) | portOf(ip, 2);
}

/** The same of the source. */
export function senderOf(packet: Packet): u64 {
  const ip = packet.network;
  return (<u64>sourceOf(ip) << 16) | portOf(ip, 0);
}

/** A port of TCP or UDP; 0: there is none. */
function portOf(ip: usize, at: usize): u32 {
  const protocol = protocolOf(ip);
  const header = headerLength(ip);
  const hasPorts = (protocol == PROTOCOL_UDP || protocol == PROTOCOL_TCP) && totalLength(ip) - header >= PORTS_MIN;
  return hasPorts ? load16(ip + header + at) : 0;
}
