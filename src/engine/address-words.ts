import { formatIpv6 } from "../net/ip";

/** An address of either family as four words in reading order; IPv4 uses the first. */
export type AddressWords = readonly [number, number, number, number];

export const NO_ADDRESS6: AddressWords = [0, 0, 0, 0];

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
