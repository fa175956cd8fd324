/** Servers whose answers name both ends. */

/** Length of an address in decimal. */
function textLength(ip: u32): u32 {
  let length: u32 = 7;
  for (let shift: u32 = 0; shift < 32; shift += 8) {
    const part = (ip >> shift) & 255;
    length += <u32>(part > 9) + <u32>(part > 99);
  }
  return length;
}

export function identityBytes(responseBytes: u32, peer: u32, local: u32): u32 {
  return responseBytes + textLength(peer) + textLength(local);
}
