/**
 * What a packet carries of the packet filter, in one word (`Packet.filter`): the tuple of its connection in whose direction it
 * goes, and in the bits below, which tuples leave free, its state and where it has been.
 */
import { CTSTATE_DNAT, CTSTATE_ESTABLISHED, CTSTATE_INVALID, CTSTATE_NEW, CTSTATE_RELATED, CTSTATE_SNAT, CTSTATE_UNTRACKED } from "../abi/netfilter";
import { Packet } from "../memory/pool";
import { DESTINATION_NAT, hold, letGo, otherTuple, SOURCE_NAT, trackedOf } from "../tables/conntrack";

/** None is 0. Those with a connection are what `--ctstate` calls them. */
export const UNTRACKED: u32 = 1;
export const NEW: u32 = 2;
export const ESTABLISHED: u32 = 3;
export const RELATED: u32 = 4;
const STATE_MASK: u32 = 7;
/** A bridge with bridge-nf has it; its hooks are those of the bridge. */
export const BRIDGED: u32 = 8;
/** It was put together at Prerouting; `Packet.mtu` is the length of its longest fragment. */
export const DEFRAGMENTED: u32 = 16;
const TUPLE_MASK: u32 = ~31;

@inline export function stateOf(packet: Packet): u32 {
  return packet.filter & STATE_MASK;
}

/** Address of the tuple that it carries, or 0. */
@inline export function tupleOf(packet: Packet): usize {
  return packet.filter & TUPLE_MASK;
}

@inline export function carriesEntry(packet: Packet): bool {
  return packet.filter > ~TUPLE_MASK;
}

/** Gives it a connection that counts it among its holders already. */
@inline export function attach(packet: Packet, tuple: usize, state: u32): void {
  packet.filter = <u32>tuple | state | (packet.filter & (BRIDGED | DEFRAGMENTED));
}

@inline export function setUntracked(packet: Packet): void {
  packet.filter |= UNTRACKED;
}

/** Its state is none. */
@inline export function detach(packet: Packet): void {
  const word = packet.filter;
  packet.filter = word & (BRIDGED | DEFRAGMENTED);
  if (word > ~TUPLE_MASK) letGo(trackedOf(word & TUPLE_MASK));
}

/** nf_ct_attach: an error about a packet is related to its connection, and goes the other way. */
export function relate(answer: Packet, offender: Packet): void {
  if (!carriesEntry(offender)) return;
  const tuple = tupleOf(offender);
  hold(trackedOf(tuple));
  attach(answer, otherTuple(tuple), RELATED);
}

/** A piece of a packet: it has its mark and its state. */
export function inheritFilter(piece: Packet, packet: Packet): void {
  piece.mark = packet.mark;
  piece.filter = packet.filter & (TUPLE_MASK | STATE_MASK);
  if (carriesEntry(packet)) hold(trackedOf(tupleOf(packet)));
}

/** CTSTATE_ bits. */
export function ctstateOf(packet: Packet): u32 {
  const state = stateOf(packet);
  if (state == 0) return CTSTATE_INVALID;
  if (state == UNTRACKED) return CTSTATE_UNTRACKED;
  const status = trackedOf(tupleOf(packet)).status;
  let bits = state == NEW ? CTSTATE_NEW : state == ESTABLISHED ? CTSTATE_ESTABLISHED : CTSTATE_RELATED;
  if (status & SOURCE_NAT) bits |= CTSTATE_SNAT;
  if (status & DESTINATION_NAT) bits |= CTSTATE_DNAT;
  return bits;
}
