/**
 * What rules said of a connection's packet they say of its next one, as long as it comes by the same devices with the same mark in
 * the same state, and the rules are the same. Kept behind the connection's record, per direction and hook.
 */
import { PROTOCOL_TCP } from "../abi/protocol";
import { Hook } from "../abi/netfilter";
import { NONE } from "../abi/version";
import { protocolIn } from "../memory/network";
import { CROSSING, Packet } from "../memory/pool";
import {
  CONFIRMED,
  DESTINATION_NAT,
  forgetVerdicts,
  GONE,
  SOURCE_NAT,
  trackedOf,
  verdictSlot,
} from "../tables/conntrack";
import { Namespace } from "../tables/namespace";
import { internPath, Path, pathGeneration, startPath } from "../tables/path";
import { BALANCES, READS_PACKETS, READS_TCP_FLAGS } from "../tables/ruleset";
import { inDevice, outDevice } from "./inspect";
import { ESTABLISHED, NEW, stateOf, tupleOf } from "./state";

const DEVICE_BITS: u64 = 24;
const DEVICE_MASK: u64 = (1 << DEVICE_BITS) - 1;
/** Fields of a slot. */
const MARK: usize = 8;
const PATH: usize = 12;

/** The tuple whose verdict is being found out, or 0. */
let wanted: usize = 0;
let wantedKey: u64 = 0;
let wantedMark: u32 = 0;

@inline export function isNoPath(path: Path): bool {
  return changetype<usize>(path) == 0;
}

/**
 * A traced packet tells of every rule, a segment may be told by its flags, and any packet by what IPsec does to it; what is to be
 * encrypted, and where to goes what crosses, the mark says that mangle gives it; what IPVS does to a packet conntrack cannot tell.
 */
@inline function isRepeatable(packet: Packet, namespace: Namespace, hook: Hook): bool {
  if (packet.trace != NONE || (hook == Hook.Output && packet.dontFragment & CROSSING)) return false;
  if (MANY_HOSTS != 0 && (namespace.filter & (BALANCES | READS_PACKETS) || (hook == Hook.Output && namespace.hasPolicies))) return false;
  return !(namespace.filter & READS_TCP_FLAGS) || protocolIn(packet) != PROTOCOL_TCP;
}

@inline function keyOf(status: u32, state: u32): u64 {
  const nat = (status & (SOURCE_NAT | DESTINATION_NAT)) >> 1;
  return (<u64>inDevice & DEVICE_MASK) | (<u64>(state | nat) << DEVICE_BITS) | (<u64>outDevice << 32);
}

/** The verdict of the hook for a packet of a tuple in a state, or null; then what comes of it may be remembered. */
@inline export function recall(packet: Packet, namespace: Namespace, tuple: usize, state: u32, hook: Hook): Path {
  wanted = 0;
  const tracked = trackedOf(tuple);
  if ((tracked.status & (CONFIRMED | GONE)) != CONFIRMED || !isRepeatable(packet, namespace, hook)) return changetype<Path>(0);
  const key = keyOf(tracked.status, state);
  const slot = verdictSlot(tuple, hook);
  if (tracked.generation == pathGeneration && load<u64>(slot) == key && load<u32>(slot, MARK) == packet.mark) {
    return changetype<Path>(<usize>load<u32>(slot, PATH));
  }
  wanted = tuple;
  wantedKey = key;
  wantedMark = packet.mark;
  startPath();
  return changetype<Path>(0);
}

/** The same for a packet that carries a connection already. */
@inline export function recallCarried(packet: Packet, namespace: Namespace, hook: Hook): Path {
  wanted = 0;
  const state = stateOf(packet);
  return state == NEW || state == ESTABLISHED ? recall(packet, namespace, tupleOf(packet), state, hook) : changetype<Path>(0);
}

/** There is nothing to remember. */
@inline export function forgetWanted(): void {
  wanted = 0;
}

/** Remembers what became of the packet that nothing was known of. */
@inline export function remember(packet: Packet, hook: Hook, drops: bool): void {
  if (wanted != 0) write(packet, hook, drops);
}

function write(packet: Packet, hook: Hook, drops: bool): void {
  const tuple = wanted;
  wanted = 0;
  const tracked = trackedOf(tuple);
  if (tupleOf(packet) != tuple || keyOf(tracked.status, stateOf(packet)) != wantedKey) return;
  const path = internPath(drops, packet.mark);
  if (isNoPath(path)) return;
  if (tracked.generation != pathGeneration) forgetVerdicts(tracked, pathGeneration);
  const slot = verdictSlot(tuple, hook);
  store<u64>(slot, wantedKey);
  store<u32>(slot, wantedMark, MARK);
  store<u32>(slot, <u32>changetype<usize>(path), PATH);
}
