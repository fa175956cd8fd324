import { ETHERTYPE_IPV4, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { fmix } from "../simulation/random";
import { read32 } from "./bytes";
import { ETHERNET_HEADER, etherType } from "./ethernet";
import { destinationIp, fragmentField, headerLength, IPV4_HEADER, protocol, sourceIp } from "./ipv4";

/** Whether a frame has the header of IPv4 that `hashIpv4` reads. */
export function isHashable(bytes: Uint8Array, frame: number, length: number): boolean {
  return length >= ETHERNET_HEADER + IPV4_HEADER && etherType(bytes, frame) === ETHERTYPE_IPV4;
}

/** skb_get_hash of an IPv4 frame: addresses, and ports if there are some. A u32. */
export function hashIpv4(bytes: Uint8Array, frame: number, length: number): number {
  const network = frame + ETHERNET_HEADER;
  const destination = destinationIp(bytes, network);
  const addresses = sourceIp(bytes, network) ^ ((destination << 16) | (destination >>> 16));
  const kind = protocol(bytes, network);
  const hasPorts =
    (kind === PROTOCOL_TCP || kind === PROTOCOL_UDP) &&
    (fragmentField(bytes, network) & 0x3fff) === 0 &&
    headerLength(bytes, network) === IPV4_HEADER &&
    length >= ETHERNET_HEADER + IPV4_HEADER + 4;
  return fmix(hasPorts ? addresses ^ read32(bytes, network + IPV4_HEADER) : addresses);
}
