/**
 * nf_nat_setup_info: chooses address and port of one side of a connection, so that no other connection's answers look the same.
 *
 * Differs from Linux: ports are tried from where the last search ended, not from a random one; no earlier connection's choice is
 * looked for.
 */
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../abi/protocol";
import { finalize } from "../simulation/random";
import { NONE } from "../abi/version";
import { bytesOf6, note6 } from "../tables/address6";
import { DESTINATION_NAT, findTuple, invertAddresses, invertPorts, isIcmpTuple, isNoTuple, isTuple6, SOURCE_NAT, Tracked, trackedOf } from "../tables/conntrack";
import { swap16, swap32 } from "../wire/bytes";

/** Where the next search for a source port begins. */
let offset: u32 = 0;

/** What is being tried, as a tuple of the original direction. */
let addresses: u64 = 0;
let ports: u64 = 0;
/** An IPv6 address of a range. */
const CHOSEN = memory.data(16, 16);

export function startBinding(): void {
  offset = 0;
}

/** Addresses from … to in reading order (0 and 0: it stays), ports low … high (0 and 0: it stays if it can). If none is left, confirming will tell. */
export function bind(tracked: Tracked, isSource: bool, from: u32, to: u32, low: u32, high: u32): void {
  addresses = invertAddresses(tracked.replyAddresses);
  ports = invertPorts(tracked.replyPorts);
  const address = sideOf(isSource);
  const port = portOf(isSource);
  const isPortFine = high == 0 || (port >= low && port <= high);
  if (isSource && from != 0 && isBetween(address, from, to) && isPortFine && !isTaken(tracked)) return;
  setSide(isSource, from == to ? (from == 0 ? address : from) : chooseAddress(from, to));
  const isDone = high != 0 ? isPortFine && (low == high || !isTaken(tracked)) : !isTaken(tracked);
  if (!isDone) choosePort(tracked, isSource, port, low, high);
  const replyAddresses = invertAddresses(addresses);
  const replyPorts = invertPorts(ports);
  if (replyAddresses == tracked.replyAddresses && replyPorts == tracked.replyPorts) return;
  tracked.replyAddresses = replyAddresses;
  tracked.replyPorts = replyPorts;
  tracked.status |= isSource ? SOURCE_NAT : DESTINATION_NAT;
}

@inline function sideOf(isSource: bool): u32 {
  return swap32(isSource ? <u32>addresses : <u32>(addresses >> 32));
}

function setSide(isSource: bool, address: u32): void {
  const word = <u64>swap32(address);
  addresses = isSource ? (addresses & 0xffffffff00000000) | word : (addresses & 0xffffffff) | (word << 32);
}

/** Numbers of IPv6 addresses have no order of their own. */
function isBetween(address: u32, from: u32, to: u32): bool {
  if (!isTuple6(ports)) return address >= from && address <= to;
  return memory.compare(bytesOf6(address), bytesOf6(from), 16) >= 0 && memory.compare(bytesOf6(address), bytesOf6(to), 16) <= 0;
}

@inline function protocolOfTuple(): u32 {
  return <u32>(ports >> 32) & 0xff;
}

/** The identifier of ICMP is at either side's place. */
@inline function portShift(isSource: bool): u64 {
  return isSource || isIcmpTuple(ports) ? 0 : 16;
}

@inline function portOf(isSource: bool): u32 {
  return swap16(<u32>(ports >> portShift(isSource)));
}

function setPort(isSource: bool, port: u32): void {
  const shift = portShift(isSource);
  ports = (ports & ~(<u64>0xffff << shift)) | (<u64>swap16(port) << shift);
}

/** Whether another connection already has the answers of what is being tried. */
function isTaken(tracked: Tracked): bool {
  const found = findTuple(invertAddresses(addresses), invertPorts(ports));
  return !isNoTuple(found) && trackedOf(changetype<usize>(found)) != tracked;
}

/** find_best_ips_proto: always the same one for the same two ends. */
function chooseAddress(from: u32, to: u32): u32 {
  if (isTuple6(ports)) return chooseAddress6(from, to);
  const hash = finalize(sideOf(true) ^ rotl<u32>(sideOf(false), 16));
  const size = to - from + 1;
  return size == 0 ? hash : from + (hash % size);
}

/** The same for the last words. */
function chooseAddress6(from: u32, to: u32): u32 {
  const first = lastWord(from);
  const hash = finalize(lastWord(sideOf(true)) ^ rotl<u32>(lastWord(sideOf(false)), 16));
  const size = lastWord(to) - first + 1;
  v128.store(CHOSEN, v128.load(bytesOf6(from)));
  store<u32>(CHOSEN, swap32(size == 0 ? hash : first + (hash % size)), 12);
  const number = note6(CHOSEN);
  assert(number != NONE, "addresses6: the capacity holds the addresses of translations");
  return number;
}

@inline function lastWord(number: u32): u32 {
  return swap32(load<u32>(bytesOf6(number), 12));
}

/** nf_nat_l4proto_unique_tuple: if all are taken, the last one stays. */
function choosePort(tracked: Tracked, isSource: bool, port: u32, low: u32, high: u32): void {
  const protocol = protocolOfTuple();
  const isIcmp = isIcmpTuple(ports);
  if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP && !isIcmp) return;
  let first = low;
  let last = high;
  if (high == 0) {
    if (isIcmp) {
      first = 0;
      last = 65535;
    } else if (!isSource) {
      return;
    } else {
      first = port < 512 ? 1 : port < 1024 ? 600 : 1024;
      last = port < 512 ? 511 : port < 1024 ? 1023 : 65535;
    }
  }
  const size = last - first + 1;
  const start = isSource ? offset : 0;
  for (let step: u32 = 0; step < size; step++) {
    setPort(isSource, first + ((start + step) % size));
    if (isTaken(tracked)) continue;
    if (isSource) offset = start + step + 1;
    return;
  }
}
