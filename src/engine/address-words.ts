import { formatIpv6 } from "../net/ip";
import type { AddressWords } from "./program";

/** An IPv6 address as the records of a program have it. */
export function addressWords(address: bigint): AddressWords {
  const word = (shift: bigint) => Number((address >> shift) & 0xffffffffn);
  return [word(96n), word(64n), word(32n), word(0n)];
}

/** The address in the words of a record, as text; undefined if they are zeros. */
export function addressWordsText(words: AddressWords): string | undefined {
  const address = words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return address === 0n ? undefined : formatIpv6(address);
}
