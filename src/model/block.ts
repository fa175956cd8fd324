import { type Cidr, ipv4Cidr, ipv6Cidr } from "../net/cidr";
import type { IpAddress } from "../net/ip";

/** The number of an address, whatever its family. */
export function valueOf(address: IpAddress): bigint {
  return address.family === 4 ? BigInt(address.value) : address.value;
}

/** The address of a family that has this number. */
export function addressOf(family: 4 | 6, value: bigint): IpAddress {
  return family === 4 ? { family, value: Number(value) } : { family, value };
}

/** The first address of a block. */
export function firstOf(block: Cidr): bigint {
  return BigInt(block.network);
}

/** The last address of a block: for IPv4 its broadcast address. */
export function lastOf(block: Cidr): bigint {
  return firstOf(block) + sizeOf(block) - 1n;
}

/** How many addresses a block has. */
export function sizeOf({ family, prefixLength }: Cidr): bigint {
  return 1n << BigInt((family === 4 ? 32 : 128) - prefixLength);
}

/** The block of a family around an address. */
export function blockAt(family: 4 | 6, value: bigint, prefixLength: number): Cidr {
  return family === 4 ? ipv4Cidr(Number(value), prefixLength) : ipv6Cidr(value, prefixLength);
}
