import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Namespace } from "../tables/namespace";
import { read16 } from "../wire/bytes";
import { destinationIp, protocol, sourceIp } from "../wire/ipv4";
import { transportLength, transportOf } from "../wire/ip";
import { UDP_HEADER } from "../wire/udp";

/** xfrm_lookup: does a policy ask that this packet of our own is encrypted? `packet.target` is the way out. */
export function lookUpPolicy(kernel: Kernel, packet: Packet, { xfrm }: Namespace): void {
  if (xfrm === null || xfrm.policies.length === 0) return;
  packet.policy = null;
  if (packet.isIpv6 || packet.received || packet.transformed || packet.fragmentMax > 0 || packet.target?.isLoopback === true) return;
  const { bytes } = kernel.memory;
  const { network, mark } = packet;
  const [source, destination, kind, port] = [sourceIp(bytes, network), destinationIp(bytes, network), protocol(bytes, network), portOf(bytes, packet)];
  for (const policy of xfrm.policies) {
    if (!policy.covers(source, destination, mark, kind, port)) continue;
    packet.policy = policy;
    packet.filtered = true;
    return;
  }
}

function portOf(bytes: Uint8Array, packet: Packet): number {
  const kind = protocol(bytes, packet.network);
  const hasPorts = (kind === PROTOCOL_UDP || kind === PROTOCOL_TCP) && transportLength(bytes, packet) >= UDP_HEADER;
  return hasPorts ? read16(bytes, transportOf(bytes, packet) + 2) : 0;
}
