/**
 * neigh_timer_handler and ip_expire. A timer's event is at most once in the queue; when it fires, the deadline says whether it
 * means anything, and a busy CPU puts it off.
 */
import { Drop } from "../abi/drop";
import { NEIGHBOUR_PROBES_MAX, NEIGHBOUR_RETRANSMIT_NS } from "../abi/limits";
import { Node } from "../abi/node";
import { RouteType } from "../abi/program";
import { ICMP6_ADDRESS_UNREACHABLE, ICMP6_REASSEMBLY_TIMEOUT, ICMP6_TIME_EXCEEDED, ICMP6_UNREACHABLE, ICMP_HOST_UNREACHABLE, ICMP_REASSEMBLY_TIMEOUT, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE } from "../abi/protocol";
import { drop, dropRecord } from "../graph/drop";
import { finish } from "../graph/walk";
import { readHeaders6 } from "../memory/network";
import { GHOST_BYTES, notesOf, Packet } from "../memory/pool";
import { clock, NEVER, now } from "../simulation/clock";
import { enter, visit } from "../simulation/cpu";
import { takeTimer } from "../simulation/timer";
import { hasRoute, lookup } from "../tables/fib";
import { armNeighbour, dequeue, Neighbour, NeighbourState } from "../tables/neighbour";
import { armBuffer, freeBuffer, payloadOf, Reassembly } from "../tables/reassembly";
import { store16, swap32 } from "../wire/bytes";
import { destinationOf } from "../wire/ipv4";
import { IP6_LENGTH, IPV6_HEADER } from "../wire/ipv6";
import { icmpError, icmpErrorOfFragment } from "./icmp-error";
import { icmp6Error, icmp6ErrorOfFragment } from "./icmp6-error";
import { solicit } from "./neighbour-output";

/** When a timer tries again that found its CPU busy. ns. */
export const RETRY: i64 = 1000000;
/** Stands for a fragment whose slot is long free. */
const GHOST = changetype<Packet>(memory.data(GHOST_BYTES, 16));

/** A NeighbourTimer event. */
export function neighbourTimer(entry: Neighbour): void {
  if (!takeTimer(entry)) return;
  if (entry.deadline > now) {
    armNeighbour(entry, entry.deadline);
  } else if (!enter(entry.device.namespace.cpu, now)) {
    armNeighbour(entry, now + RETRY);
  } else {
    entry.deadline = NEVER;
    visit(Node.Timer);
    expire(entry);
    finish();
  }
}

function expire(entry: Neighbour): void {
  const state = entry.state;
  if (state == NeighbourState.Incomplete || state == NeighbourState.Probe) {
    if (entry.probes < <u32>NEIGHBOUR_PROBES_MAX) {
      entry.probes++;
      ask(entry);
    } else {
      fail(entry);
    }
  } else if (state == NeighbourState.Delay) {
    if (entry.confirmed >= entry.since) {
      entry.state = NeighbourState.Reachable;
    } else {
      entry.state = NeighbourState.Probe;
      entry.probes = 1;
      ask(entry);
    }
  }
}

function ask(entry: Neighbour): void {
  solicit(entry, Node.Timer);
  armNeighbour(entry, clock + <i64>NEIGHBOUR_RETRANSMIT_NS);
}

/** Nobody answers: the senders of what waits are told. */
function fail(entry: Neighbour): void {
  entry.state = NeighbourState.Failed;
  while (entry.queueCount != 0) {
    const packet = dequeue(entry);
    if (entry.isIpv6) icmp6Error(packet, ICMP6_UNREACHABLE, ICMP6_ADDRESS_UNREACHABLE, 0);
    else icmpError(packet, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0);
    drop(packet, Drop.NeighFailed, Node.NeighbourOutput);
  }
}

/** A ReassemblyTimer event. */
export function reassemblyTimer(buffer: Reassembly): void {
  if (!takeTimer(buffer)) return;
  if (buffer.deadline > now) {
    armBuffer(buffer, buffer.deadline);
  } else if (!enter(buffer.namespace.cpu, now)) {
    armBuffer(buffer, now + RETRY);
  } else {
    visit(Node.Timer);
    if (buffer.header != 0 && isForThisHost(buffer)) reportFragment(buffer);
    dropRecord(Drop.FragReasmTimeout, Node.Reassemble, buffer.device, buffer.flow, buffer.sequence, buffer.received, buffer.trace);
    freeBuffer(buffer);
    finish();
  }
}

/** ip_expire: what connection tracking collects for others times out without a word. */
function isForThisHost(buffer: Reassembly): bool {
  const stack = buffer.namespace;
  const destination = stack.isIpv6 ? swap32(<u32>(buffer.addresses >> 32)) : destinationOf(payloadOf(buffer) - buffer.header);
  const decision = lookup(stack, destination);
  return hasRoute(decision) && decision.route.type == RouteType.Local;
}

function reportFragment(buffer: Reassembly): void {
  GHOST.network = payloadOf(buffer) - buffer.header;
  GHOST.device = buffer.device;
  GHOST.flow = buffer.flow;
  GHOST.sequence = buffer.sequence;
  GHOST.trace = buffer.trace;
  GHOST.type = buffer.type;
  GHOST.received = 1;
  if (buffer.namespace.isIpv6) reportFragment6(buffer);
  else icmpErrorOfFragment(GHOST, ICMP_TIME_EXCEEDED, ICMP_REASSEMBLY_TIMEOUT);
}

/** The fragment with offset 0, without its header, as far as the payload has come in one piece. */
function reportFragment6(buffer: Reassembly): void {
  const ip = GHOST.network;
  const bytes = buffer.header + buffer.firstBytes;
  const notes = notesOf(GHOST);
  store16(ip + IP6_LENGTH, bytes - IPV6_HEADER);
  if (readHeaders6(notes, ip, bytes) != Drop.None) return;
  notes.source = swap32(<u32>buffer.addresses);
  notes.destination = swap32(<u32>(buffer.addresses >> 32));
  icmp6ErrorOfFragment(GHOST, ICMP6_TIME_EXCEEDED, ICMP6_REASSEMBLY_TIMEOUT);
}
