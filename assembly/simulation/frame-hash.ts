/** What tells the flows of IPv4 frames apart: receive-side scaling, and the source ports of tunnels. */
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { load32, swap16 } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { destinationOf, IP_FRAGMENT, IPV4_HEADER, protocolOf, sourceOf } from "../wire/ipv4";
import { finalize } from "./random";

/** Of a frame that has an IPv4 header, at least the part without options. */
export function hashOfIpv4(frame: usize, length: u32): u32 {
  const ip = frame + ETHERNET_HEADER;
  const protocol = protocolOf(ip);
  const hasPorts =
    (protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP) &&
    (swap16(load<u16>(ip, IP_FRAGMENT)) & 0x3fff) == 0 &&
    (load<u8>(ip) & 15) == 5 &&
    length >= ETHERNET_HEADER + IPV4_HEADER + 4;
  return finalize(sourceOf(ip) ^ rotl<u32>(destinationOf(ip), 16) ^ (hasPorts ? load32(ip + IPV4_HEADER) : 0));
}
