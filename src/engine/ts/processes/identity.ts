/** Servers that name their client and themselves in what they answer. */

/** How long the decimal form of an address is. */
export function addressText(ip: number): number {
  let length = 3;
  for (let shift = 0; shift < 32; shift += 8) length += String((ip >>> shift) & 255).length;
  return length;
}

/** Bytes of an answer that names both addresses. */
export function identityBytes(responseBytes: number, peerIp: number, localIp: number): number {
  return responseBytes + addressText(peerIp) + addressText(localIp);
}
