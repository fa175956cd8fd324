import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import type { Kernel } from "../kernel";
import { type AddressTable, isIpv6, isIpv6Number } from "../memory/address-table";
import { fmix } from "../simulation/random";
import { type Entry, Tuple } from "./entry";
import { invert, isIcmp } from "./tuple";

/** Which end of a connection is translated (enum nf_nat_manip_type). */
export enum Side {
  Source,
  Destination,
}

/** The addresses and ports that a rule allows; addresses as u32, or numbers of IPv6 ones. `high` 0: no ports were named, `from` 0: no addresses. */
export interface Range {
  from: number;
  to: number;
  low: number;
  high: number;
}

const PORTS = 65536;
const wanted = new Tuple();
const before = new Tuple();
const taken = new Tuple();

/**
 * nf_nat_setup_info: chooses what the connection looks like from now on at one end, such that its replies can be told from those
 * of all others; if there is no such choice, `confirm` finds the one that has it.
 *
 * Differs from Linux: the search for a port goes on where the last one ended instead of at random, and the mapping that an
 * earlier connection of the same source got is not looked for.
 */
export function bind(kernel: Kernel, entry: Entry, side: Side, range: Range): void {
  const { protocol, reply } = entry;
  invert(protocol, reply, before);
  wanted.set(before.source, before.sourcePort, before.destination, before.destinationPort);
  choose(kernel, entry, side, range);
  invert(protocol, wanted, reply);
  const { source, sourcePort, destination, destinationPort } = before;
  if (wanted.equals(source, sourcePort, destination, destinationPort)) return;
  if (side === Side.Source) entry.snat = true;
  else entry.dnat = true;
}

/** get_unique_tuple. */
function choose(kernel: Kernel, entry: Entry, side: Side, { from, to, low, high }: Range): void {
  const hasPorts = high !== 0;
  const { protocol } = entry;
  const port = portOf(protocol, side);
  const current = side === Side.Source ? wanted.source : wanted.destination;
  const address = isIpv6(current) ? current : current >>> 0;
  const isPortInside = port >= low && port <= high;
  if (side === Side.Source && from !== 0 && isInside(kernel, address, from, to) && (!hasPorts || isPortInside)) {
    if (!isTaken(kernel, entry)) return;
  }
  const picked = from === to ? (from === 0 ? address : from) : pick(kernel, from, to);
  const chosen = isIpv6Number(picked) ? picked : picked | 0;
  if (side === Side.Source) wanted.source = chosen;
  else wanted.destination = chosen;
  if (hasPorts ? isPortInside && (low === high || !isTaken(kernel, entry)) : !isTaken(kernel, entry)) return;
  const isPortless = protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP && !isIcmp(protocol);
  if (isPortless || (side === Side.Destination && !hasPorts && !isIcmp(protocol))) return;
  if (hasPorts) search(kernel, entry, side, low, high - low + 1);
  else if (isIcmp(protocol)) search(kernel, entry, side, 0, PORTS);
  // Services of old trust low ports, so that a low one is given for a low one.
  else if (port < 512) search(kernel, entry, side, 1, 511);
  else if (port < 1024) search(kernel, entry, side, 600, 424);
  else search(kernel, entry, side, 1024, PORTS - 1024);
}

/** find_best_ips_proto: the same pair of addresses gets the same one of several. */
function pick({ addresses }: Kernel, from: number, to: number): number {
  const { source, destination } = wanted;
  if (!isIpv6Number(from)) return choice(from, to, source, destination);
  const [a, b, c, d] = addresses.wordsOf(from);
  return addresses.note([a, b, c, choice(d, addresses.wordsOf(to)[3], addresses.word(source, 3), addresses.word(destination, 3))]);
}

function choice(from: number, to: number, source: number, destination: number): number {
  return (from + (fmix(source ^ ((destination << 16) | (destination >>> 16))) % (to - from + 1))) >>> 0;
}

function isInside({ addresses }: Kernel, address: number, from: number, to: number): boolean {
  if (!isIpv6Number(address)) return address >= from && address <= to;
  return compare(addresses, from, address) <= 0 && compare(addresses, address, to) <= 0;
}

/** As big numbers. */
function compare(addresses: AddressTable, a: number, b: number): number {
  for (let i = 0; i < 4; i++) {
    const difference = (addresses.word(a, i) >>> 0) - (addresses.word(b, i) >>> 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** nf_nat_l4proto_unique_tuple: the first of `size` ports that is free, or the last that was tried. */
function search(kernel: Kernel, entry: Entry, side: Side, low: number, size: number): void {
  const { conntrack } = kernel;
  const start = side === Side.Destination ? 0 : conntrack.natOffset;
  for (let i = 0; i < size; i++) {
    setPort(entry.protocol, side, low + ((start + i) % size));
    if (isTaken(kernel, entry)) continue;
    if (side === Side.Source) conntrack.natOffset = (start + i + 1) >>> 0;
    return;
  }
}

/** nf_nat_used_tuple: would replies to it be taken for another connection's? */
function isTaken(kernel: Kernel, entry: Entry): boolean {
  const { namespace, protocol } = entry;
  if (namespace === null) return false;
  invert(protocol, wanted, taken);
  const { source, sourcePort, destination, destinationPort } = taken;
  const other = kernel.conntrack.find(namespace, protocol, source, sourcePort, destination, destinationPort, kernel.clock);
  return other !== null && other !== entry;
}

function portOf(protocol: number, side: Side): number {
  return side === Side.Source || isIcmp(protocol) ? wanted.sourcePort : wanted.destinationPort;
}

function setPort(protocol: number, side: Side, port: number): void {
  if (side === Side.Source || isIcmp(protocol)) wanted.sourcePort = port;
  else wanted.destinationPort = port;
}
