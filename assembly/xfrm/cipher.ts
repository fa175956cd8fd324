/**
 * ESP in transport mode with AES-GCM (RFC 4303 §2, RFC 4106 §3), behind the IP header:
 *
 *     0       4          8    16                                        n - 8
 *     +-------+----------+----+----------------------------------------+-----+
 *     |  SPI  | sequence | IV | payload, padding, pad length, protocol | ICV |
 *     +-------+----------+----+----------------------------------------+-----+
 */
import { ESP_HEADER, ESP_ICV, ESP_IV } from "../abi/xfrm";
import { GCM_NONCE, open, seal } from "../crypto/gcm";
import { finalize } from "../simulation/random";
import { cipherOf, Key, Sa } from "../tables/xfrm";
import { load32, store32, swap32 } from "../wire/bytes";

export const ESP_SEQUENCE: usize = 4;
/** Bytes in front of what is encrypted, and all that does not depend on how much that is. */
export const ESP_FRONT: u32 = ESP_HEADER + ESP_IV;
export const ESP_AROUND: u32 = ESP_FRONT + ESP_ICV;

const NONCE = memory.data(16, 16);

/** SPI, sequence number, and the number again in 64 bits as the initialization vector. */
export function writeEsp(esp: usize, spi: u32, sequence: u32): void {
  store32(esp, spi);
  store32(esp + ESP_SEQUENCE, sequence);
  store32(esp + ESP_HEADER, 0);
  store32(esp + ESP_HEADER + 4, sequence);
}

/** Encrypts `bytes` bytes and writes the ICV behind them; up to eight more bytes after that are written. */
export function sealEsp(sa: Sa, esp: usize, bytes: u32): void {
  const text = esp + ESP_FRONT;
  if (sa.isSized) {
    store<u64>(text + bytes, checkOf(sa.key, esp, bytes));
    return;
  }
  if (GCM_NONCE != 12) ERROR("writeNonce: a nonce is a salt and an IV");
  writeNonce(sa, esp);
  seal(cipherOf(sa.key), NONCE, esp, ESP_HEADER, text, bytes, text + bytes);
}

/** Decrypts, and says whether the ICV is right. Done again it encrypts what it has decrypted. */
export function openEsp(sa: Sa, esp: usize, bytes: u32): bool {
  const text = esp + ESP_FRONT;
  if (sa.isSized) return load<u64>(text + bytes) == checkOf(sa.key, esp, bytes);
  writeNonce(sa, esp);
  return open(cipherOf(sa.key), NONCE, esp, ESP_HEADER, text, bytes, text + bytes, ESP_ICV);
}

@inline function writeNonce(sa: Sa, esp: usize): void {
  store32(NONCE, sa.salt);
  store<u64>(NONCE, load<u64>(esp, ESP_HEADER), 4);
}

/** What stands for the ICV where nothing is encrypted, as it lies in the packet. */
function checkOf(key: Key, esp: usize, bytes: u32): u64 {
  const a = finalize(key.word ^ load32(esp + ESP_SEQUENCE));
  const b = finalize(a ^ load32(esp) ^ rotl<u32>(bytes, 16));
  return <u64>swap32(a) | (<u64>swap32(b) << 32);
}
