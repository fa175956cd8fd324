/** Servers that name their client and themselves in what they answer. */
import { formatIpv6 } from "../../../net/ip";
import type { Kernel } from "../kernel";
import { type AddressTable, isIpv6 } from "../memory/address-table";

/** How long the text of an address is: dotted decimal, or what RFC 5952 says. */
export function addressText(addresses: AddressTable, ip: number): number {
  if (isIpv6(ip)) return formatIpv6(addresses.wordsOf(ip).reduce((sum, word) => (sum << 32n) | BigInt(word), 0n)).length;
  let length = 3;
  for (let shift = 0; shift < 32; shift += 8) length += String((ip >>> shift) & 255).length;
  return length;
}

/** Bytes of an answer that names both addresses. */
export function identityBytes({ addresses }: Kernel, responseBytes: number, peerIp: number, localIp: number): number {
  return responseBytes + addressText(addresses, peerIp) + addressText(addresses, localIp);
}
