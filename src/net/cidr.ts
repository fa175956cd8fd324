import { SimulationError, type ErrorDetails } from "../errors";
import { formatIpv4, formatIpv6, isIpv4, isIpv6, parseIpv4, parseIpv6, type IpAddress } from "./ip";

/** An IPv4 block. `address` is what was written, `network` the same with the host bits cleared. */
export interface Ipv4Cidr {
  readonly family: 4;
  readonly address: number;
  readonly network: number;
  readonly prefixLength: number;
}

/** An IPv6 block. `address` is what was written, `network` the same with the host bits cleared. */
export interface Ipv6Cidr {
  readonly family: 6;
  readonly address: bigint;
  readonly network: bigint;
  readonly prefixLength: number;
}

export type Cidr = Ipv4Cidr | Ipv6Cidr;

/**
 * Reads `address/length`. Host bits are kept in `address`: Docker 20.10 masks them, Docker 29 refuses them, so the caller decides.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field` and what is wrong: no length, not an address, length out of range.
 * @example parseCidr("172.20.0.0/24", "subnet").prefixLength // 24
 */
export function parseCidr(text: string, field: string, details?: ErrorDetails): Cidr {
  const found = JSON.stringify(text);
  const slash = text.indexOf("/");
  const fail = (message: string): never => {
    throw new SimulationError("INVALID_INPUT", `${field}: ${message}`, details);
  };
  if (slash < 0) return fail(`expected a CIDR such as "172.20.0.0/24", found ${found} without a prefix length`);
  const address = text.slice(0, slash);
  const length = text.slice(slash + 1);
  const family = isIpv4(address) ? 4 : isIpv6(address) ? 6 : fail(`expected a CIDR such as "172.20.0.0/24", found ${found}`);
  const longest = family === 4 ? 32 : 128;
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > longest) {
    return fail(`expected a prefix length from 0 to ${longest}, found ${JSON.stringify(length)} in ${found}`);
  }
  return family === 4
    ? ipv4Cidr(parseIpv4(address, field, details), Number(length))
    : ipv6Cidr(parseIpv6(address, field, details), Number(length));
}

/** The IPv4 block of `prefixLength` bits around `address`. */
export function ipv4Cidr(address: number, prefixLength: number): Ipv4Cidr {
  return { family: 4, address, network: (address & ipv4Mask(prefixLength)) >>> 0, prefixLength };
}

/** The IPv6 block of `prefixLength` bits around `address`. */
export function ipv6Cidr(address: bigint, prefixLength: number): Ipv6Cidr {
  const hostBits = BigInt(128 - prefixLength);
  return { family: 6, address, network: (address >> hostBits) << hostBits, prefixLength };
}

/**
 * The netmask of an IPv4 prefix length, as an unsigned 32-bit number.
 *
 * @example formatIpv4(ipv4Mask(24)) // "255.255.255.0"
 */
export function ipv4Mask(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}

/** The block in canonical form, host bits cleared. */
export function formatCidr(cidr: Cidr): string {
  const address = cidr.family === 4 ? formatIpv4(cidr.network) : formatIpv6(cidr.network);
  return `${address}/${cidr.prefixLength}`;
}

/** Whether the address lies in the block; an address of the other family never does. */
export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  if (cidr.family === 4) return address.family === 4 && ipv4Cidr(address.value, cidr.prefixLength).network === cidr.network;
  return address.family === 6 && ipv6Cidr(address.value, cidr.prefixLength).network === cidr.network;
}

/** Whether every address of `inner` lies in `outer`. */
export function cidrContainsCidr(outer: Cidr, inner: Cidr): boolean {
  return outer.prefixLength <= inner.prefixLength && cidrContains(outer, networkAddress(inner));
}

/** Whether the two blocks share an address. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return cidrContainsCidr(a, b) || cidrContainsCidr(b, a);
}

function networkAddress(cidr: Cidr): IpAddress {
  return cidr.family === 4 ? { family: 4, value: cidr.network } : { family: 6, value: cidr.network };
}
