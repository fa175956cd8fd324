import { Family } from "../../assembly/abi/netfilter";
import { addressWords } from "../engine/address-words";
import { type AddressWords, type FlowRecord, NO_ADDRESS6, type SocketRecord } from "../engine/program";
import { formatIpv4, formatIpv6 } from "../net/ip";

/** Where a flow goes: an IPv4 address is a number, an IPv6 address a bigint. */
export type Destination = number | bigint;

const LOOPBACK_NETWORK = 127;

export function familyOf(destination: Destination): Family {
  return typeof destination === "bigint" ? Family.Ipv6 : Family.Ipv4;
}

export function formatDestination(destination: Destination): string {
  return typeof destination === "bigint" ? formatIpv6(destination) : formatIpv4(destination);
}

/** Does whoever sends there send to itself? */
export function isLoopbackAddress(destination: Destination): boolean {
  return typeof destination === "bigint" ? destination === 1n : destination >>> 24 === LOOPBACK_NETWORK;
}

/** The destination as a record has it. */
export function destinationFields(destination: Destination): Pick<FlowRecord, "destination" | "family" | "destination6"> {
  if (typeof destination === "number") return { destination };
  return { destination: 0, family: Family.Ipv6, destination6: addressWords(destination) };
}

export function destinationOf({ family, destination, destination6 = NO_ADDRESS6 }: FlowRecord): Destination {
  return family === Family.Ipv6 ? valueOf(destination6) : destination;
}

function valueOf(words: AddressWords): bigint {
  return words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
}

/** What only one socket of a namespace may have. */
export function socketKey(namespace: number, protocol: number, port: number, family: Family = Family.Ipv4): string {
  return `${namespace}/${protocol}/${port}${family === Family.Ipv6 ? "/6" : ""}`;
}

export function keyOfSocket({ namespace, protocol, port, family }: SocketRecord): string {
  return socketKey(namespace, protocol, port, family);
}
